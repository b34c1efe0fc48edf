import pytest
import torch

from slug_lightning.errors import HostError, ModelNotFoundError
from slug_lightning.hosts.files import read_host
from slug_lightning.hosts.live import live_sites
from slug_lightning.patch.resaving import save_pretrained
from tests.hosts.building import complete_pipeline, llava

LAYERS = {"llava": "visual.conv1.weight", "diffusers": "transformer.resblocks.3.attn.in_proj_weight"}


def as_pickle(folder, model):
    """Weights as the oldest hosts on the Hub have them."""
    for path in folder.glob("*.safetensors"):
        path.unlink()
    torch.save(model.state_dict(), folder / "pytorch_model.bin")


@pytest.mark.parametrize("library", ["llava", "diffusers"])
def test_a_host_without_safetensors_files_is_saved_anew(library, tmp_path):
    source, out = tmp_path / "source", tmp_path / "out"
    host = llava() if library == "llava" else complete_pipeline()
    host.save_pretrained(source)
    (source / "notes.txt").write_text("kept")
    if library == "llava":
        as_pickle(source, host)
    else:
        as_pickle(source / "text_encoder", host.text_encoder)
    with pytest.raises(HostError, match="--write pretrained"):
        read_host(source)
    save_pretrained(source, library, out)
    (site,) = read_host(out).sites
    assert torch.equal(site.weight(LAYERS[library]), live_sites(host)[0].weight(LAYERS[library]))
    assert (out / "notes.txt").read_text() == "kept"
    assert not list(out.rglob("*.bin"))


def test_half_precision_stays(tmp_path):
    llava().half().save_pretrained(tmp_path / "source")
    save_pretrained(tmp_path / "source", "llava", tmp_path / "out")
    assert read_host(tmp_path / "out").sites[0].weight("visual.conv1.weight").dtype == torch.float16


def test_what_cannot_be_loaded_is_one_sentence(tmp_path):
    with pytest.raises(ModelNotFoundError, match="transformers could not load and save"):
        save_pretrained(tmp_path, "transformers", tmp_path / "out")
