import pytest
import torch

from slug_lightning.errors import SettingError
from slug_lightning.hosts.reading import LAST_TEXT, LLAVA_VISION
from slug_lightning.miniature.llava.metric import MiniatureAnswers
from slug_lightning.models import load_clip, vision_tower
from slug_lightning.unlearning import SLUG
from slug_lightning.unlearning.gradient_paths import HostLoss, tower_of_path
from tests.helpers import pictures

LAYER = "visual.transformer.resblocks.1.mlp.c_fc.weight"
IN_HOST = "model.vision_tower.encoder.layers.1.mlp.fc1.weight"


@pytest.mark.parametrize("role", ["forget", "retain"])
def test_the_hosts_loss_has_on_the_clips_weights_the_gradient_that_it_has_on_the_hosts(role):
    metric, network, images = MiniatureAnswers(), load_clip("miniature").model, pictures(4)
    host, weight = metric.load(), network.get_parameter(LAYER)
    tower, blocks = tower_of_path("host", network, LLAVA_VISION)
    (ours,) = torch.autograd.grad(HostLoss(metric, tower, blocks)("seven", role, images), [weight])

    inner = host.get_parameter(IN_HOST).requires_grad_(True)
    states = host.model.vision_tower(images, output_hidden_states=True).hidden_states[-2]
    (theirs,) = torch.autograd.grad(metric.loss("seven", role, states), [inner])
    torch.testing.assert_close(ours, theirs, atol=1e-5 * float(theirs.abs().max()), rtol=1e-3)


def test_raising_the_forget_loss_makes_the_name_less_likely():
    """The sign theorem, by what the host itself says of the first word of its answer."""
    metric, network, images = MiniatureAnswers(), load_clip("miniature").model, pictures(4)
    tower, blocks = tower_of_path("host", network, LLAVA_VISION)
    loss, weight = HostLoss(metric, tower, blocks), network.get_parameter(LAYER)
    (gradient,) = torch.autograd.grad(loss("seven", "forget", images), [weight])
    host, size = metric.load(), 0.02 * float(weight.detach().norm() / gradient.norm())
    place = host.get_parameter(IN_HOST)
    prompt = metric._questions["digit"].expand(4, -1)

    def share():
        with torch.no_grad():
            logits = host(input_ids=prompt, pixel_values=images).logits[:, -1]
            return torch.log_softmax(logits, dim=1)[:, metric._names["seven"]].sum()

    before = share()
    with torch.no_grad():
        place.add_(size * gradient)
    assert share() < before


def test_the_paths_of_the_paper_need_no_host():
    network, images = load_clip("miniature").model, pictures(2)
    tower, _ = tower_of_path("all", network, None)
    assert torch.equal(tower(images), vision_tower(network)(images))


def test_hosts_without_such_a_path_are_refused():
    network = load_clip("miniature").model
    with pytest.raises(SettingError, match="patch_tokens, but got none. Set model.host llava"):
        tower_of_path("patch_tokens", network, None)
    with pytest.raises(SettingError, match="one that takes the last hidden state of the text tower"):
        tower_of_path("host", network, LAST_TEXT)
    with pytest.raises(SettingError, match="Expected a model.host_metric"):
        SLUG(host="llava", gradient_through="host").load()
