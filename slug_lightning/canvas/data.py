"""The images of one evaluation as a data module: a model's answers, and the references without the target."""

from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from torch.utils.data import DataLoader

from slug_lightning.canvas.images import CanvasImages, Listed, Preprocess, find_answers, find_references
from slug_lightning.canvas.protocol import Protocol
from slug_lightning.errors import SettingError

ANSWERS, REFERENCES = 0, 1  # numbers of the test loaders


class CanvasDataModule(pl.LightningDataModule):
    """Answers of a model, all of them, and real images that do not show the target.

    Batches are dealt to processes by number, so that none is counted twice; use
    ``use_distributed_sampler=False`` in the Trainer.

    Args:
        protocol: The benchmark.
        answers: Folder of the model's images.
        target: What was unlearned, or ``None``.
        references: Folder of the data set, for FID.
        preprocess: Makes what the classifiers look at; see ``Judge``.
        batch_size: Images a batch.
        num_workers: Processes that decode.

    Raises:
        DataNotFoundError: If an image is not there.
    """

    def __init__(
        self,
        protocol: Protocol,
        answers: Path,
        target: str | None,
        references: Path | None,
        preprocess: Preprocess,
        batch_size: int = 50,
        num_workers: int = 0,
    ) -> None:
        super().__init__()
        if batch_size < 1:
            raise SettingError(f"Expected a batch_size of at least 1 but got {batch_size}.")
        self.protocol, self.preprocess = protocol, preprocess
        self.batch_size, self.num_workers = batch_size, num_workers
        self.answers = find_answers(answers, protocol)
        self.references = [] if references is None else find_references(references, protocol, target)

    def test_dataloader(self) -> list[DataLoader[dict[str, Any]]]:
        """One loader of answers and, for FID, one of references."""
        sets = [self.answers, self.references] if self.references else [self.answers]
        return [self._loader(listed) for listed in sets]

    def _loader(self, listed: list[Listed]) -> DataLoader[dict[str, Any]]:
        rank, world = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        starts = range(rank * self.batch_size, len(listed), world * self.batch_size)
        return DataLoader(
            CanvasImages(listed, self.preprocess, self.protocol.size),
            batch_sampler=[list(range(i, min(i + self.batch_size, len(listed)))) for i in starts],
            num_workers=self.num_workers,
        )
