"""torchmetrics for zero-shot accuracy and forget accuracy, with their intervals."""

from slug_lightning.metrics.mean_embedding import MeanEmbedding
from slug_lightning.metrics.zero_shot_accuracy import Accuracy, ForgetAccuracy, ZeroShotAccuracy

__all__ = ["Accuracy", "ForgetAccuracy", "MeanEmbedding", "ZeroShotAccuracy"]
