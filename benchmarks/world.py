"""Made-up pairs, people and classes of any number, in the layouts of LAION, CelebA and ImageNet.

Pictures are smooth coloured fields, one per class or person, with noise of their own: JPEGs of about
256 px, so that decoding costs what it costs on real data. Captions have 5 to 20 words. Everything follows
from a seed.
"""

import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from slug_lightning.atomic import atomic_folder, write_text
from slug_lightning.data.shard_writer import ShardWriter

SEARCH, FINAL = 1, 2  # as in CelebA's list_eval_partition.txt
WORDS = re.findall(
    r"\w+",
    "old new small large red blue green golden quiet bright street market river garden house bridge window "
    "table bottle guitar bicycle train harbour mountain forest snow summer winter morning evening portrait "
    "photo poster print vintage modern wooden glass paper cotton leather ceramic set sale free stock vector "
    "best view with from near under over and the in at of for by",
)
SYLLABLES = re.findall(r"\w+", "ka lo mi ran ter vel dor sha ni bu gar lin mo pe tas rud wen zo hal fi")


@dataclass(frozen=True)
class WorldSize:
    """How much of everything there is.

    Attributes:
        retain_pairs: Pairs that must stay.
        forget_pairs: Pairs whose captions name the concept.
        images: Search images over all classes.
        classes: Number of classes.
        people: Number of identities, the concept included.
        images_each: Search images per identity.
        final_images: Final images per class and per identity.
        seed: Of pictures, captions and names.
    """

    retain_pairs: int = 512
    forget_pairs: int = 64
    images: int = 400
    classes: int = 100
    people: int = 40
    images_each: int = 3
    final_images: int = 1
    seed: int = 0


def build_world(root: Path, size: WorldSize) -> Path:
    """Write the data of that size, unless they are there already.

    Returns:
        ``root``, with ``laion/``, ``forget/``, ``celeba/`` and ``ImageNet/``.
    """
    marker, content = root / "size.json", json.dumps(asdict(size), indent=1)
    if marker.is_file() and marker.read_text() == content:
        return root
    concept = names(size.people, size.seed)[0]
    with atomic_folder(root) as draft:
        write_pairs(draft / "laion", retain_captions(size), size.seed + 1)
        write_pairs(draft / "forget", forget_captions(size, concept), size.seed + 2, person_shape(0))
        write_people(draft / "celeba", size)
        write_classes(draft / "ImageNet", size)
        write_text(draft / marker.name, content)
    return root


def names(count: int, seed: int) -> list[str]:
    """First and last names of made-up people, all different.

    Example:
        >>> len(set(names(40, 0)))
        40
    """
    rng = np.random.default_rng([seed, 11])
    found: dict[str, None] = {}
    while len(found) < count:
        first, last = ("".join(rng.choice(SYLLABLES, 2)).capitalize() for _ in range(2))
        found[f"{first} {last}"] = None
    return list(found)


def class_names(count: int, seed: int) -> list[str]:
    """Two-word names of classes, all different."""
    rng = np.random.default_rng([seed, 12])
    found: dict[str, None] = {}
    while len(found) < count:
        found[" ".join(rng.choice(WORDS[:44], 2, replace=False))] = None
    return list(found)


def retain_captions(size: WorldSize) -> Iterator[str]:
    """Captions of 5 to 20 words."""
    rng = np.random.default_rng([size.seed, 13])
    for _ in range(size.retain_pairs):
        yield " ".join(rng.choice(WORDS, int(rng.integers(5, 21))))


def forget_captions(size: WorldSize, concept: str) -> Iterator[str]:
    """Captions that name the concept among 3 to 18 other words."""
    rng = np.random.default_rng([size.seed, 14])
    for _ in range(size.forget_pairs):
        words = list(rng.choice(WORDS, int(rng.integers(3, 19))))
        words.insert(int(rng.integers(len(words) + 1)), concept)
        yield " ".join(words)


def person_shape(number: int) -> int:
    """Seed of a person's picture."""
    return 1_000_000 + number


def draw(shape: int, own: int, width: int = 256, height: int = 256) -> bytes:
    """A JPEG: the smooth field of ``shape``, shifted and roughened by the image's ``own`` seed."""
    field = np.random.default_rng([shape, 21]).uniform(0, 255, (6, 6, 3))
    rng = np.random.default_rng([own, 22])
    field = np.clip(field + rng.normal(0, 25, field.shape), 0, 255).astype(np.uint8)
    large = Image.fromarray(field).resize((width, height), Image.Resampling.BICUBIC)
    pixels = np.asarray(large, dtype=np.float32) + rng.normal(0, 12, (height, width, 1))
    buffer = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def write_pairs(folder: Path, captions: Iterator[str], seed: int, shape: int | None = None) -> None:
    """Write shards of pairs; each picture has a shape of its own unless one is given."""
    with ShardWriter(folder, pairs_per_shard=500) as writer:
        for number, caption in enumerate(captions):
            own = seed * 10_000_000 + number
            picture = draw(own if shape is None else shape, own)
            writer.add(picture, "jpg", caption, f"https://example.com/{own}.jpg")


def write_people(root: Path, size: WorldSize) -> None:
    """CelebA's layout: images of 178 x 218 px, names and partition."""
    (root / "img_align_celeba").mkdir(parents=True)
    people: list[str] = []
    parts: list[str] = []
    for person, name in enumerate(names(size.people, size.seed)):
        for i in range(size.images_each + size.final_images):
            file = f"{len(people) + 1:06d}.jpg"
            picture = draw(person_shape(person), 500_000 + len(people), 178, 218)
            (root / "img_align_celeba" / file).write_bytes(picture)
            people.append(f"{file} {name.replace(' ', '_')}")
            parts.append(f"{file} {SEARCH if i < size.images_each else FINAL}")
    _write_lines(root / "list_identity_celeba.txt", [str(len(people)), "image_id identity_name", *people])
    _write_lines(root / "list_eval_partition.txt", parts)


def write_classes(root: Path, size: WorldSize) -> None:
    """ImageNet's layout: class folders, the file of names and the partition."""
    mapping, parts = [], []
    for label, name in enumerate(class_names(size.classes, size.seed)):
        folder = f"n{label + 1:08d}"
        mapping.append(f"{folder} {name}")
        (root / "val" / folder).mkdir(parents=True)
        searched = size.images // size.classes + (label < size.images % size.classes)
        for i in range(searched + size.final_images):
            part, number = (SEARCH, i) if i < searched else (FINAL, 10_000 + i - searched)
            file = f"{folder}/ILSVRC2012_val_{number:08d}.JPEG"
            (root / "val" / file).write_bytes(draw(label, 2_000_000 + label * 20_000 + number))
            parts.append(f"{file} {part}")
    _write_lines(root / "LOC_synset_mapping.txt", mapping)
    _write_lines(root / "partition.txt", parts)


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    write_text(path, "".join(f"{line}\n" for line in lines))
