"""The gradient pass and the LightningModules that run it."""

from slug_lightning.unlearning.base import Outcome, Unlearner
from slug_lightning.unlearning.baseline import Baseline
from slug_lightning.unlearning.finetune import FineTune
from slug_lightning.unlearning.gaft import GradientAscentFineTune
from slug_lightning.unlearning.gradient_ascent import GradientAscent
from slug_lightning.unlearning.gradients import GradientAccumulator, Gradients
from slug_lightning.unlearning.salun import SalUn
from slug_lightning.unlearning.slug import SLUG
from slug_lightning.unlearning.ssd import SSD

__all__ = [
    "SLUG",
    "SSD",
    "Baseline",
    "FineTune",
    "GradientAccumulator",
    "GradientAscent",
    "GradientAscentFineTune",
    "Gradients",
    "Outcome",
    "SalUn",
    "Unlearner",
]
