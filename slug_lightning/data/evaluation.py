"""Loading evaluation images: each exactly once over all ranks, in a fixed order.

Batches are dealt, not images: a batch holds the same images on any number of processes, so that its scores
are the same to the last bit, and with them the counts.
"""

from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from slug_lightning.data.labelled import LabelledImages
from slug_lightning.errors import SettingError


def evaluation_loader(
    dataset: LabelledImages,
    batch_size: int,
    rank: int = 0,
    world_size: int = 1,
    num_workers: int = 0,
) -> DataLoader[dict[str, Any]]:
    """This rank's batches: number ``rank``, ``rank + world_size``, and so on, none repeated.

    Args:
        dataset: The images.
        batch_size: Images a batch, unreadable ones included.
        rank: This process, from 0.
        world_size: Number of processes. Use ``use_distributed_sampler=False`` in the Trainer.
        num_workers: Worker processes that decode.

    Returns:
        A loader of dicts.
        ``{"image": (B, 3, H, W) float, "label": (B,) int64, "key": list[str], "skipped": dict[str, int]}``;
        ``skipped`` counts unreadable images by reason.

    Raises:
        SettingError: If numbers are out of range.
    """
    if batch_size < 1:
        raise SettingError(f"Expected a batch_size of at least 1 but got {batch_size}.")
    if not 0 <= rank < world_size:
        raise SettingError(f"Expected a rank in [0, {world_size}) but got {rank}.")
    starts = range(rank * batch_size, len(dataset), world_size * batch_size)
    return DataLoader(
        dataset,
        batch_sampler=[list(range(start, min(start + batch_size, len(dataset)))) for start in starts],
        num_workers=num_workers,
        collate_fn=_Collate(dataset.no_images()),
        persistent_workers=num_workers > 0,  # a search evaluates the same images many times
    )


class _Collate:
    """Stack the readable items of a batch and count the others."""

    def __init__(self, no_images: Tensor) -> None:
        self._no_images = no_images

    def __call__(self, items: list[dict[str, Any]]) -> dict[str, Any]:
        good = [item for item in items if "image" in item]
        skipped: dict[str, int] = {}
        for item in items:
            if "image" not in item:
                skipped[item["skipped"]] = skipped.get(item["skipped"], 0) + 1
        return {
            "image": torch.stack([item["image"] for item in good]) if good else self._no_images,
            "label": torch.tensor([item["label"] for item in good], dtype=torch.int64),
            "key": [item["key"] for item in good],
            "skipped": skipped,
        }
