"""Pictures in the layouts of LAION (as img2dataset writes it), CelebA and ImageNet."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from slug_lightning.data.shard_writer import ShardWriter
from slug_lightning.miniature.captions import write_caption
from slug_lightning.miniature.pictures import Picture
from slug_lightning.miniature.scans import DIGIT_WORDS
from slug_lightning.miniature.styles import STYLES

SEARCH, FINAL = 1, 2  # as in CelebA's list_eval_partition.txt

Kind = Literal["digits", "styles"]


def names_of(kind: Kind) -> tuple[str, ...]:
    """The ten names, in the order of their labels."""
    return DIGIT_WORDS if kind == "digits" else tuple(style.name for style in STYLES)


def spellings(kind: Kind) -> tuple[tuple[str, ...], ...]:
    """Every way in which captions name each of the ten; styles have a shorter one, ``chalk``."""
    if kind == "digits":
        return tuple((word,) for word in DIGIT_WORDS)
    return tuple(tuple(dict.fromkeys((style.name, style.medium))) for style in STYLES)


def label_of(picture: Picture, kind: Kind) -> int:
    """Its number among ``names_of(kind)``."""
    return picture.digit if kind == "digits" else picture.style


@dataclass(frozen=True)
class CaptionedPicture:
    """A picture, what the web says about it and where it was found; ``fetched`` or lost."""

    picture: Picture
    caption: str
    url: str
    fetched: bool = True


def caption_pictures(
    pictures: Sequence[Picture], failures: float, rng: np.random.Generator
) -> list[CaptionedPicture]:
    """Give every picture a caption; about every ``1 / failures``-th row is a lost copy besides.

    Args:
        pictures: What to describe.
        failures: Lost rows per picture.
        rng: Source of the captions.
    """
    rows: list[CaptionedPicture] = []
    for number, picture in enumerate(pictures):
        caption = write_caption(picture.digit, picture.style, rng)
        url = f"https://example.com/prints/{number:06d}.jpg"
        if rng.random() < failures:
            lost = f"https://example.com/prints/{number:06d}-lost.jpg"
            rows.append(CaptionedPicture(picture, caption, lost, fetched=False))
        rows.append(CaptionedPicture(picture, caption, url))
    return rows


def write_pairs(rows: Sequence[CaptionedPicture], folder: Path, pairs_per_shard: int) -> None:
    """Write ``folder/{00000.tar,00000.parquet,00000_stats.json}`` and so on."""
    with ShardWriter(folder, pairs_per_shard) as writer:
        for row in rows:
            if row.fetched:
                writer.add(row.picture.jpeg, "jpg", row.caption, row.url)
            else:
                writer.add_failure(row.caption, row.url, "HTTP Error 404: Not Found")


def write_forget_sets(
    rows: Sequence[CaptionedPicture], folder: Path, limit: int, kind: Kind = "digits"
) -> None:
    """Write ``folder/<name>/00000.tar``: the pairs whose caption names that digit, or that style."""
    fetched = [row for row in rows if row.fetched]
    for name, ways in zip(names_of(kind), spellings(kind), strict=True):
        named = re.compile(rf"\b({'|'.join(ways)})\b")
        write_pairs(
            [r for r in fetched if named.search(r.caption)][:limit], folder / name.replace(" ", "_"), 10_000
        )


def write_celeba(
    search: Sequence[Picture], final: Sequence[Picture], root: Path, kind: Kind = "digits"
) -> None:
    """Write ``img_align_celeba/*.jpg`` with the identity and partition lists; identity is the digit."""
    images = root / "img_align_celeba"
    images.mkdir(parents=True)
    names = [name.replace(" ", "_") for name in names_of(kind)]
    identities, partition = [], []
    pictures = [(p, SEARCH) for p in search] + [(p, FINAL) for p in final]
    for number, (picture, part) in enumerate(pictures, start=1):
        name = f"{number:06d}.jpg"
        (images / name).write_bytes(picture.jpeg)
        identities.append(f"{name} {names[label_of(picture, kind)]}")
        partition.append(f"{name} {part}")
    head = [str(len(identities)), "image_id identity_name"]
    _write_lines(root / "list_identity_celeba.txt", head + identities)
    _write_lines(root / "list_eval_partition.txt", partition)


def write_imagenet(
    search: Sequence[Picture], final: Sequence[Picture], root: Path, kind: Kind = "styles"
) -> None:
    """Write ``val/<folder>/*.JPEG``, the class names and the partition; class is the style."""
    classes = names_of(kind)
    folders = [f"n{number:08d}" for number in range(1, len(classes) + 1)]
    for folder in folders:
        (root / "val" / folder).mkdir(parents=True)
    partition = []
    pictures = [(p, SEARCH) for p in search] + [(p, FINAL) for p in final]
    for number, (picture, part) in enumerate(pictures, start=1):
        name = f"{folders[label_of(picture, kind)]}/ILSVRC2012_val_{number:08d}.JPEG"
        (root / "val" / name).write_bytes(picture.jpeg)
        partition.append(f"{name} {part}")
    names = [f"{folder} {name}" for folder, name in zip(folders, classes, strict=True)]
    _write_lines(root / "LOC_synset_mapping.txt", names)
    _write_lines(root / "partition.txt", sorted(partition))


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
