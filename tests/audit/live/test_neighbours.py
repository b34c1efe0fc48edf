import torch

from slug_lightning.audit.attacks import ON_HOST
from slug_lightning.audit.checks import Limits
from slug_lightning.audit.live.neighbours import neighbours
from slug_lightning.audit.neighbours import NeighbourSettings
from slug_lightning.hosts.host_attacks import Confusion
from tests.audit.live.reciting import Recites, make_host

BEFORE = [[10, 0, 0, 0], [0, 10, 0, 0], [0, 0, 10, 0]]
AFTER = [[9, 1, 0, 0], [4, 0, 0, 6], [6, 0, 4, 0]]


class Confused(Recites):
    """Counts by whether the patch is there: ``b`` is the concept, ``c`` is hurt more than ``a``."""

    def load(self):
        self.live = super().load()
        self.start = self.live.encoder.layers[2].mlp.fc1.weight.detach().clone()
        return self.live

    def confusion(self, concept):
        patched = not torch.equal(self.live.encoder.layers[2].mlp.fc1.weight, self.start)
        return Confusion(["a", concept, "c"], torch.tensor(AFTER if patched else BEFORE))


def test_the_concept_comes_first_and_the_most_hurt_next():
    findings = neighbours(make_host(metric=Confused()), NeighbourSettings())
    after = [f for f in findings.figures if f.version == "after"]
    assert [(f.condition, f.value, f.n) for f in after] == [
        ("zero", 0.0, 10),
        ("c", 0.4, 10),
        ("a", 0.9, 10),
    ]
    (check,) = ON_HOST["neighbours"].judge(findings, Limits())
    assert check.value == 0.6
    assert "name/c" in check.what


def test_what_is_none_of_the_names_is_missing_in_the_matrix():
    matrix = neighbours(make_host(metric=Confused()), NeighbourSettings(shown=2)).matrices["confusion"]
    assert matrix["names"] == ["zero", "c"]
    assert matrix["after"] == [[0.0, 0.0], [0.0, 0.4]]
    assert matrix["before"] == [[1.0, 0.0], [0.0, 1.0]]


def test_every_version_has_its_own():
    findings = neighbours(make_host(), NeighbourSettings())
    values = {v: [f.value for f in findings.figures if f.version == v] for v in ("before", "after")}
    assert values["before"] == [1.0] * 10
    assert values["after"][0] == 0
