"""The gradient pass and the LightningModules that run it."""

from slug_lightning.unlearning.base import Outcome, Unlearner
from slug_lightning.unlearning.gradients import GradientAccumulator, Gradients
from slug_lightning.unlearning.slug import SLUG

__all__ = ["SLUG", "GradientAccumulator", "Gradients", "Outcome", "Unlearner"]
