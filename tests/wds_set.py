"""The miniature world's styles as an evaluation set in CLIP_benchmark's layout."""

from collections.abc import Sequence
from pathlib import Path

from slug_lightning.data.lists import read_lines
from tests.data.tars import write_tar

TEMPLATES = ("a photo of a {c}.", "a {c} of a number.")


def style_names(world: Path) -> list[str]:
    """Names of the styles in label order."""
    return [
        line.split(" ", 1)[1] for _, line in read_lines(world / "ImageNet" / "LOC_synset_mapping.txt", "")
    ]


def styles(world: Path, parts: str = "12") -> list[tuple[Path, int]]:
    """Files and labels of the world's images by style: for the search (1), the final figures (2) or both."""
    listed = [line for _, line in read_lines(world / "ImageNet" / "partition.txt", "")]
    names = sorted(line[:-2] for line in listed if line[-1] in parts)
    return [(world / "ImageNet" / "val" / name, int(name[1:9]) - 1) for name in names]


def write_set(
    images: Sequence[tuple[Path, int]], names: Sequence[str], root: Path, per_shard: int = 50
) -> Path:
    """Write ``classnames.txt``, the templates and ``test/*.tar``."""
    (root / "test").mkdir(parents=True)
    (root / "classnames.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    (root / "zeroshot_classification_templates.txt").write_text("".join(f"{t}\n" for t in TEMPLATES))
    starts = range(0, len(images), per_shard)
    for shard, start in enumerate(starts):
        members = []
        for number, (path, label) in enumerate(images[start : start + per_shard], start):
            members += [
                (f"s{number:07d}.cls", str(label).encode()),
                (f"s{number:07d}.jpg", path.read_bytes()),
            ]
        write_tar(root / "test" / f"{shard}.tar", members)
    (root / "test" / "nshards.txt").write_text(f"{len(starts)}\n")
    return root
