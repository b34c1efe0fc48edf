"""Gradient ascent and fine-tuning of the salient weights alone."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from torch import Tensor

from slug_lightning.errors import SettingError
from slug_lightning.functional import saliency_masks
from slug_lightning.search import GridSettings, Trial
from slug_lightning.unlearning.baseline import MEMORY_BYTES
from slug_lightning.unlearning.descent import RATES, UPDATES, ByRole
from slug_lightning.unlearning.gaft import GradientAscentFineTune


class SalUn(GradientAscentFineTune):
    r"""Saliency unlearning (SalUn): GAFT under a mask of the weights with the largest forget gradients.

    .. math:: \theta \leftarrow \theta - \eta\, m \odot (\nabla L_r - \nabla L_f)

    The mask is taken once, at the original weights, over all forget pairs; see ``saliency_masks``. What it
    does not mark keeps its original value.

    Args:
        model: See ``load_clip``.
        pretrained: See ``load_clip``.
        include: See ``Baseline``.
        search: Criterion and target.
        learning_rates: See ``Descent``.
        updates: See ``Descent``.
        optimizer: See ``Descent``.
        share: Of weights that are marked, in ``(0, 1]``.
        seed: Of the order of batches.
        memory_bytes: See ``Baseline``.

    Source:
        Fan et al. 2024 (arXiv 2310.12508), equations 3 and 4, with GAFT as the method under the mask, as
        SLUG (arXiv 2407.11867) compares it.
    """

    method = "salun"

    def __init__(
        self,
        model: str = "miniature",
        pretrained: str | None = None,
        include: Sequence[str] = ("*",),
        search: GridSettings = GridSettings(),
        learning_rates: Sequence[float] = RATES,
        updates: Sequence[int] = UPDATES,
        optimizer: Literal["adam", "sgd"] = "adam",
        share: float = 0.5,
        seed: int = 0,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        super().__init__(
            model, pretrained, include, search, learning_rates, updates, optimizer, seed, memory_bytes
        )
        if not 0 < share <= 1:
            raise SettingError(f"Expected model.share in (0, 1], but got {share}.")
        self.share = share
        self.masks: dict[str, Tensor] = {}

    def trials(self) -> Iterator[Trial]:
        """Find the mask, then train."""
        self.masks = saliency_masks(self.mean_gradient("forget"), self.share)
        yield from super().trials()

    def descended(self, gradients: ByRole) -> Mapping[str, Tensor]:
        """That of GAFT where the mask is, zero elsewhere."""
        return {name: gradient * self.masks[name] for name, gradient in super().descended(gradients).items()}
