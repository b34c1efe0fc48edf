"""Classification sets in CLIP_benchmark's webdataset layout (``wds_*`` on the Hugging Face Hub)."""

import re
from pathlib import Path

from slug_lightning.data.headers import Ending
from slug_lightning.data.images import MAX_PIXELS
from slug_lightning.data.labelled import Entry, LabelledImages, Transform
from slug_lightning.data.lists import read_every_line, read_lines
from slug_lightning.data.members import Member, ShardReader
from slug_lightning.data.reasons import BadMemberError
from slug_lightning.data.samples import Sample, iter_samples
from slug_lightning.errors import BadDataError, DataNotFoundError

CLASSES = "classnames.txt"
TEMPLATES = "zeroshot_classification_templates.txt"
KIND = "dataset_type.txt"
SHARDS = "nshards.txt"

_IMAGE = ("webp", "png", "jpg", "jpeg")  # in CLIP_benchmark's order
_LAYOUT = (
    "download the whole set, e.g. hf download clip-benchmark/wds_cifar10 --repo-type dataset "
    "--local-dir FOLDER, or write one with clip_benchmark_export_wds."
)


class WebDatasetImages(LabelledImages):
    """Images with class numbers in ``root/<part>/0.tar``, ``1.tar`` and so on.

    ``root`` holds ``classnames.txt`` (one a line, in the order of the numbers), ``<part>/nshards.txt`` and
    ``zeroshot_classification_templates.txt`` (``{c}`` for the name). Images stay in their tars and are read
    by position.

    Args:
        root: Folder of the set.
        transform: Makes a ``(3, H, W)`` float tensor of an RGB image.
        part: Folder of the shards: ``test``, or ``train`` where there is one.
        max_pixels: Larger images are skipped.

    Attributes:
        templates: The set's own templates, ``{}`` for the name; empty without the file.

    Raises:
        DataNotFoundError: If a file of the layout is missing.
        BadDataError: If the set is no single-label classification, or a file of it is damaged.
    """

    def __init__(
        self, root: Path | str, transform: Transform, part: str = "test", max_pixels: int = MAX_PIXELS
    ) -> None:
        root = Path(root)
        _check_kind(root / KIND)
        shards = _shards(root / part)
        names = _names(root / CLASSES)
        entries = [entry for shard in shards for entry in _entries(shard, part, len(names))]
        if not entries:
            raise BadDataError(f"Expected images in the shards of '{root / part}' but found none.")
        super().__init__(names, entries, transform, max_pixels)
        self.templates = _templates(root / TEMPLATES) if (root / TEMPLATES).exists() else ()


def _check_kind(path: Path) -> None:
    kind = " ".join(line for _, line in read_lines(path, "")) if path.exists() else "classification"
    if kind.lower() != "classification":
        raise BadDataError(
            f"Expected a set of images with one class each, but '{path}' says {kind!r}; leave this set out."
        )


def _shards(folder: Path) -> list[Path]:
    text = " ".join(line for _, line in read_lines(folder / SHARDS, _LAYOUT))
    if not re.fullmatch(r"[1-9][0-9]{0,5}", text):
        raise BadDataError(f"Expected a number of shards in '{folder / SHARDS}' but got {text[:40]!r}.")
    shards = [folder / f"{number}.tar" for number in range(int(text))]
    absent = [shard.name for shard in shards if not shard.is_file()]
    if absent:
        raise DataNotFoundError(
            f"{len(absent)} of {text} shards in '{folder}' are missing, first {absent[:3]}; {_LAYOUT}"
        )
    return shards


def _names(path: Path) -> list[str]:
    """Names of the classes by line; some are empty on purpose (a distance between near and distant)."""
    names = read_every_line(path, _LAYOUT)
    if len(names) < 2:
        raise BadDataError(f"Expected at least two classes in '{path}' but got {len(names)}.")
    return names


def _templates(path: Path) -> tuple[str, ...]:
    """Sentences as ``str.format(c=name)`` would fill them, with ``{}`` for the name."""
    sentences = []
    for number, line in read_lines(path, _LAYOUT):
        try:
            sentence = line.format(c="{}")
        except (LookupError, ValueError):
            sentence = ""
        if "{}" not in sentence:
            raise BadDataError(
                f"Expected '{{c}}' for the name in each template but line {number} of '{path}' is '{line}'."
            )
        sentences.append(sentence)
    return tuple(sentences)


def _entries(shard: Path, part: str, classes: int) -> list[Entry]:
    with ShardReader(str(shard)) as reader:
        if not reader.seekable:
            raise BadDataError(f"Expected a plain tar but '{shard}' is compressed; unpack it with gunzip.")
        entries, bad = [], []
        for sample in iter_samples(reader):
            try:
                entries.append(_entry(sample, shard, part, classes))
            except BadDataError as error:  # perhaps only because the tar ends there
                bad.append(error)
        if reader.ending is not Ending.WHOLE:
            raise BadDataError(
                f"Expected a whole tar but '{shard}' is {reader.ending.value} after {len(entries):,} images; "
                "download it again."
            )
        if bad:
            raise bad[0]
    return entries


def _entry(sample: Sample, shard: Path, part: str, classes: int) -> Entry:
    image = next((sample.members[suffix] for suffix in _IMAGE if suffix in sample.members), None)
    label = _label(sample.members.get("cls"))
    if image is None or label is None or not label < classes:
        raise BadDataError(
            f"Expected each image of '{shard}' beside a .cls with its class, 0 to {classes - 1}, but "
            f"'{sample.key}' has {sorted(sample.members)}{'' if label is None else f' and class {label}'}."
        )
    return Entry(shard, f"{part}/{shard.name}/{sample.key}", label, image.offset)


def _label(member: Member | None) -> int | None:
    try:
        text = member.read().strip() if member is not None else b""
    except BadMemberError:
        return None
    return int(text) if text.isdigit() and len(text) < 10 else None
