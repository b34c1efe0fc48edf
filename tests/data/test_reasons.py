from slug_lightning.data.reasons import BadMemberError, SkipReason


def test_a_reason_is_its_word():
    assert all(reason.value == reason.name.lower() == str(reason) for reason in SkipReason)


def test_the_error_says_the_reason_first():
    assert str(BadMemberError(SkipReason.TOO_LARGE, "9 bytes")) == "too_large: 9 bytes"
    assert str(BadMemberError(SkipReason.EXCLUDED)) == "excluded"
