"""What a host does, in figures: the search can be steered by it in place of the CLIP's zero-shot accuracy."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from slug_lightning.errors import SettingError
from slug_lightning.metrics import Accuracy

Split = Literal["search", "final"]
Role = Literal["forget", "retain"]
FORGET = "forget"


@dataclass(frozen=True)
class Example:
    """One thing that the host did, to look at.

    Attributes:
        row: Name of its row in the table of all examples, e.g. a digit.
        column: Name of its column, e.g. a style.
        image: What was generated, or what the question was about: pixels in ``[0, 1]``, ``(3, H, W)``.
        said: What the judge saw in the image, or what the host answered.
        right: Whether that is what was asked for.
    """

    row: str
    column: str
    image: Tensor
    said: str
    right: bool


class HostMetric(ABC):
    """Measures a host as it is at the moment; others edit it and put it back.

    Derive from it to have ``slug fit`` search on a host of your own, and name the class in
    ``model.host_metric.class_path``. Two rules make points comparable:

    - the same call on the same weights gives the same figures: seed whatever is random, with the same seeds,
      prompts and images in every call of a split (common random numbers);
    - ``final`` shares none of them with ``search``: its figures are the ones that are reported.
    """

    @abstractmethod
    def load(self) -> Any:
        """Load the host on the CPU: a model of transformers or a pipeline of diffusers. Called once.

        The object that is returned is edited in place, so ``measure`` must use this very one. It may be moved
        to another device with its own ``to``.
        """

    @abstractmethod
    def retained(self, concept: str) -> Sequence[str]:
        """Names of what must stay, e.g. ``["digit", "style"]``; ``forget`` is not among them.

        Args:
            concept: What is to be forgotten.

        Raises:
            ConceptNotFoundError: If the metric cannot tell whether this concept is gone.
        """

    @abstractmethod
    def measure(self, concept: str, names: Sequence[str], split: Split) -> Mapping[str, Accuracy]:
        """Count on the host as it is now.

        Args:
            concept: What is to be forgotten.
            names: What to count: ``forget`` (how often the concept still shows; low is success) and names of
                ``retained`` (high is good).
            split: ``search`` while the step is chosen, ``final`` for the figures that are reported.

        Returns:
            One share for each name.
        """

    def loss(self, concept: str, role: Role, states: Tensor) -> Tensor:
        """Loss of the host's own, for ``model.gradient_through: host``; for hosts of vision towers.

        Args:
            concept: What is to be forgotten.
            role: ``forget``: raising the loss must make the host lose the concept. ``retain``: its gradients
                say what must not be changed.
            states: What leaves the last block that the host reads, ``(B, 1 + P, D)``, class token first.

        Returns:
            Sum over the batch.

        Raises:
            SettingError: If there is none.
        """
        raise SettingError(
            f"Expected {type(self).__name__} to have a loss for model.gradient_through host, but it has "
            "none. Take gradients through all, or give it a method of that name."
        )

    def labels(self, concept: str) -> Mapping[str, str]:
        """Words for the report by name, e.g. ``{"forget": "images of the concept recognised"}``."""
        return {}

    def account(self) -> Mapping[str, Any]:
        """What the report says of how it was measured, e.g. prompts, seeds, sampler; plain JSON."""
        return {}

    def examples(self) -> Sequence[Example]:
        """Some of what the last call of ``measure`` saw, the same cases in the same order every time."""
        return ()
