from slug_lightning.reports.audit_figures import AUDIT_FIGURES, audit_drawings
from slug_lightning.reports.figures.theme import DARK
from tests.reports.audit_document import HOST, make_audit


def test_all_figures_of_a_whole_audit():
    drawings = audit_drawings(make_audit(host=True))
    assert tuple(drawings) == AUDIT_FIGURES
    for draw in drawings.values():
        assert draw(DARK).get_facecolor()[:3] != (1, 1, 1)


def test_only_what_was_found_is_drawn():
    document = make_audit()
    attacks = document["hosts"]["clip"]["attacks"]
    document["hosts"]["clip"]["attacks"] = {"drift": attacks["drift"]}
    assert list(audit_drawings(document)) == ["audit_drift"]
    document["hosts"] = {HOST: {"attacks": {"standing": attacks["standing"]}}}
    assert list(audit_drawings(document)) == ["host_audit_attacks"]
    document["hosts"] = {}
    assert audit_drawings(document) == {}
