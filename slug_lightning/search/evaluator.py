"""Class scores of many edited models over one stream of images, at the price of their suffixes.

For each batch the vision tower runs once; where an edited layer sits, its suffix is run again per point. A
point in the text tower costs no image work at all: it has its own classifier. The unedited halves are
computed once for the whole search. Scores equal those of an edited copy of the model up to rounding.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from slug_lightning.functional import class_embeddings
from slug_lightning.models import Tower, get_layer, text_tower, tower_of, vision_tower
from slug_lightning.models.layers import TowerName
from slug_lightning.search.setting import Setting
from slug_lightning.search.trace import Point

Edit = Point | Setting

# About 800 tokens of a ViT-B. A CPU gets new pages from the system for the activations of larger batches, at
# every operation, and was a tenth slower with them.
PART = {"vision": 16, "text": 64}
ORIGINAL = -1  # in place of the number of a point


@contextmanager
def edited(weight: Tensor, update: Tensor) -> Iterator[None]:
    """Add an update to a weight in place; on leaving, copy the original back, bit for bit."""
    saved = weight.detach().clone()
    try:
        with torch.no_grad():
            weight.copy_(saved + update.to(saved.device))
        yield
    finally:
        with torch.no_grad():
            weight.copy_(saved)


def _in_parts(tower: Tower, inputs: Tensor) -> tuple[Sequence[Tensor], Tensor]:
    """Images or token ids in parts that a CPU computes without asking the system for memory each time.

    Returns:
        The parts, captions of like length together and cut after the longest; and where each row is in them.
    """
    size = PART[tower.name] if inputs.device.type == "cpu" else max(1, len(inputs))
    if tower.end is None:
        return torch.split(inputs, size), torch.arange(len(inputs), device=inputs.device)
    order = tower.end(inputs).argsort(stable=True)
    return [tower.trimmed(inputs[part]) for part in torch.split(order, size)], order.argsort()


class PointEvaluator:
    """Scores images under several edits.

    Args:
        model: open_clip model; edited in place for moments and always restored.
        directions: Forget gradient by layer name, for every layer that points may name. What settings
            stand for is in ``updates``: by setting, the update of each layer it edits.
        prompts: Token ids ``(C, T, L)`` per classifier: classes, templates, length.
        prompts_per_batch: Prompts encoded at once.
        cache_bytes: Bound on remembered embeddings of unedited images.
    """

    def __init__(
        self,
        model: nn.Module,
        directions: Mapping[str, Tensor],
        prompts: Mapping[str, Tensor],
        prompts_per_batch: int = 512,
        cache_bytes: int = 256 * 2**20,
    ) -> None:
        self.model = model
        self.directions = directions
        self.updates: dict[Setting, Mapping[str, Tensor]] = {}
        self.prompts = prompts
        self.prompts_per_batch = prompts_per_batch
        self.vision, self.text = vision_tower(model), text_tower(model)
        self.points: tuple[Edit | None, ...] = (None,)
        self._original: dict[str, Tensor] = {}
        self._edited: dict[tuple[int, str], Tensor] = {}
        self._images: dict[object, Tensor] = {}
        self._room = cache_bytes

    def prepare(self, points: Sequence[Edit | None], classifiers: Sequence[str]) -> None:
        """Set the points of the next pass and encode the classifiers it needs.

        Args:
            points: Edits; ``None`` is the original model.
            classifiers: Keys of ``prompts`` that will be asked for.
        """
        self.points = tuple(points)
        self._edited.clear()
        text = {i: p for i, p in enumerate(points) if p is not None and _touches(p, "text")}
        for name in classifiers:
            asked = text if name in self._original else {**text, ORIGINAL: None}
            for i, head in self._classifiers(name, asked).items():
                if i == ORIGINAL:
                    self._original[name] = head
                else:
                    self._edited[i, name] = head

    def classifier(self, index: int, name: str) -> Tensor:
        """Class embeddings ``(C, D)`` of the ``index``-th point."""
        return self._edited.get((index, name), self._original[name])

    @torch.no_grad()
    def embeddings(self, images: Tensor, key: object = None) -> Iterator[tuple[int, Tensor]]:
        """Unit image embeddings ``(B, D)`` under each point, in no particular order.

        Args:
            images: Batch ``(B, 3, H, W)``.
            key: Name of the batch; with it, unedited embeddings are remembered for later passes.
        """
        edits = {i: p for i, p in enumerate(self.points) if p is not None and _touches(p, "vision")}
        unedited = [i for i in range(len(self.points)) if i not in edits]
        base = self._images.get(key) if key is not None else None
        asked: dict[int, Edit | None] = {**edits}
        if unedited and base is None:
            asked[ORIGINAL] = None
        for i, embedding in self._under(self.vision, images, asked):
            if i == ORIGINAL:
                base = embedding
                self._remember(key, base)
            else:
                yield i, embedding
        for i in unedited:
            assert base is not None
            yield i, base

    def scores(
        self, images: Tensor, classifier: str, key: object = None
    ) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Index, cosine scores ``(B, C)`` and image embeddings ``(B, D)`` of each point."""
        for i, embedding in self.embeddings(images, key):
            yield i, embedding @ self.classifier(i, classifier).T, embedding

    @contextmanager
    def at(self, point: Edit | None) -> Iterator[None]:
        """The edited model inside the ``with`` block; afterwards the original, bit for bit."""
        updates: Mapping[str, Tensor] = {}
        if isinstance(point, Setting):
            updates = self.updates[point]
        elif point is not None:
            updates = {point.layer: point.step * self.directions[point.layer]}
        with ExitStack() as stack:
            for layer, update in updates.items():
                stack.enter_context(edited(get_layer(self.model, layer), update))
            yield

    def _remember(self, key: object, base: Tensor) -> None:
        size = base.numel() * base.element_size()
        if key is not None and size <= self._room:
            self._images[key] = base
            self._room -= size

    @torch.no_grad()
    def _classifiers(self, name: str, points: Mapping[int, Edit | None]) -> dict[int, Tensor]:
        """Class embeddings ``(C, D)`` under each point."""
        if not points:
            return {}
        prompts = self.prompts[name]
        classes_per_batch = max(1, self.prompts_per_batch // prompts.shape[1])
        heads: dict[int, list[Tensor]] = {i: [] for i in points}
        for tokens in torch.split(prompts, classes_per_batch):
            for i, embedding in self._under(self.text, tokens.flatten(0, 1), points):
                heads[i].append(class_embeddings(embedding.reshape(*tokens.shape[:2], -1)))
        return {i: torch.cat(parts) for i, parts in heads.items()}

    def _under(
        self, tower: Tower, inputs: Tensor, points: Mapping[int, Edit | None]
    ) -> Iterator[tuple[int, Tensor]]:
        """Unit embeddings ``(B, D)`` under each point, the original last; what an edit leaves runs once."""
        last = len(tower.stages)
        stages = {i: last if p is None else _first_stage(tower, p) for i, p in points.items()}
        parts, back = _in_parts(tower, inputs)
        states, done = [tower.start(part) for part in parts], 0
        for i in sorted(points, key=lambda i: stages[i]):
            point = points[i]
            if point is not None:
                states = [tower.advance(state, done, stages[i]) for state in states]
                done = stages[i]
            with self.at(point):
                embedding = torch.cat([tower.finish_pooled(state, done) for state in states])
            yield i, embedding[back]


def _touches(edit: Edit, tower: TowerName) -> bool:
    """A setting may edit any layer of both towers."""
    return isinstance(edit, Setting) or tower_of(edit.layer) == tower


def _first_stage(tower: Tower, edit: Edit) -> int:
    """The first stage of a tower that an edit may change."""
    return 0 if isinstance(edit, Setting) else tower.stage_of(edit.layer)
