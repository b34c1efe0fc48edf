import pytest
import torch

from slug_lightning.canvas.judging import Judged
from slug_lightning.canvas.results import Cost, TargetResult, average, cost_of, figures_of
from slug_lightning.errors import BadDataError
from tests.canvas.making import SMALL


def judged(fid=None):
    style_hits = torch.tensor([[0, 1], [2, 2]])
    object_hits = torch.tensor([[2, 2], [2, 0]])
    total = torch.full((2, 2), 2)
    return Judged(style_hits, object_hits, total, torch.zeros(2, 2), torch.zeros(2, 2), fid)


def result(target="Red_Ink", cost=None, patched=True, fid=None):
    return TargetResult.of(target, SMALL, judged(fid), patched, cost, "setting")


def test_figures_of_a_style_and_of_an_object():
    assert figures_of("Red_Ink", SMALL, judged()) == {
        "UA": 0.75,
        "IRA": 1.0,
        "CRA": 0.75,
        "CRA_elsewhere": 0.5,
    }
    assert figures_of("dog", SMALL, judged()) == {"UA": 0.5, "IRA": 1.0, "CRA": 0.625, "CRA_elsewhere": 0.5}


def test_a_result_has_all_accuracies_and_survives_its_file(tmp_path):
    made = result(cost=Cost(39.0, 3.6, None), fid=12.5)
    assert made.by_style == {"Red_Ink": 0.25, "Photo": 1.0}
    assert made.by_object == {"cat": 1.0, "dog": 0.5}
    assert made.images == 8
    made.save(tmp_path / "r.json")
    assert TargetResult.load(tmp_path / "r.json") == made
    assert TargetResult.load(tmp_path / "none.json") is None
    (tmp_path / "r.json").write_text('{"format_version": 1}')
    with pytest.raises(BadDataError, match="the result of slug canvas"):
        TargetResult.load(tmp_path / "r.json")


def test_averages_are_taken_over_styles_and_over_objects():
    results = [
        result(fid=10.0, cost=Cost(30.0, 2.0, 0.1)),
        result("cat", fid=20.0, cost=Cost(None, 4.0, None)),
        result("dog", patched=False),
    ]
    found = average(results)
    assert (found.styles, found.objects) == (1, 2)
    assert found.style["UA"] == 0.75
    cat, dog = results[1].figures, results[2].figures
    assert found.object["CRA"] == pytest.approx((cat["CRA"] + dog["CRA"]) / 2)
    assert found.fid == 15.0
    assert (found.seconds, found.memory_gb, found.storage_gb) == (None, 3.0, None)  # of some targets alone
    assert found.unpatched == ("dog",)
    nothing = average([])
    assert (nothing.style, nothing.fid, nothing.seconds) == (None, None, None)


def test_cost_is_that_of_the_run_and_unknown_where_gradients_were_reused():
    efficiency = {
        "gradient_seconds": 30.0, "search_seconds": 9.0, "peak_memory_bytes": 3_600_000_000,
        "patch_bytes": 40_000_000,
        "gradients_from": None, "retain_gradients_from": None,
    }  # fmt: skip
    assert cost_of({"efficiency": efficiency}) == Cost(39.0, 3.6, 0.04)
    unknown = cost_of({"efficiency": {**efficiency, "peak_memory_bytes": None}})
    assert unknown == Cost(39.0, None, 0.04)
    for reused in ("gradients_from", "retain_gradients_from"):
        assert cost_of({"efficiency": {**efficiency, reused: "run"}}).seconds is None
