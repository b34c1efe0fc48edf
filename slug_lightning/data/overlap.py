"""No image serves twice: pairs of the gradients, images of the search and images of the final figures."""

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

from slug_lightning.data.evaluation_sets import EvaluationSets
from slug_lightning.data.extra import SPLITS
from slug_lightning.data.labelled import Entry, LabelledImages
from slug_lightning.data.partition import Split
from slug_lightning.data.reasons import BadMemberError
from slug_lightning.errors import BadDataError

# What happens to an image that would serve twice.
Overlap = Literal["refuse", "leave_out", "allow"]
Digests = dict[tuple[Split, str], dict[str, bytes]]  # by split and data set, by key

_ADVICE = (
    "Remove one of them, or set data.overlap to leave_out (it serves the later purpose alone: final figures "
    "before search before gradients) or to allow."
)


def image_digests(images: LabelledImages) -> dict[str, bytes]:
    """SHA-256 of the images' files by key; those that cannot be read have none."""
    with ThreadPoolExecutor(4) as pool:  # hashing and reading let other threads run
        found = zip(images.entries, pool.map(_digest, images.entries), strict=True)
        return {entry.key: digest for entry, digest in found if digest}


def _digest(entry: Entry) -> bytes:
    try:
        return hashlib.sha256(entry.data()).digest()
    except BadMemberError:
        return b""


def take_digests(sets: EvaluationSets) -> Digests:
    """Digests of all images of both splits, by split and data set."""
    return {key: image_digests(images) for key, images in sets.images.items()}


def measured_images(digests: Digests) -> dict[bytes, str]:
    """Name of each image that a figure rests on, by digest, e.g. ``final/imagenet/n0001/a.JPEG``."""
    return {
        digest: f"{split}/{name}/{key}"
        for (split, name), some in digests.items()
        for key, digest in some.items()
    }


def separate(sets: EvaluationSets, digests: Digests, overlap: Overlap) -> None:
    """Keep the search away from the images of the final figures.

    Args:
        sets: Opened and divided; with ``leave_out`` its search images are reduced and divided anew.
        digests: Of its images; reduced along with it.
        overlap: ``refuse``, ``leave_out`` (of the search) or ``allow``.

    Raises:
        BadDataError: If images are in both splits and that is refused, or no search image is left.
    """
    if overlap == "allow":
        return
    final = measured_images({key: some for key, some in digests.items() if key[0] == "final"})
    both = {
        (name, key): final[digest]
        for (split, name), some in digests.items()
        if split == "search"
        for key, digest in some.items()
        if digest in final
    }
    both = {key: twin for key, twin in both.items() if _is_image(sets, *key)}
    if both and overlap == "refuse":
        (name, key), twin = next(iter(both.items()))
        raise BadDataError(
            f"{len(both):,} image files serve both the search and the final figures, first "
            f"search/{name}/{key}, which is {twin}. {_ADVICE}"
        )
    if both:
        _leave_out(sets, digests, both)


def _is_image(sets: EvaluationSets, name: str, key: str) -> bool:
    """Whether a search image can be read: empty and damaged files may be alike without being one picture."""
    images = sets.images["search", name]
    try:
        next(entry for entry in images.entries if entry.key == key).read(images.max_pixels)
    except BadMemberError:
        return False
    return True


def _leave_out(sets: EvaluationSets, digests: Digests, both: Mapping[tuple[str, str], str]) -> None:
    for (split, name), images in list(sets.images.items()):
        if split == "search":
            gone = {key for own, key in both if own == name}
            sets.images[split, name] = images.without_keys(gone)
            digests[split, name] = {k: d for k, d in digests[split, name].items() if k not in gone}
    sets.divide()


def refuse_pair(key: str, role: str, image: str) -> BadDataError:
    """The error about a pair whose image a figure rests on."""
    return BadDataError(
        f"The image of {role} pair {key!r} is also the evaluation image {image}: figures on images that the "
        f"gradients saw say nothing. {_ADVICE}"
    )


def evaluation_account(sets: EvaluationSets, digests: Digests) -> dict[str, dict[str, Any]]:
    """What each figure rests on: number of images and the SHA-256 over the digests of their files, sorted."""
    found = {}
    for split in SPLITS:
        for (own, name), part in sets.parts.items():
            if own == split:
                digest = _of_part(part, digests, split, sets.classifier_of(name))
                found[f"{split}/{name}"] = {"images": len(part), "digest": digest}
    return found


def _of_part(part: LabelledImages, digests: Digests, split: Split, name: str) -> str:
    source = digests.get((split, name), {})
    keys = {entry.key for entry in part.entries}
    lines = sorted(digest for key, digest in source.items() if key in keys)
    return hashlib.sha256(b"".join(lines)).hexdigest()
