"""How many generated images the two classifiers recognise, by digit and by style."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from slug_lightning.functional.wilson import wilson_interval
from slug_lightning.miniature.diffusion.classifiers import LABELS, Label, load_classifier
from slug_lightning.miniature.diffusion.generation import STEPS, generate_grid
from slug_lightning.miniature.diffusion.pipeline import WEIGHTS
from slug_lightning.miniature.layouts import Kind, names_of

KINDS: dict[Label, Kind] = {"digit": "digits", "style": "styles"}


@dataclass(frozen=True)
class Recognised:
    """Which images of a grid show what was asked for.

    Attributes:
        hits: By ``digit`` and ``style``: whether the classifier names what the prompt names, bool, shape
            ``(seeds, 10 digits, 10 styles)``.
    """

    hits: Mapping[Label, Tensor]

    def rate(self, label: Label, of: str | None = None, without: str | None = None) -> float:
        """Share of images whose digit, or style, is recognised, in ``[0, 1]``.

        Args:
            label: What must be recognised.
            of: Only images of this digit or style.
            without: Not those.
        """
        return float(self._select(label, of, without).double().mean())

    def interval(
        self, label: Label, of: str | None = None, without: str | None = None
    ) -> tuple[float, float]:
        """Wilson's 95 % interval of ``rate``."""
        chosen = self._select(label, of, without)
        return wilson_interval(int(chosen.sum()), chosen.numel())

    def by_name(self, label: Label) -> dict[str, float]:
        """Rate of each digit, or of each style."""
        return {name: self.rate(label, of=name) for name in names_of(KINDS[label])}

    def _select(self, label: Label, of: str | None, without: str | None) -> Tensor:
        keep = torch.ones(10, 10, dtype=torch.bool)
        for name, wanted in ((of, True), (without, False)):
            if name is not None:
                keep &= cells_of(name) == wanted
        return self.hits[label][:, keep]


def cells_of(name: str) -> Tensor:
    """Which of the 10 x 10 prompts name this digit or style, bool."""
    kind, number = find(name)
    cells = torch.zeros(10, 10, dtype=torch.bool)
    cells[(number, slice(None)) if kind == "digits" else (slice(None), number)] = True
    return cells


def find(name: str) -> tuple[Kind, int]:
    """Whether a name is a digit's or a style's, and its number.

    Raises:
        ConceptNotFoundError: If it is neither.

    Example:
        >>> find("seven"), find("chalk drawing")
        (('digits', 7), ('styles', 1))
    """
    from slug_lightning.errors import ConceptNotFoundError, closest

    for kind in KINDS.values():
        if name in names_of(kind):
            return kind, names_of(kind).index(name)
    known = [*names_of("digits"), *names_of("styles")]
    near = closest(name, known) or known
    raise ConceptNotFoundError(
        f"Expected a digit or a style of the miniature world, but got {name!r}. Closest names: {near}."
    )


def recognise(images: Tensor, folder: Path = WEIGHTS) -> Recognised:
    """Ask both classifiers about a grid of images.

    Args:
        images: Pixels in ``[0, 1]``, ``(seeds, 10 digits, 10 styles, 3, 32, 32)``.
        folder: Where the classifiers are.
    """
    answers = {
        label: load_classifier(label, folder).recognise(images.flatten(0, 2)).view(images.shape[:3])
        for label in LABELS
    }
    number = torch.arange(10)
    wanted = {"digit": number[:, None], "style": number[None, :]}
    return Recognised({label: answers[label] == wanted[label] for label in LABELS})


def measure_pipeline(
    pipeline: Any, seeds: Sequence[int], folder: Path = WEIGHTS, steps: int = STEPS
) -> tuple[Tensor, Recognised]:
    """Generate the grid of every seed and ask the classifiers; returns the images, too."""
    images = generate_grid(pipeline, seeds, steps)
    return images, recognise(images, folder)
