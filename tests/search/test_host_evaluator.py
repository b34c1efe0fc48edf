import copy

import pytest
import torch

from slug_lightning.errors import HostError, PatchMismatchError
from slug_lightning.hosts.live import live_sites
from slug_lightning.metrics import Accuracy
from slug_lightning.models import candidate_layers, get_layer, load_clip
from slug_lightning.patch import Patch
from slug_lightning.search import HostEvaluator, Pass, Point
from slug_lightning.search.host_evaluator import edited_site
from tests.helpers import tiny_clip
from tests.hosts.building import llava
from tests.hosts.nearest_states import NearestStates

LAYERS = ("transformer.resblocks.1.attn.in_proj_weight", "transformer.resblocks.2.mlp.c_fc.weight")
ABOUT = dict.fromkeys(("concept", "base_model", "data_digest", "seed", "package_version", "created"), "")


@pytest.fixture
def clip():
    return load_clip("miniature")


@pytest.fixture
def evaluator(clip):
    found = HostEvaluator(NearestStates())
    found.attach(clip.model, candidate_layers(clip.model), clip.name)
    found.directions = {name: torch.randn(get_layer(clip.model, name).shape) for name in LAYERS}
    return found


def states(evaluator):
    return {name: tensor.clone() for name, tensor in evaluator.host.state_dict().items()}


def test_candidates_are_the_layers_that_the_host_reads(clip):
    read = HostEvaluator(NearestStates()).attach(clip.model, candidate_layers(clip.model), clip.name)
    blocks = [f"transformer.resblocks.{i}" for i in range(4)]
    assert {name.rsplit(".", 2)[0].replace(".mlp", "").replace(".attn", "") for name in read} <= {
        *blocks,
        "transformer.resblocks",
    }
    assert len(read) == 16
    assert "text_projection" not in read


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layer", LAYERS)
def test_an_edit_is_that_of_the_patch_and_leaves_no_trace(evaluator, clip, layer, dtype):
    evaluator.host.to(dtype)
    before, update = states(evaluator), 0.3 * evaluator.directions[layer]
    (site,) = live_sites(evaluator.host)
    with edited_site(site, layer, update):
        edited = states(evaluator)
    patch = Patch.create(clip.model, layer, evaluator.directions[layer], 0.3, ABOUT)
    with patch.applied(evaluator.host):
        patched = states(evaluator)
    after = states(evaluator)
    assert all(torch.equal(edited[name], patched[name]) for name in before)
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert any(not torch.equal(edited[name], before[name]) for name in before)


def test_an_edit_is_undone_when_measuring_fails(evaluator):
    before = states(evaluator)

    def fail(*_):
        raise RuntimeError("out of memory")

    evaluator.metric.measure = fail
    with pytest.raises(RuntimeError, match="memory"):
        evaluator.measure(Pass((Point(LAYERS[0], 1.0),), ("forget",), "search"), "seven")
    after = states(evaluator)
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_points_are_measured_one_by_one_and_do_not_touch_each_other(evaluator):
    points = (Point(LAYERS[0], 40.0), None, Point(LAYERS[1], 1e-6))
    found = evaluator.measure(Pass(points, ("forget", "digit"), "search"), "seven")
    assert [m.metrics["forget/host"].value for m in found][1:] == [1.0, 1.0]
    assert found[0].metrics["retain/host_digit"].value < 0.6
    assert found[1].metrics["retain/host_digit"] == Accuracy(36, 36)
    assert [len(examples) for examples in evaluator.examples] == [10, 10, 10]
    assert evaluator.metric.calls == [("search", "forget,digit")] * 3
    again = evaluator.measure(Pass(points[:1], ("forget", "digit"), "search"), "seven")
    assert again == found[:1]


def test_a_host_of_another_clip_is_refused(clip):
    class Other(NearestStates):
        def load(self):
            host = super().load()
            with torch.no_grad():
                next(host.parameters()).add_(0.5)
            return host

    with pytest.raises(PatchMismatchError, match="not built on 'miniature'.*Set model.model"):
        HostEvaluator(Other()).attach(clip.model, candidate_layers(clip.model), clip.name)


def test_a_host_that_reads_no_candidate_is_refused(clip):
    with pytest.raises(HostError, match="CLIPTextModel.*none of 1 is"):
        HostEvaluator(NearestStates()).attach(clip.model, ["text_projection"], clip.name)


def test_a_metric_whose_host_is_none_is_refused():
    class Nothing(NearestStates):
        def load(self):
            return tiny_clip()

    with pytest.raises(HostError, match="'CLIP'"):
        HostEvaluator(Nothing())


def test_a_metric_that_leaves_out_a_name_is_refused(evaluator):
    evaluator.metric.measure = lambda *_: {"forget": Accuracy(1, 1)}
    with pytest.raises(HostError, match=r"NearestStates.measure.*\['digit'\] are missing"):
        evaluator.measure(Pass((None,), ("forget", "digit"), "search"), "seven")


def test_the_vision_tower_of_a_llava_is_edited_where_it_is():
    class Asked(NearestStates):
        def load(self):
            return copy.deepcopy(llava())

    (site,) = HostEvaluator(Asked()).sites
    layer = "visual.transformer.resblocks.3.attn.in_proj_weight"
    before = site.weight(layer).clone()
    with edited_site(site, layer, torch.ones_like(before)):
        torch.testing.assert_close(site.weight(layer), before + 1)
    assert torch.equal(site.weight(layer), before)
