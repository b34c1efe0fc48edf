"""What an attack needs of a host: versions of a model, and how to ask them about the concept."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from slug_lightning.audit.findings import Figure, Version
from slug_lightning.hosts.host_attacks import Ability

Attack = Callable[[Mapping[str, Tensor]], AbstractContextManager[None]]
"""Changes weights, given by name, inside a ``with`` block, and restores them bit for bit."""


def unattacked(weights: Mapping[str, Tensor]) -> AbstractContextManager[None]:
    """The attack that changes nothing."""
    del weights
    return nullcontext()


@dataclass(frozen=True)
class Wording:
    """Another way to ask for the concept.

    Attributes:
        kind: ``template``, ``paraphrase``, ``misspelling``, ``language``, ``all``.
        label: What it is called in the report.
        templates: Sentences with ``{}``, in which every name is asked for; empty for the usual ones.
        names: What the concept is called; the others keep their names.
    """

    kind: str
    label: str
    templates: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


class Host(Protocol):
    """A patched model that can be asked for the concept, beside its original and maybe a gold standard.

    Attacks on weights need no more than this, so they run on any host.
    """

    @property
    def name(self) -> str:
        """What it is called in ``audit.json``: ``clip``, or another host's name."""

    @property
    def versions(self) -> tuple[Version, ...]:
        """Versions that there are, ``before`` and ``after`` at least, in the order of reports."""

    @property
    def abilities(self) -> tuple[Ability, ...]:
        """What else it can be asked than figures; the CLIP can be asked everything, and says nothing here."""

    @property
    def account(self) -> Mapping[str, Any]:
        """What its figures depend on beside models and data of the run; plain JSON."""

    def figures(self, version: Version, condition: str, attack: Attack = unattacked) -> list[Figure]:
        """``forget/...`` and ``retain/...`` of a version while its weight matrices are attacked.

        Args:
            version: Which model.
            condition: What the figures say they were measured under.
            attack: Is given all weights that are multiplied with activations, by name.
        """

    def edit(self) -> tuple[str, Tensor, Tensor] | None:
        """Name of the edited layer and its weight before and after; ``None`` if it is split there."""
