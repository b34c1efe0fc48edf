"""What an audit can do to a host beside rounding its weights; each part of it is optional."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from torch import Tensor

from slug_lightning.errors import SettingError
from slug_lightning.hosts.host_metric import HostMetric
from slug_lightning.metrics import Accuracy

Ability = Literal["gold", "reworded", "lessons", "confusion", "example_losses", "probing"]
ABILITIES: tuple[Ability, ...] = get_args(Ability)


@dataclass(frozen=True)
class Rewording:
    """Another way to ask a host for the concept.

    Attributes:
        kind: ``template``, ``paraphrase``, ``misspelling``, ``language``, ``question``, ``picture``, or
            ``control``: a name without meaning, which tells what is found without asking for the concept.
        label: What the report calls it.
        text: What is put into the prompt, or the whole question; empty where the picture is changed.
    """

    kind: str
    label: str
    text: str = ""


@dataclass(frozen=True)
class Confusion:
    """What a host makes of final cases of every name of the concept's kind.

    Attributes:
        names: The concept's kind, e.g. all digits, the concept among them.
        counts: ``(C, C + 1)``, rows are what was asked for, columns what was recognised; the last column
            counts what is none of the names.
    """

    names: Sequence[str]
    counts: Tensor


@dataclass(frozen=True)
class Probing:
    """Frozen features of pictures with labels, to fit classifiers on.

    Attributes:
        names: Of the labels.
        features: Of search pictures ``(N, D)``.
        labels: ``(N,)``.
        final: Features of final pictures ``(M, D)``.
        final_labels: ``(M,)``.
    """

    names: Sequence[str]
    features: Tensor
    labels: Tensor
    final: Tensor
    final_labels: Tensor


class HostAttacks(HostMetric):
    """A ``HostMetric`` that can also be attacked.

    Override what your host can do: an attack of ``slug audit`` runs where its method is overridden. All act
    on the host as it is now; whoever calls patches it before and puts it back afterwards.
    """

    def gold(self, folder: Path) -> "HostAttacks":
        """The same questions, prompts and seeds, put to a host that never saw the concept.

        Args:
            folder: Where that host is.

        Raises:
            ModelNotFoundError: If it is not there.
        """
        raise self._lacking("gold")

    def rewordings(self, concept: str) -> Sequence[Rewording]:
        """What ``reworded`` understands, in the order of reports."""
        return ()

    def reworded(self, concept: str, wordings: Sequence[Rewording]) -> Sequence[Accuracy]:
        """How often the concept shows in the final cases when they are asked for in other words.

        Returns:
            One share for each wording, over the same cases; low is success.
        """
        raise self._lacking("reworded")

    def lessons(self, concept: str, pairs: int, batch_size: int, seed: int) -> Iterator[Tensor]:
        """Endless losses, with a graph, of batches that the host is trained on again.

        Args:
            concept: What was forgotten.
            pairs: Examples of the concept that the attacker has; at most half of a batch are of them, the
                rest are others. 0: others alone.
            batch_size: Examples a batch.
            seed: Of the draws: the same batches whatever the weights are.
        """
        raise self._lacking("lessons")

    def confusion(self, concept: str) -> Confusion:
        """What is recognised for each name of the concept's kind, on final cases."""
        raise self._lacking("confusion")

    def example_losses(self, concept: str, seen: bool) -> Tensor:
        """Loss of single examples of the concept, ``(N,)``, from the same draws in every call.

        Args:
            concept: What was forgotten.
            seen: Examples that the host was trained on, or ones that it never saw.
        """
        raise self._lacking("example_losses")

    def probing(self, concept: str) -> Probing:
        """Features that the host reads of labelled pictures; for hosts that read pictures."""
        raise self._lacking("probing")

    def _lacking(self, ability: Ability) -> SettingError:
        return SettingError(
            f"Expected {type(self).__name__} to have a method {ability!r}, but it has none, so this part of "
            "slug audit does not run on it. Leave it out, or override the method of HostAttacks."
        )


def abilities(metric: HostMetric) -> tuple[Ability, ...]:
    """What a metric's class overrides, in the order of ``ABILITIES``; nothing for a plain ``HostMetric``."""
    if not isinstance(metric, HostAttacks):
        return ()
    return tuple(name for name in ABILITIES if getattr(type(metric), name) is not getattr(HostAttacks, name))
