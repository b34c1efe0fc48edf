"""A configuration that is added is a configuration that is tested."""

from pathlib import Path

import pytest
import yaml

from slug_lightning.cli.lightning import build
from slug_lightning.data.unlearning import UnlearningDataModule
from slug_lightning.trainer import SlugTrainer
from slug_lightning.unlearning import SLUG
from tests.hosts.published import CLIP_G_TEXT, CLIP_H_TEXT, CLIP_L_TEXT, LLAVA_1_5

EVERY = sorted((Path(__file__).parent.parent / "configs").glob("*.yaml"))
CONFIGS = [  # those of other commands have tests of their own
    path for path in EVERY if path.name != "audit.yaml" and not path.stem.startswith("compare_")
]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_instantiates(path):
    cli = build(["--config", str(path), "--trainer.accelerator", "cpu", "--trainer.devices", "1"], run=False)
    assert isinstance(cli.trainer, SlugTrainer)
    assert isinstance(cli.model, SLUG)
    assert isinstance(cli.datamodule, UnlearningDataModule)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_is_short_and_says_its_command_first(path):
    lines = path.read_text().splitlines()
    assert f"slug fit --config configs/{path.name}" in lines[0]
    assert sum(not line.startswith("#") for line in lines) <= 30


HOST_CONFIGS = {  # what a host's CLIP is called in open_clip, and what its configuration says of it
    "stable_diffusion_1_5": ("stable-diffusion-1", "ViT-L-14-quickgelu", "openai", CLIP_L_TEXT),
    "stable_diffusion_2_1": ("stable-diffusion-2", "ViT-H-14", "laion2b_s32b_b79k", CLIP_H_TEXT),
    "stable_diffusion_xl_clip_l": (
        "stable-diffusion-xl.text_encoder",
        "ViT-L-14-quickgelu",
        "openai",
        CLIP_L_TEXT,
    ),
    "stable_diffusion_xl_big_g": (
        "stable-diffusion-xl.text_encoder_2",
        "ViT-bigG-14",
        "laion2b_s39b_b160k",
        CLIP_G_TEXT,
    ),
    "llava_1_5_7b": ("llava", "ViT-L-14-336-quickgelu", "openai", LLAVA_1_5["vision_config"]),
}


def test_there_are_those_that_are_promised():
    assert {path.stem for path in CONFIGS} >= {"miniature", "clip_vit_b_32_laion400m", *HOST_CONFIGS}


@pytest.mark.parametrize("name", HOST_CONFIGS)
def test_host_configurations_name_the_clip_that_the_host_is_built_on(name):
    """open_clip's architecture has the width, blocks and activation of the host's published settings."""
    import open_clip

    host, architecture, tag, published = HOST_CONFIGS[name]
    settings = yaml.safe_load((CONFIGS[0].parent / f"{name}.yaml").read_text())["model"]["init_args"]
    assert settings == {"model": architecture, "pretrained": tag, "host": host}
    ours = open_clip.get_model_config(architecture)
    tower = ours["vision_cfg" if host == "llava" else "text_cfg"]
    missing = 1 if host == "stable-diffusion-2" else 0
    assert (tower["width"], tower["layers"] - missing) == (
        published["hidden_size"],
        published["num_hidden_layers"],
    )
    quick = published.get("hidden_act", "quick_gelu") == "quick_gelu"
    assert bool(ours.get("quick_gelu")) == quick
    trained = open_clip.pretrained.get_pretrained_cfg(architecture, tag)
    assert bool(trained.get("quick_gelu")) == quick
    assert tag in open_clip.list_pretrained_tags_by_model(architecture)


def test_the_demo_runs_exactly_the_miniature_configuration():
    from slug_lightning.cli.demo import CONFIG

    assert CONFIG.read_text() == (CONFIGS[0].parent / "miniature.yaml").read_text()
