"""Why a sample is left out, as words that appear in counts and reports."""

from enum import StrEnum

from slug_lightning.errors import SlugError


class SkipReason(StrEnum):
    """Reasons a numbered sample does not become a pair.

    Example:
        >>> {SkipReason.NO_CAPTION: 3}["no_caption"]
        3
    """

    NO_IMAGE = "no_image"
    NOT_AN_IMAGE = "not_an_image"
    BROKEN_IMAGE = "broken_image"
    TOO_LARGE = "too_large"
    ABSURD_SHAPE = "absurd_shape"
    NO_CAPTION = "no_caption"
    BAD_CAPTION = "bad_caption"
    UNSAFE_NAME = "unsafe_name"
    DUPLICATE_MEMBER = "duplicate_member"
    TRUNCATED = "truncated"
    LOST = "lost"
    EXCLUDED = "excluded"
    MEASURED = "measured"  # a figure rests on the image


class BadMemberError(SlugError, ValueError):
    """A member of a shard, or an image file, cannot be used; ``reason`` says why.

    Example:
        >>> BadMemberError(SkipReason.TOO_LARGE, "9000 x 9000 pixels").reason.value
        'too_large'
    """

    def __init__(self, reason: SkipReason, detail: str = "") -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
