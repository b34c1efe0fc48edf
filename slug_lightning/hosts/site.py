"""One CLIP tower where a host keeps it: canonical names in front, the host's tensors behind."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from slug_lightning.errors import LayerNotFoundError, UnreadLayerError
from slug_lightning.hosts.places import Place
from slug_lightning.hosts.spelling import (
    Piece,
    canonical_layers,
    count_blocks,
    gather,
    plain_name,
    spell,
)
from slug_lightning.models.layers import TowerName


@dataclass(frozen=True)
class Site:
    """One tower of a host.

    Attributes:
        host: Class name of the host, for sentences.
        place: Where the tower is and what the host reads of it.
        trunk: How the tower's names start.
        tensors: The host's (or component's) tensors by their own names.
        activation: Activation function of its blocks as transformers names it; ``None`` if not known.
        source: What the tensors are of, e.g. a file name.
    """

    host: str
    place: Place
    trunk: str
    tensors: Mapping[str, Tensor]
    activation: str | None
    source: str = ""

    @property
    def tower(self) -> TowerName:
        """Which tower it is."""
        return self.place.reading.tower

    @property
    def blocks(self) -> int:
        """Number of blocks that the host has."""
        return count_blocks(self.tensors, self.trunk)

    def pieces(self, layer: str) -> tuple[Piece, ...]:
        """The tensors that hold a layer.

        Raises:
            LayerNotFoundError: If the host does not have it.
        """
        pieces = spell(layer, self.trunk)
        missing = [piece.name for piece in pieces if piece.name not in self.tensors]
        if missing:
            msg = (
                f"{self.name} has no {missing[0]!r}, which would hold layer {layer!r}. "
                "Apply the patch to a host with this layer."
            )
            raise LayerNotFoundError(msg)
        return pieces

    def has(self, layer: str) -> bool:
        """Whether the host has a layer, read or not."""
        return all(piece.name in self.tensors for piece in spell(layer, self.trunk))

    def layers(self) -> list[str]:
        """Canonical names of the layers that the host has, read or not."""
        return [layer for layer in canonical_layers(self.tower, self.blocks) if self.has(layer)]

    def weight(self, layer: str) -> Tensor:
        """A layer in its canonical shape, in the host's dtype."""
        return gather(self.pieces(layer), self.tensors.__getitem__)

    @property
    def name(self) -> str:
        """The host, with the component where there is one.

        Example: ``StableDiffusionXLPipeline.text_encoder_2``.
        """
        return f"{self.host}.{self.place.component}" if self.place.component else self.host

    def require_read(self, layer: str) -> None:
        """Refuse a layer whose edit would change nothing.

        Raises:
            UnreadLayerError: Saying what the host reads instead.
        """
        reading, blocks = self.place.reading, self.blocks
        if reading.reads(layer, blocks):
            return
        there = "read" if self.has(layer) else "have"
        last = blocks - reading.unread_blocks - 1
        msg = (
            f"{self.name} does not {there} layer {plain_name(layer)!r}: it {reading.why}, and reads blocks 0 "
            f"to {last} of the {self.tower} tower. {ADVICE}"
        )
        raise UnreadLayerError(msg)


ADVICE = "Compute a patch for this host with model.host (docs/hosts.md)."
