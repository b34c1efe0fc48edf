"""A tower as a chain of stages, so that an edit re-runs only what comes after it.

A chain is the stem (stage 0), one stage per block (1 ... L), and the head (L + 1: pooling, projection,
normalisation). The stages before an edited layer run once, those from it on once per edit. Together they
equal the model's ``encode_image`` / ``encode_text`` bit for bit: the same modules are called in the same
order.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from slug_lightning.models.layers import TowerName


@dataclass(frozen=True)
class State:
    """What one stage hands to the next.

    Attributes:
        value: Activations.
        tokens: The token ids, which text pooling needs.
        aside: What every block is given beside its activations: rotary embedding, attention mask.
    """

    value: Tensor
    tokens: Tensor | None = None
    aside: Tensor | None = None


@dataclass(frozen=True)
class Stage:
    """One link of the chain.

    Attributes:
        run: State before to state after.
        layers: Names of the layers it uses, or prefixes of names that end in a dot.
    """

    run: Callable[[State], State]
    layers: tuple[str, ...] = ()

    def __call__(self, state: State) -> State:
        """The state after this stage."""
        return self.run(state)

    def uses(self, layer: str) -> bool:
        """Whether a layer is one of this stage's."""
        return any(layer == name or (name[-1] == "." and layer.startswith(name)) for name in self.layers)


@dataclass(frozen=True)
class Tower:
    """One encoder as a chain of stages.

    Attributes:
        name: ``vision`` or ``text``.
        stages: The chain; the last one gives unit embeddings ``(B, D)`` in float32.
        end: Position ``(B,)`` of the token that stands for each caption, where nothing behind it is seen and
            the padding may be cut; ``None`` where it may not, and for images.
        ending: The last block and the head for the pooled token alone, if the tower pools one token.
    """

    name: TowerName
    stages: tuple[Stage, ...]
    end: Callable[[Tensor], Tensor] | None = None
    ending: Callable[[State], State] | None = None

    @property
    def trim(self) -> bool:
        """Whether token ids may be cut after the longest caption."""
        return self.end is not None

    def stage_of(self, layer: str) -> int:
        """Index of the first stage that uses a layer; 0 for the stem and for towers that are not cut."""
        return next((i for i, stage in enumerate(self.stages) if stage.uses(layer)), 0)

    def start(self, inputs: Tensor) -> State:
        """State before stage 0: images ``(B, 3, H, W)`` or token ids ``(B, T)``."""
        return State(inputs, None if self.name == "vision" else inputs)

    def advance(self, state: State, first: int, stop: int) -> State:
        """Run stages ``first`` to ``stop - 1``."""
        for stage in self.stages[first:stop]:
            state = stage(state)
        return state

    def finish(self, state: State, first: int) -> Tensor:
        """Run the stages from ``first`` to the end: unit embeddings ``(B, D)``, float32."""
        return self.advance(state, first, len(self.stages)).value

    def trimmed(self, inputs: Tensor) -> Tensor:
        """Inputs without the padding that reaches no embedding."""
        return inputs if self.end is None else trim_tokens(inputs, self.end)

    def __call__(self, inputs: Tensor) -> Tensor:
        """Unit embeddings ``(B, D)`` of images or token ids, float32."""
        return self.finish(self.start(self.trimmed(inputs)), 0)

    def finish_pooled(self, state: State, first: int) -> Tensor:
        """As ``finish``, without the work that reaches no embedding; equal up to rounding, gradients too."""
        last = len(self.stages) - 2
        if self.ending is None or first > last:
            return self.finish(state, first)
        return self.ending(self.advance(state, first, last)).value

    def pooled(self, inputs: Tensor) -> Tensor:
        """Unit embeddings ``(B, D)`` as of ``self(inputs)``, without the work that reaches no embedding.

        Equal up to rounding, gradients included; ``self(inputs)`` is what equals the model bit for bit.
        """
        return self.finish_pooled(self.start(self.trimmed(inputs)), 0)

    def by_length(self, tokens: Tensor, parts: int = 4, least: int = 8) -> Tensor:
        """Unit embeddings ``(B, D)`` of captions, encoded in parts of like length: less padding is encoded.

        Equal to ``self(tokens)`` up to rounding, gradients included.

        Args:
            tokens: Token ids ``(B, T)``.
            parts: At most so many parts.
            least: At least so many captions in a part.
        """
        size = max(least, -(-len(tokens) // parts))
        if self.end is None or size >= len(tokens):
            return self.pooled(tokens)
        order = self.end(tokens).argsort(stable=True)
        embeddings = torch.cat([self.pooled(part) for part in tokens[order].split(size)])  # type: ignore[no-untyped-call]
        return embeddings[order.argsort()]


def highest(tokens: Tensor) -> Tensor:
    """Position ``(B,)`` of the highest token id, which is CLIP's end of text."""
    return tokens.argmax(dim=-1)


def trim_tokens(tokens: Tensor, end: Callable[[Tensor], Tensor] = highest) -> Tensor:
    """Cut the padding after the longest caption.

    Args:
        tokens: Token ids ``(B, T)``.
        end: Where each caption ends.

    Example:
        >>> import torch
        >>> trim_tokens(torch.tensor([[8, 1, 9, 0, 0], [8, 9, 0, 0, 0]]))
        tensor([[8, 1, 9],
                [8, 9, 0]])
    """
    return tokens if len(tokens) == 0 else tokens[:, : int(end(tokens).max()) + 1]


def each(modules: nn.Module, prefix: str) -> list[Stage]:
    """One stage per child of a module; each is given the activations alone."""
    return [_plain(child, f"{prefix}{name}.") for name, child in modules.named_children()]


def _plain(module: nn.Module, prefix: str) -> Stage:
    return Stage(lambda state: replace(state, value=module(state.value)), (prefix,))


def unit(embedding: Tensor) -> Tensor:
    """Rows of length 1, float32."""
    return F.normalize(embedding.float(), dim=-1)
