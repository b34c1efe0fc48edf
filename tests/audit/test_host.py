from slug_lightning.audit.host import Wording


def test_a_wording_changes_nothing_by_itself():
    assert Wording("template", "usual") == Wording("template", "usual", (), ())
