"""torchmetrics for zero-shot accuracy, forget accuracy, per-class recall and membership inference."""

from slug_lightning.metrics.class_recall import MeanClassRecall
from slug_lightning.metrics.mean_embedding import MeanEmbedding
from slug_lightning.metrics.membership import (
    Membership,
    MembershipInference,
    membership_inference,
    pair_features,
)
from slug_lightning.metrics.zero_shot_accuracy import Accuracy, ForgetAccuracy, ZeroShotAccuracy

__all__ = [
    "Accuracy",
    "ForgetAccuracy",
    "MeanClassRecall",
    "MeanEmbedding",
    "Membership",
    "MembershipInference",
    "ZeroShotAccuracy",
    "membership_inference",
    "pair_features",
]
