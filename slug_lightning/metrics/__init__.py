"""torchmetrics for zero-shot accuracy, forget accuracy and per-class recall."""

from slug_lightning.metrics.class_recall import MeanClassRecall
from slug_lightning.metrics.mean_embedding import MeanEmbedding
from slug_lightning.metrics.zero_shot_accuracy import Accuracy, ForgetAccuracy, ZeroShotAccuracy

__all__ = ["Accuracy", "ForgetAccuracy", "MeanClassRecall", "MeanEmbedding", "ZeroShotAccuracy"]
