"""The search that copies and evaluates everything finds the same points, counts and choice."""

import pytest
import torch

from benchmarks import naive, ours
from benchmarks.agreement import search_differences
from benchmarks.measuring import Meter
from slug_lightning.models import load_clip
from slug_lightning.search import score_layers
from slug_lightning.search.candidates import choose_candidates
from slug_lightning.unlearning import Gradients


@pytest.fixture(scope="module")
def plain(tiny_setting, tiny_run):
    clip = load_clip("miniature")
    weights = {name: p.detach().clone() for name, p in clip.model.named_parameters()}
    found = Gradients.load(tiny_run / "gradients.safetensors")
    scores = score_layers(found.forget, found.retain, {name: weights[name] for name in found.layers})
    candidates = choose_candidates(scores, tiny_setting.layers, ["vision", "text"])
    settings = ours.search_settings(tiny_setting, "all")
    trace = naive.search(clip, tiny_setting, candidates, found.forget, settings, Meter())
    assert all(torch.equal(weights[name], p) for name, p in clip.model.named_parameters())
    return ours.trace_entries(trace)


@pytest.mark.parametrize("measure", ["all", "feasible", "contenders"])
def test_equals_the_search(plain, tiny_setting, tiny_run, measure):
    trace = ours.search(tiny_setting, tiny_run / "gradients.safetensors", measure, Meter())
    assert search_differences(ours.trace_entries(trace), plain) == []


def test_the_comparison_is_of_something(plain):
    verdicts = [point["feasible"] for point in plain["points"]]
    assert len(verdicts) == 8
    assert any(verdicts)
    assert not all(verdicts)


def test_every_difference_is_told(plain):
    other = {**plain, "chosen": {"layer": "visual.proj", "step": 0.0}, "before": {}}
    other["points"] = [
        {**p, "counts": {n: [c[0] + 1, c[1]] for n, c in p["counts"].items()}} for p in plain["points"]
    ]
    found = search_differences(plain | {"before": {}}, other)
    assert any("chosen" in text for text in found)
    assert sum("instead of" in text for text in found) > 8
    other["points"] = other["points"][1:]
    assert any(
        text.startswith("points") for text in search_differences(plain, {**other, "before": plain["before"]})
    )
