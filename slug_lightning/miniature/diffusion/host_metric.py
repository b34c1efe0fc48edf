"""The miniature Stable Diffusion as a host that a search can be steered by: ``model.host_metric``."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from slug_lightning.errors import SettingError
from slug_lightning.hosts.generated_images import GeneratedImages, ImageCounts, Sampling
from slug_lightning.hosts.judges import ImageJudge
from slug_lightning.miniature.diffusion.classifiers import LABELS, Label, load_classifier
from slug_lightning.miniature.diffusion.generation import GUIDANCE, STEPS
from slug_lightning.miniature.diffusion.lessons import example_losses, lessons
from slug_lightning.miniature.diffusion.pipeline import WEIGHTS, miniature_stable_diffusion
from slug_lightning.miniature.diffusion.prompts import PROMPT
from slug_lightning.miniature.diffusion.recognition import KINDS
from slug_lightning.miniature.layouts import names_of

SHIPPED = "miniature"


class PictureJudge(ImageJudge):
    """One of the two classifiers that were trained on drawings.

    Args:
        label: ``digit`` or ``style``.
        folder: Where the classifier is; by default the one that ships.
    """

    def __init__(self, label: Label, folder: Path = WEIGHTS) -> None:
        self.label, self.folder = label, folder

    def recognise(self, images: Tensor, names: Sequence[str]) -> Tensor:
        """See ``ImageJudge``; the names must be those that the classifier knows, in any order."""
        known = names_of(KINDS[self.label])
        if sorted(names) != sorted(known):
            raise SettingError(f"Expected the names {list(known)} for this judge, but got {list(names)}.")
        positions = torch.tensor([list(names).index(name) for name in known])
        return positions[load_classifier(self.label, self.folder).recognise(images.cpu())]


class MiniatureImages(GeneratedImages):
    """``GeneratedImages`` of the miniature Stable Diffusion: digits in styles.

    Args:
        folder: Where the networks and classifiers are; by default those that ship.
        search: Images per point while the step is searched.
        final: Images of the final figures.
        sampling: Steps, guidance and batch size.
        seed: Of prompts' order and noise.
        wordings: Further sentences with ``{}`` that the search asks in; see ``GeneratedImages``.
    """

    def __init__(
        self,
        folder: Path | None = None,
        search: ImageCounts = ImageCounts(20, 60),
        final: ImageCounts = ImageCounts(100, 180),
        sampling: Sampling = Sampling(STEPS, GUIDANCE, 100),
        seed: int = 0,
        wordings: list[str] | None = None,
    ) -> None:
        folder = WEIGHTS if folder is None else folder  # no path of one machine in a run's config.yaml
        names: dict[str, list[str]] = {label: list(names_of(KINDS[label])) for label in LABELS}
        judges: dict[str, ImageJudge] = {label: PictureJudge(label, folder) for label in LABELS}
        counts: dict[str, Any] = {"search": search, "final": final, "sampling": sampling, "seed": seed}
        super().__init__(SHIPPED, PROMPT, names, judges, wordings=wordings, **counts)
        self.folder = folder

    def open(self) -> Any:
        """The pipeline of ``folder``, or a whole one that is read as a gold standard."""
        if self.pipeline != SHIPPED:
            return super().open()
        return miniature_stable_diffusion(self.folder).to(getattr(torch, self.sampling.dtype))

    def lessons(self, concept: str, pairs: int, batch_size: int, seed: int) -> Iterator[Tensor]:
        """The denoiser's loss on drawings that it was trained on, with their prompts; see ``HostAttacks``."""
        return lessons(self.load(), concept, pairs, batch_size, seed)

    def example_losses(self, concept: str, seen: bool) -> Tensor:
        """The denoiser's loss of drawings that it was trained on, or of scans that nothing saw."""
        return example_losses(self.load(), concept, seen)
