from slug_lightning.search import Setting


def test_equal_settings_are_one_key_and_read_as_words():
    one, other = Setting.of(alpha=2, beta=0.5), Setting.of(alpha=2.0, beta=0.5)
    assert {one: 1}[other] == 1
    assert str(one) == "alpha 2, beta 0.5"
    assert one.values == {"alpha": 2, "beta": 0.5}
