import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from slug_lightning.errors import BadDataError, DataNotFoundError, HostError
from slug_lightning.hosts.files import library_of, other_weights, read_host, weight_sets
from slug_lightning.hosts.live import live_sites
from tests.hosts.building import llava, pipeline

BLOCK = "visual.transformer.resblocks.3.attn.in_proj_weight"


@pytest.fixture(scope="module")
def llava_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("llava")
    llava().save_pretrained(folder, max_shard_size="200KB")
    return folder


def test_a_sharded_llava_is_found_under_its_old_names(llava_folder):
    assert library_of(llava_folder) == "llava"
    host = read_host(llava_folder)
    (site,) = host.sites
    assert (host.name, site.trunk, site.blocks) == ("LlavaForConditionalGeneration", "vision_tower.", 24)
    assert site.activation == "quick_gelu"
    assert site.place.reading.unread_blocks == 1
    assert len({path for path in site.tensors.paths.values()}) > 1
    assert torch.equal(site.weight(BLOCK), live_sites(llava())[0].weight(BLOCK))


@pytest.mark.parametrize(
    ("name", "blocks"),
    [
        ("StableDiffusionPipeline", [12]),
        ("StableDiffusionPipeline 2", [23]),
        ("StableDiffusionXLPipeline", [12, 32]),
    ],
)
def test_pipelines_are_found_with_all_their_encoders(name, blocks, tmp_path):
    pipeline(name).save_pretrained(tmp_path)
    host = read_host(tmp_path)
    assert (host.library, host.name) == ("diffusers", name.split()[0])
    assert [site.blocks for site in host.sites] == blocks
    for disk, memory in zip(host.sites, live_sites(pipeline(name)), strict=True):
        assert disk.activation == memory.activation
        layer = "transformer.resblocks.3.attn.in_proj_weight"
        assert torch.equal(disk.weight(layer), memory.weight(layer))


def test_variants_are_copies_of_the_tower(tmp_path):
    pipe = pipeline("StableDiffusionPipeline")
    pipe.save_pretrained(tmp_path)
    pipe.text_encoder.half().save_pretrained(tmp_path / "text_encoder", variant="fp16", max_shard_size="40KB")
    sites = read_host(tmp_path).sites
    assert sorted(site.source for site in sites) == ["model.fp16.safetensors", "model.safetensors"]
    assert {site.weight("ln_final.weight").dtype for site in sites} == {torch.float16, torch.float32}


def test_a_missing_shard_is_named(llava_folder, tmp_path):
    for path in llava_folder.iterdir():
        (tmp_path / path.name).symlink_to(path)
    gone = sorted(tmp_path.glob("*.safetensors"))[1]
    gone.unlink()
    with pytest.raises(DataNotFoundError, match=f"lacks 1 of .* shards.*first '{gone.name}'"):
        read_host(tmp_path)
    gone.write_bytes(b"short")
    with pytest.raises(BadDataError, match="cut short"):
        read_host(tmp_path)


def test_other_folders_are_refused_with_what_to_do(tmp_path):
    assert library_of(tmp_path) is None
    with pytest.raises(DataNotFoundError, match=r"No host in .*model_index\.json"):
        read_host(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(BadDataError, match="cannot be read as JSON"):
        read_host(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(BadDataError, match="one JSON object, but got list"):
        read_host(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "clip"}')
    with pytest.raises(HostError, match="does not say which class"):
        read_host(tmp_path)
    (tmp_path / "config.json").write_text('{"architectures": ["BertModel"]}')
    with pytest.raises(HostError, match="got 'BertModel'"):
        read_host(tmp_path)


def test_weights_in_other_formats_alone_are_refused_with_the_way_out(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["CLIPTextModel"]}))
    with pytest.raises(HostError, match="no CLIP tower"):
        read_host(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    assert [path.name for path in other_weights(tmp_path)] == ["pytorch_model.bin"]
    with pytest.raises(HostError, match=r"'pytorch_model\.bin'.*--write pretrained"):
        read_host(tmp_path)


def test_files_beside_the_weights_are_sets_of_their_own(tmp_path):
    save_file({"a": torch.ones(1)}, tmp_path / "model-00001-of-00002.safetensors")
    save_file({"b": torch.ones(1)}, tmp_path / "model-00002-of-00002.safetensors")
    save_file({"a": torch.ones(1)}, tmp_path / "adapter.safetensors")
    sets = weight_sets(tmp_path)
    assert {name: sorted(tensors) for name, tensors in sets.items()} == {
        "adapter.safetensors": ["a"],
        "model.safetensors": ["a", "b"],
    }
    assert load_file(sets["model.safetensors"].paths["b"]).keys() == {"b"}
