"""Samples of a shard: members with the same key, as webdataset groups them, and their pairs.

Every sample is numbered, good or bad, before anything is decoded. So numbers, and all that is built on them,
do not depend on which images a decoder accepts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image
from webdataset.tariterators import group_by_keys

from slug_lightning.data.images import MAX_PIXELS, decode_image
from slug_lightning.data.members import Member, ShardReader
from slug_lightning.data.reasons import BadMemberError, SkipReason

IMAGE_SUFFIXES = ("jpg", "jpeg", "png", "webp", "gif", "bmp")
# Tokenizers take quadratic time on a word: 100,000 letters take CLIP's two minutes.
MAX_CAPTION_BYTES = 10_000
MAX_WORD = 1_000  # characters


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
        duplicated: Whether two of its members have the same name.
        repeated: Whether an earlier sample of the shard has its key.
        lost: Whether it was counted but its shard disappeared or changed since.
    """

    key: str
    members: Mapping[str, Member]
    offset: int
    duplicated: bool = False
    repeated: bool = False
    lost: bool = False

    def caption(self) -> str:
        """Read the caption.

        Raises:
            BadMemberError: With the reason why the sample has no usable caption, or is unsafe or ambiguous.
        """
        if self.lost:
            raise BadMemberError(SkipReason.LOST, self.key)
        if not all(member.safe for member in self.members.values()):
            raise BadMemberError(SkipReason.UNSAFE_NAME, self.key)
        if self.duplicated or self.repeated:
            raise BadMemberError(SkipReason.DUPLICATE_MEMBER, self.key)
        if "txt" not in self.members:
            raise BadMemberError(SkipReason.NO_CAPTION, self.key)
        return decode_caption(self.members["txt"].read())

    def image(self, max_pixels: int = MAX_PIXELS) -> Image.Image:
        """Read and decode the image; see ``decode_image``.

        Raises:
            BadMemberError: With the reason why there is no usable image.
        """
        return decode_image(self.image_file(), max_pixels)

    def image_file(self) -> bytes:
        """Read the image without decoding it.

        Raises:
            BadMemberError: With the reason why there is none.
        """
        for suffix in IMAGE_SUFFIXES:
            if suffix in self.members:
                return self.members[suffix].read()
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
        BadMemberError: ``bad_caption`` if it is not UTF-8, is longer than 10,000 bytes or has a word longer
            than 1,000 characters, ``no_caption`` if empty.

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
    longest = max(map(len, caption.split()), default=0)
    if longest > MAX_WORD:
        raise BadMemberError(SkipReason.BAD_CAPTION, f"a word of {longest:,} characters")
    return caption


def iter_samples(reader: ShardReader) -> Iterator[Sample]:
    """Samples of one shard in order: consecutive members with the same key.

    Args:
        reader: An open shard.

    Yields:
        Every sample, readable or not. Read it before taking the next one. A reader that begins in the middle
        does not know the keys before it; ``ShardCensus.repeats`` does.
    """
    keys: set[str] = set()
    doubles: list[Exception] = []

    def note(error: Exception) -> bool:  # group_by_keys keeps the first of two members and says so here
        doubles.append(error)
        return True

    for group in group_by_keys(_as_webdataset(reader), split_name, handler=note):
        members = {suffix: m for suffix, m in group.items() if isinstance(m, Member)}
        offset, key = min(member.offset for member in members.values()), group["__key__"]
        yield Sample(key, members, offset, bool(doubles), key in keys)
        doubles.clear()
        keys.add(key)


def split_name(name: str) -> tuple[str, str] | tuple[None, None]:
    """Key and suffix of a member, as webdataset's ``base_plus_ext`` splits them, but in linear time.

    Example:
        >>> split_name("00000/000000001.seg.png")
        ('00000/000000001', 'seg.png')
    """
    base = name.rfind("/") + 1
    dot = name.find(".", base)
    folder = name.rfind("/", 0, max(0, base - 1)) + 1
    if dot < 0 or (dot == base and (not base or "." in name[folder:base])):
        return None, None
    return name[:dot], name[dot + 1 :]


def _as_webdataset(reader: ShardReader) -> Iterator[dict[str, Any]]:
    for member in reader:
        key, suffix = split_name(member.name)
        if key is None or suffix is None or suffix.startswith("__") or key.startswith("__"):
            continue  # webdataset's own marks, and names without a suffix
        yield {"fname": member.name, "data": member, "__url__": reader.shard}
