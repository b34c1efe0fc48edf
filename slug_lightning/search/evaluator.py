"""Class scores of many edited models over one stream of images, at the price of their suffixes.

For each batch the vision tower runs once; where an edited layer sits, its suffix is run again per point. A
point in the text tower costs no image work at all: it has its own classifier. The unedited halves are
computed once for the whole search. Scores equal those of an edited copy of the model up to rounding.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import groupby

import torch
from torch import Tensor, nn

from slug_lightning.functional import class_embeddings
from slug_lightning.models import get_layer, text_tower, tower_of, vision_tower
from slug_lightning.models.layers import TowerName
from slug_lightning.models.stages import Tower
from slug_lightning.search.setting import Setting
from slug_lightning.search.trace import Point

Edit = Point | Setting


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
        for name in classifiers:
            if name not in self._original:
                self._original[name] = self._classifiers(name, [None])[0]
            text = [i for i, p in enumerate(points) if p is not None and _touches(p, "text")]
            heads = self._classifiers(name, [self.points[i] for i in text]) if text else []
            self._edited |= {(i, name): head for i, head in zip(text, heads, strict=True)}

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
        edits = [
            (_first_stage(self.vision, point), i, point)
            for i, point in enumerate(self.points)
            if point is not None and _touches(point, "vision")
        ]
        state, done = self.vision.start(images), 0
        for stage, group in groupby(sorted(edits, key=lambda e: e[:2]), key=lambda e: e[0]):
            state, done = self.vision.advance(state, done, stage), stage
            for _, i, point in group:
                with self.at(point):
                    embedding = self.vision.finish_pooled(state, stage)
                yield i, embedding
        unedited = sorted(set(range(len(self.points))) - {i for _, i, _ in edits})
        if not unedited:
            return
        base = self._images.get(key) if key is not None else None
        if base is None:
            base = self.vision.finish_pooled(state, done)
            self._remember(key, base)
        for i in unedited:
            yield i, base

    def scores(
        self, images: Tensor, classifier: str, key: object = None
    ) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Index, cosine scores ``(B, C)`` and image embeddings ``(B, D)`` of each point."""
        for i, embedding in self.embeddings(images, key):
            yield i, embedding @ self.classifier(i, classifier).T, embedding

    @contextmanager
    def at(self, point: Edit) -> Iterator[None]:
        """The edited model inside the ``with`` block; afterwards the original, bit for bit."""
        if isinstance(point, Setting):
            updates = self.updates[point]
        else:
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
    def _classifiers(self, name: str, points: Sequence[Edit | None]) -> list[Tensor]:
        """Class embeddings ``(C, D)`` under each point; each prompt batch's prefix is run once."""
        prompts = self.prompts[name]
        classes_per_batch = max(1, self.prompts_per_batch // prompts.shape[1])
        heads: list[list[Tensor]] = [[] for _ in points]
        for tokens in torch.split(prompts, classes_per_batch):
            flat = tokens.flatten(0, 1)
            for i, embedding in self._prompt_embeddings(flat, points):
                heads[i].append(class_embeddings(embedding.reshape(*tokens.shape[:2], -1)))
        return [torch.cat(parts) for parts in heads]

    def _prompt_embeddings(
        self, tokens: Tensor, points: Sequence[Edit | None]
    ) -> Iterator[tuple[int, Tensor]]:
        tower = self.text
        tokens = tower.trimmed(tokens)
        stages = [0 if p is None else _first_stage(tower, p) for p in points]
        state, done = tower.start(tokens), 0
        for i in sorted(range(len(points)), key=lambda i: stages[i]):
            point = points[i]
            if point is None:
                yield i, tower.pooled(tokens)
                continue
            state, done = tower.advance(state, done, stages[i]), stages[i]
            with self.at(point):
                embedding = tower.finish_pooled(state, done)
            yield i, embedding


def _touches(edit: Edit, tower: TowerName) -> bool:
    """A setting may edit any layer of both towers."""
    return isinstance(edit, Setting) or tower_of(edit.layer) == tower


def _first_stage(tower: Tower, edit: Edit) -> int:
    """The first stage of a tower that an edit may change."""
    return 0 if isinstance(edit, Setting) else tower.stage_of(edit.layer)
