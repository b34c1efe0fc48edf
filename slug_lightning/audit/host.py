"""What an attack needs of a host: models by version, and how to ask them about the concept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from torch import Tensor, nn

from slug_lightning.audit.findings import Figure, Version

HostName = Literal["clip", "diffusion"]


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

    Attacks on weights and on prompts need no more than this, so they run on any host.
    """

    name: HostName

    @property
    def models(self) -> Mapping[Version, nn.Module]:
        """Models by version, ``before`` and ``after`` at least; attacks restore what they change."""

    def figures(self, version: Version, condition: str) -> list[Figure]:
        """``forget/...`` and ``retain/...`` of a model with the weights it has now."""

    def reworded(self, version: Version, wordings: Sequence[Wording]) -> list[Figure]:
        """``forget/top1`` under each wording, in their order."""

    def matrices(self, version: Version) -> Mapping[str, Tensor]:
        """Weights that quantisation rounds, by name: what is multiplied with activations."""

    def edit(self) -> tuple[str, Tensor, Tensor]:
        """Name of the edited layer, its weight before and after, in the canonical shape."""
