"""The mathematics, in torch alone."""

from slug_lightning.functional.alignment import alignment
from slug_lightning.functional.dampening import dampen
from slug_lightning.functional.divergence import jensen_shannon
from slug_lightning.functional.importance import importance
from slug_lightning.functional.losses import clip_loss, contrast_loss, pair_cosine_loss, sigmoid_loss
from slug_lightning.functional.pareto import pareto_front
from slug_lightning.functional.projection import without_component
from slug_lightning.functional.retain_aware import retain_aware
from slug_lightning.functional.saliency import saliency_masks
from slug_lightning.functional.wilson import wilson_interval
from slug_lightning.functional.zero_shot import (
    class_embeddings,
    most_recognised,
    true_class_rank,
    with_margin,
)

__all__ = [
    "alignment",
    "class_embeddings",
    "clip_loss",
    "contrast_loss",
    "dampen",
    "importance",
    "jensen_shannon",
    "most_recognised",
    "pair_cosine_loss",
    "pareto_front",
    "retain_aware",
    "saliency_masks",
    "sigmoid_loss",
    "true_class_rank",
    "wilson_interval",
    "with_margin",
    "without_component",
]
