import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file

from slug_lightning.canvas.judges import load_judge
from slug_lightning.canvas.protocol import load_protocol
from slug_lightning.errors import BadDataError, DataNotFoundError, SettingError
from tests.canvas.making import SMALL

TINY = "vit_tiny_patch16_224"  # stands in for the benchmark's ViT-L: the same class of timm


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return timm.create_model(TINY, num_classes=2).eval()


def test_a_checkpoint_in_the_published_form_gives_its_own_logits(network, tmp_path):
    path = tmp_path / "style50.pth"
    torch.save({"model_state_dict": network.state_dict(), "epoch": 3}, path)
    judge = load_judge("style", path, SMALL, TINY)
    image = Image.effect_noise((512, 512), 60).convert("RGB")
    view = judge.preprocess(image)
    assert view.shape == (3, 224, 224)
    assert float(view.min()) < -0.2 < 0.2 < float(view.max())  # normalised to [-1, 1]
    with torch.no_grad():
        assert torch.equal(judge.model(view[None]), network(view[None]))
    assert not judge.model.training


def test_plain_weights_and_safetensors_are_read_too(network, tmp_path):
    torch.save(network.state_dict(), tmp_path / "plain.pth")
    save_file(network.state_dict(), tmp_path / "plain.safetensors")
    for name in ("plain.pth", "plain.safetensors"):
        found = load_judge("object", tmp_path / name, SMALL, TINY).model.state_dict()
        assert all(torch.equal(found[key], value) for key, value in network.state_dict().items())


def test_what_is_no_such_classifier_is_refused(network, tmp_path):
    with pytest.raises(DataNotFoundError, match="the object classifier in .*cls_model/style50_cls.pth"):
        load_judge("object", tmp_path / "none.pth", SMALL)
    path = tmp_path / "x.pth"
    path.write_bytes(b"no checkpoint")
    with pytest.raises(BadDataError, match="cannot be read"):
        load_judge("style", path, SMALL)
    torch.save({"model_state_dict": 5}, path)
    with pytest.raises(BadDataError, match="to hold weights by name"):
        load_judge("style", path, SMALL)
    torch.save(network.state_dict(), path)
    with pytest.raises(BadDataError, match="of the 51 styles of 'unlearncanvas' but .* has 2 classes"):
        load_judge("style", path, load_protocol("unlearncanvas"), TINY)
    with pytest.raises(BadDataError, match="they do not fit"):
        load_judge("style", path, SMALL, "vit_small_patch32_224")
    with pytest.raises(SettingError, match="an architecture of timm but got 'vit_huge'"):
        load_judge("style", path, SMALL, "vit_huge")


def test_the_miniature_classifiers_know_the_miniature_alone():
    judge = load_judge("style", "miniature", load_protocol("miniature"))
    assert judge.preprocess(Image.new("RGB", (32, 32), "white")).max() == 1
    with pytest.raises(SettingError, match="the protocol miniature with the miniature classifiers"):
        load_judge("style", "miniature", SMALL)
