"""What a benchmark runs on: one model, one concept, and data in the layouts of a world."""

from dataclasses import dataclass, field
from pathlib import Path

from slug_lightning.data.celeba import CelebAIdentities
from slug_lightning.data.imagenet import ImageNetFolder
from slug_lightning.data.labelled import LabelledImages, Transform
from slug_lightning.data.partition import Split
from slug_lightning.data.prompts import fill, templates
from slug_lightning.data.settings import IdentitySettings, ImageNetSettings
from slug_lightning.data.unlearning import UnlearningDataModule


@dataclass(frozen=True)
class Setting:
    """Model and data that both sides of a comparison are given.

    Attributes:
        root: Folder of the world.
        model: Name for ``load_clip``.
        concept: What to forget.
        forget: Pattern of forget shards below ``root``.
        templates: Template set of the classes.
        batch: Pairs per InfoNCE and per batch of the gradient pass.
        eval_batch: Class images per batch.
        retain_limit: Use only the first so many retain pairs.
        layers: Layers to search; empty for the front.
        evaluations: Steps per layer.
        forget_target: Highest accuracy of a feasible point.
    """

    root: str
    model: str
    concept: str
    forget: str = "forget/*.tar"
    templates: str = "simple"
    batch: int = 16
    eval_batch: int = 128
    retain_limit: int | None = None
    layers: list[str] = field(default_factory=list)
    evaluations: int = 10
    forget_target: float = 0.0

    def data_module(self) -> UnlearningDataModule:
        """The data as our code reads them."""
        return UnlearningDataModule(
            self.concept,
            self.forget,
            "laion/*.tar",
            IdentitySettings(Path("celeba"), partition=Path("celeba/list_eval_partition.txt"), most=None),
            ImageNetSettings(
                Path("ImageNet/val"),
                Path("ImageNet/partition.txt"),
                Path("ImageNet/LOC_synset_mapping.txt"),
                templates=self.templates,
            ),
            root=Path(self.root),
            group_size=self.batch,
            forget_batch_size=self.batch,
            retain_limit=self.retain_limit,
            eval_batch_size=self.eval_batch,
        )

    def people(self, split: Split, transform: Transform) -> LabelledImages:
        """Images of all identities."""
        root = Path(self.root) / "celeba"
        lists = root / "list_eval_partition.txt"
        return CelebAIdentities(root, split, transform, lists, max_identities=None, include=[self.concept])

    def classes(self, split: Split, transform: Transform) -> LabelledImages:
        """Images of all classes."""
        root = Path(self.root) / "ImageNet"
        names, lists = root / "LOC_synset_mapping.txt", root / "partition.txt"
        return ImageNetFolder(root / "val", split, transform, names, lists)

    def prompts(self, images: LabelledImages, choice: str) -> list[list[str]]:
        """One row of prompts per class."""
        return [fill(templates(choice), name) for name in images.names]
