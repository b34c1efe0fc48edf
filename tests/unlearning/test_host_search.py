import pytest
import torch

from slug_lightning.errors import ConceptNotFoundError, HostError, SettingError
from slug_lightning.models import candidate_layers, get_layer, load_clip
from slug_lightning.patch import Patch, WholePatch
from slug_lightning.search import SearchSettings
from slug_lightning.unlearning.host_search import HostSearch, check_host_settings
from tests.hosts.nearest_states import NearestStates

LAYERS = ("transformer.resblocks.1.attn.in_proj_weight", "transformer.resblocks.2.mlp.c_fc.weight")
ABOUT = dict.fromkeys(("concept", "base_model", "data_digest", "seed", "package_version", "created"), "")


@pytest.fixture(scope="module")
def clip():
    return load_clip("miniature")


@pytest.fixture(scope="module")
def search(clip):
    return HostSearch(NearestStates(), clip, set(candidate_layers(clip.model)))


def patch(clip, layer, seed=0):
    weight = get_layer(clip.model, layer)
    direction = torch.randn(weight.shape, generator=torch.Generator().manual_seed(seed))
    return Patch.create(clip.model, layer, direction, 0.5, ABOUT)


def states(search):
    return {name: tensor.clone() for name, tensor in search.evaluator.host.state_dict().items()}


def test_the_host_has_all_patches_and_then_its_own_weights(clip, search):
    before = states(search)
    made = [patch(clip, LAYERS[0]), patch(clip, LAYERS[1]), patch(clip, LAYERS[1], seed=1)]
    with made[1].applied(search.evaluator.host):
        one = states(search)
    with search.patched(made):
        inside = states(search)
    changed = {name for name in before if not torch.equal(inside[name], before[name])}
    assert len(changed) == 4  # query, key and value apart
    (mlp,) = (name for name in before if not torch.equal(one[name], before[name]))
    assert torch.allclose(inside[mlp] - one[mlp], made[2].update, atol=1e-5)
    assert all(torch.equal(tensor, before[name]) for name, tensor in states(search).items())


def test_a_patch_that_the_host_would_not_notice_is_refused(clip, search):
    with (
        pytest.raises(HostError, match=r"one is of 'visual.proj', which the host .* --model.host_metric"),
        search.patched([patch(clip, LAYERS[0]), patch(clip, "visual.proj")]),
    ):
        pass
    whole = WholePatch.__new__(WholePatch)
    with pytest.raises(HostError, match="one is of many layers"), search.patched([whole]):
        pass


def test_settings_that_do_not_go_with_a_host_are_refused():
    metric = NearestStates()
    check_host_settings(metric, SearchSettings(criterion="host"), "seven")
    check_host_settings(None, SearchSettings(), "cat")
    with pytest.raises(ConceptNotFoundError, match="Expected a digit"):
        check_host_settings(metric, SearchSettings(criterion="host"), "cat")
    with pytest.raises(SettingError, match="criterion host with model.host_metric"):
        check_host_settings(None, SearchSettings(criterion="host"), "seven")
    with pytest.raises(SettingError, match=r"does not answer to them, but got \[\] and 0.1"):
        check_host_settings(metric, SearchSettings(criterion="host", margin=0.1), "seven")
