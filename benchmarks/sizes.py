"""The two sizes that are compared: the miniature world, and a ViT-B-32 on made-up data."""

from dataclasses import replace
from pathlib import Path

from benchmarks.setting import Setting
from benchmarks.world import WorldSize, build_world, names

SIZES = ("miniature", "vit-b-32")


def prepare(size: str, data: Path) -> Setting:
    """Build what the size needs below ``data``, once; returns its setting."""
    return _miniature(data) if size == "miniature" else _vit_b_32(data, WorldSize())


def _miniature(data: Path) -> Setting:
    from slug_lightning.miniature.world import build_world as build_miniature

    root = build_miniature(data / "miniature").root
    return Setting(
        str(root.resolve()), "miniature", "seven", "forget/seven/*.tar", "photo", retain_limit=2048
    )


def _vit_b_32(data: Path, size: WorldSize) -> Setting:
    from benchmarks.planting import build_model

    world = build_world((data / "vit-b-32").resolve(), size)
    model = build_model((data / "vit-b-32-model").resolve(), world)
    return Setting(str(world), f"local-dir:{model}", names(1, size.seed)[0])


def grown(setting: Setting, data: Path, size: WorldSize, tag: str) -> Setting:
    """The same model on a world of another size."""
    return replace(setting, root=str(build_world((data / f"vit-b-32-{tag}").resolve(), size)))
