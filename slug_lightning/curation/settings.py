"""What a curation run is to do, beside what it looks for and where."""

from dataclasses import dataclass

from slug_lightning.errors import SettingError


@dataclass(frozen=True)
class CurationSettings:
    """Choices that decide which pairs are kept; how they are read does not.

    Attributes:
        limit: At most so many pairs; the search stops there.
        deduplicate: Keep one pair of those with the same image bytes.
        clip_model: Model that measures how well image and caption fit; see ``load_clip``.
        clip_pretrained: Its weights.
        min_similarity: Pairs below this cosine are dropped, in ``[-1, 1]``.
        clip_device: Where the model runs.
        retain: Pairs that do not name the concept to draw.
        retain_sources: Sources they are drawn from, as far as these have enough.
        seed: Of the draw.

    Raises:
        SettingError: If a number is out of range, or a threshold has no model or a model no threshold.
    """

    limit: int | None = None
    deduplicate: bool = False
    clip_model: str | None = None
    clip_pretrained: str | None = None
    min_similarity: float | None = None
    clip_device: str = "cpu"
    retain: int = 0
    retain_sources: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value, least in (
            ("limit", self.limit, 1),
            ("retain", self.retain, 0),
            ("retain_sources", self.retain_sources, 1),
        ):
            if value is not None and value < least:
                raise SettingError(f"Expected {name} of at least {least} but got {value}.")
        if (self.clip_model is None) != (self.min_similarity is None):
            raise SettingError(
                "Expected clip_model and min_similarity together but got "
                f"clip_model={self.clip_model} and min_similarity={self.min_similarity}."
            )
        if self.min_similarity is not None and not -1 <= self.min_similarity <= 1:
            raise SettingError(f"Expected min_similarity in [-1, 1] but got {self.min_similarity}.")
