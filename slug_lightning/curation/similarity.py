"""How well the image and the caption of a pair fit, by a CLIP."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slug_lightning.curation.harvest import FoundPair
from slug_lightning.curation.settings import CurationSettings
from slug_lightning.data.images import decode_image
from slug_lightning.data.samples import decode_caption
from slug_lightning.errors import SettingError

if TYPE_CHECKING:
    from slug_lightning.models import Clip

BATCH = 64
DIGITS = 4  # that are kept: the rest is rounding of the hardware


class SimilarityFilter:
    """Cosines of image and caption embeddings; the model is loaded when it is first needed.

    Args:
        settings: With ``clip_model`` and ``min_similarity``.
        max_pixels: Larger images are not decoded.
    """

    def __init__(self, settings: CurationSettings, max_pixels: int) -> None:
        if settings.clip_model is None or settings.min_similarity is None:
            raise SettingError("Expected clip_model and min_similarity but got none.")
        self.threshold = settings.min_similarity
        self._model, self._pretrained = settings.clip_model, settings.clip_pretrained
        self._device, self._max_pixels = settings.clip_device, max_pixels
        self._clip: Clip | None = None

    def cosines(self, pairs: Sequence[FoundPair]) -> list[float]:
        """Cosine of each pair, rounded to 4 digits, in ``[-1, 1]``."""
        starts = range(0, len(pairs), BATCH)
        return [cosine for start in starts for cosine in self._batch(pairs[start : start + BATCH])]

    def _batch(self, pairs: Sequence[FoundPair]) -> list[float]:
        import torch
        from torch.nn.functional import normalize

        clip = self._load()
        images = torch.stack([clip.preprocess(decode_image(p.image, self._max_pixels)) for p in pairs])
        tokens = clip.tokenize([decode_caption(p.caption.encode()) for p in pairs])
        with torch.inference_mode():
            image = clip.model.encode_image(images.to(self._device))  # type: ignore[operator]
            text = clip.model.encode_text(tokens.to(self._device))  # type: ignore[operator]
            cosine = (normalize(image, dim=-1) * normalize(text, dim=-1)).sum(-1)
        return [round(value, DIGITS) for value in cosine.tolist()]

    def _load(self) -> "Clip":
        if self._clip is None:
            from slug_lightning.models import load_clip

            self._clip = load_clip(self._model, self._pretrained)
            try:
                self._clip.model.to(self._device)
            except (RuntimeError, AssertionError) as error:  # torch, for a device that is not there
                reason = str(error).split("\n")[0]
                raise SettingError(f"Expected a torch device but got '{self._device}': {reason}.") from error
        return self._clip
