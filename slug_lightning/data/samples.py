"""Samples of a shard: members with the same key, as webdataset groups them, and their pairs.

Every sample is numbered, good or bad, before anything is decoded. So numbers, and all that is built on them,
do not depend on which images a decoder accepts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image
from webdataset.tariterators import base_plus_ext, group_by_keys

from slug_lightning.data.images import MAX_PIXELS, decode_image
from slug_lightning.data.members import Member, ShardReader
from slug_lightning.data.reasons import BadMemberError, SkipReason

IMAGE_SUFFIXES = ("jpg", "jpeg", "png", "webp", "gif", "bmp")
MAX_CAPTION_BYTES = 100_000


@dataclass(frozen=True)
class Pair:
    """One image and its caption.

    Attributes:
        key: Name of the sample in its shard.
        image: The image, mode RGB.
        caption: The caption, stripped, not empty.
    """

    key: str
    image: Image.Image
    caption: str


@dataclass(frozen=True)
class Sample:
    """One numbered sample of a shard, not read yet.

    Attributes:
        key: Name that its members share.
        members: Its members by lower-case suffix.
        offset: Byte of its first header in the shard.
        duplicated: Whether the shard holds a second member of the same name.
    """

    key: str
    members: Mapping[str, Member]
    offset: int
    duplicated: bool

    def caption(self) -> str:
        """Read the caption.

        Raises:
            BadMemberError: With the reason why the sample has no usable caption, or is unsafe or ambiguous.
        """
        if not all(member.safe for member in self.members.values()):
            raise BadMemberError(SkipReason.UNSAFE_NAME, self.key)
        if self.duplicated:
            raise BadMemberError(SkipReason.DUPLICATE_MEMBER, self.key)
        if "txt" not in self.members:
            raise BadMemberError(SkipReason.NO_CAPTION, self.key)
        return decode_caption(self.members["txt"].read())

    def image(self, max_pixels: int = MAX_PIXELS) -> Image.Image:
        """Read and decode the image; see ``decode_image``.

        Raises:
            BadMemberError: With the reason why there is no usable image.
        """
        for suffix in IMAGE_SUFFIXES:
            if suffix in self.members:
                return decode_image(self.members[suffix].read(), max_pixels)
        raise BadMemberError(SkipReason.NO_IMAGE, self.key)

    def pair(self, max_pixels: int = MAX_PIXELS) -> Pair:
        """Read caption and image.

        Raises:
            BadMemberError: With the reason why the sample is no pair.
        """
        caption = self.caption()
        return Pair(self.key, self.image(max_pixels), caption)


def decode_caption(data: bytes) -> str:
    r"""Caption bytes as text.

    Raises:
        BadMemberError: ``bad_caption`` if it is not UTF-8 or longer than 100,000 bytes,
            ``no_caption`` if empty.

    Example:
        >>> decode_caption(b" a chalk seven \n")
        'a chalk seven'
    """
    if len(data) > MAX_CAPTION_BYTES:
        raise BadMemberError(SkipReason.BAD_CAPTION, f"{len(data):,} bytes")
    try:
        caption = data.decode("utf-8").strip("\ufeff\x00 \t\r\n")
    except UnicodeDecodeError as error:
        raise BadMemberError(SkipReason.BAD_CAPTION, "not UTF-8") from error
    if not caption:
        raise BadMemberError(SkipReason.NO_CAPTION, "empty")
    return caption


def iter_samples(reader: ShardReader) -> Iterator[Sample]:
    """Samples of one shard in order: consecutive members with the same key.

    Args:
        reader: An open shard.

    Yields:
        Every sample, readable or not. Read it before taking the next one.
    """
    doubles: list[Exception] = []

    def note(error: Exception) -> bool:  # group_by_keys keeps the first of two members and says so here
        doubles.append(error)
        return True

    for group in group_by_keys(_as_webdataset(reader), handler=note):
        members = {suffix: m for suffix, m in group.items() if isinstance(m, Member)}
        offset = min(member.offset for member in members.values())
        yield Sample(group["__key__"], members, offset, duplicated=bool(doubles))
        doubles.clear()


def _as_webdataset(reader: ShardReader) -> Iterator[dict[str, Any]]:
    for member in reader:
        key, suffix = base_plus_ext(member.name)
        if key is None or suffix.startswith("__") or key.startswith("__"):
            continue  # webdataset's own marks, and names without a suffix
        yield {"fname": member.name, "data": member, "__url__": reader.shard}
