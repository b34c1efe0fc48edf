"""Gradients, searches and final figures of many samples of the pairs, with nothing computed twice.

The two gradients do not depend on each other, and where a layer's step is bracketed depends on its forget
gradient alone; so a retain set decides only which layers are on the front. Each sample's gradient is taken
once, each layer of a forget set searched once, images and prompts encoded once.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from slug_lightning.data.captions import concept_folder, concept_pattern
from slug_lightning.data.celeba import CelebAIdentities
from slug_lightning.data.census import Census, take_census
from slug_lightning.data.evaluation import evaluation_loader
from slug_lightning.data.groups import GroupedPairs
from slug_lightning.data.imagenet import ImageNetFolder
from slug_lightning.data.labelled import LabelledImages
from slug_lightning.data.prompts import fill, templates
from slug_lightning.data.sampling import sample_pairs
from slug_lightning.functional import true_class_rank
from slug_lightning.metrics import Accuracy
from slug_lightning.search import (
    LayerScore,
    Measured,
    Pass,
    Point,
    PointEvaluator,
    SearchSettings,
    Trace,
    evaluate_points,
    score_layers,
    search_plan,
)
from slug_lightning.search.candidates import choose_candidates
from slug_lightning.search.plan import choose
from slug_lightning.unlearning import SLUG, GradientAccumulator
from slug_lightning.unlearning.base import metric_name

DATASETS = ("forget", "identities", "imagenet")
Split = Literal["search", "final"]
Role = Literal["forget", "retain"]


def classifier_of(dataset: str) -> str:
    """Concepts are identities here."""
    return "identities" if dataset == "forget" else dataset


@dataclass(frozen=True)
class Sample:
    """Some pairs of a role: ``size`` of them by ``seed``, or all."""

    size: int | None = None
    seed: int = 0


class Laboratory:
    """The miniature model and world, and what was found out about one concept.

    Args:
        world: Folder of the miniature world.
        concept: What to forget.
        group_size: Retain pairs that share one InfoNCE; forget pairs in a batch.
    """

    def __init__(self, world: Path, concept: str, group_size: int = 64) -> None:
        self.world, self.concept, self.group_size = world, concept, group_size
        self.settings = SearchSettings(measure="feasible")  # who contends depends on the layers
        self.module = SLUG()
        self.clip = self.module.load()
        self.weights = {n: w.detach() for n, w in self.module.candidates().items()}
        self.evaluator = PointEvaluator(self.clip.model, {}, self._prompts())
        self.gradient = cache(self._gradient)

    def scores(self, forget: Sample, retain: Sample) -> list[LayerScore]:
        """Importance, alignment and front of every layer."""
        return score_layers(self.gradient("forget", forget), self.gradient("retain", retain), self.weights)

    def results(
        self, forget: Sample, retains: Sequence[Sample]
    ) -> list[tuple[list[LayerScore], Trace, Measured]]:
        """Scores, search and final figures of one forget set with each of several retain sets."""
        self.evaluator.directions = self.gradient("forget", forget)
        fronts = []
        for retain in retains:
            scores = self.scores(forget, retain)
            fronts.append((scores, choose_candidates(scores, "front", self.settings.towers)))
        layers = {score.layer: score for _, front in fronts for score in front}
        every = self._search(list(layers.values()))
        traces = [self._narrowed(every, front) for _, front in fronts]
        points = list(dict.fromkeys(trace.best.point for trace in traces if trace.best))
        final = dict(zip(points, self._run(evaluate_points(points, DATASETS, "final", 64)), strict=True))
        return [
            (scores, trace, final[trace.best.point])
            for (scores, _), trace in zip(fronts, traces, strict=True)
            if trace.best is not None
        ]

    def before(self) -> Measured:
        """Final figures of the model as it is."""
        measured: list[Measured] = self._run(evaluate_points([None], DATASETS, "final", 1))
        return measured[0]

    def _search(self, candidates: Sequence[LayerScore]) -> Trace:
        trace: Trace = self._run(search_plan(candidates, self.settings, DATASETS[1:]))
        return trace

    def _narrowed(self, every: Trace, front: Sequence[LayerScore]) -> Trace:
        """The search of some of the layers: its points are those of the whole one, its choice is its own."""
        names = {score.layer for score in front}
        probes = tuple(
            probe for probe in every.probes if isinstance(probe.point, Point) and probe.point.layer in names
        )
        if not any(probe.feasible for probe in probes):  # then the least bad points are measured instead
            return self._search(front)
        return Trace(every.before, probes, choose(every.before, probes, self.settings))

    def _gradient(self, role: Role, sample: Sample) -> dict[str, Tensor]:
        accumulator = GradientAccumulator(self.module.candidates())
        for number, batch in enumerate(DataLoader(self._pairs(role, sample), batch_size=None)):
            if batch["key"]:
                loss = self.module.loss_sum(batch)
                accumulator.backward(role, loss, len(batch["key"]), f"{role} batch {number}")
        return {name: total / accumulator.pairs[role] for name, total in accumulator.sums[role].items()}

    def _pairs(self, role: Role, sample: Sample) -> GroupedPairs:
        census = _census(self.world, role, self.concept)
        if sample.size is not None:
            census = sample_pairs(census, sample.size, sample.seed)
        exclude = concept_pattern([self.concept]) if role == "retain" else None
        clip = self.clip
        return GroupedPairs(census, self.group_size, clip.preprocess, clip.tokenize, role, exclude=exclude)

    def _prompts(self) -> dict[str, Tensor]:
        kinds = {"identities": "identity", "imagenet": "photo"}
        found = {}
        for name, kind in kinds.items():
            texts = [fill(templates(kind), label) for label in self._images("final", name).names]
            tokens = self.clip.tokenize([text for row in texts for text in row])
            found[name] = tokens.reshape(len(texts), -1, tokens.shape[1])
        return found

    def _images(self, split: Split, kind: str) -> LabelledImages:
        read = self.clip.preprocess
        if kind == "imagenet":
            root = self.world / "ImageNet"
            classes = root / "LOC_synset_mapping.txt"
            return ImageNetFolder(root / "val", split, read, classes, root / "partition.txt")
        root = self.world / "celeba"
        return CelebAIdentities(root, split, read, root / "list_eval_partition.txt", include=[self.concept])

    @cache  # noqa: B019 (a laboratory lives as long as its concept)
    def _batches(self, split: Split, dataset: str) -> list[dict[str, Any]]:
        images = self._images(split, classifier_of(dataset))
        if dataset != "imagenet":
            label = images.label_of(self.concept)
            images = images.only(label) if dataset == "forget" else images.without(label)
        return list(evaluation_loader(images, 128))

    def _run(self, plan: Generator[Pass, list[Measured], Any]) -> Any:
        """Drive a plan to its end."""
        measured: list[Measured] | None = None
        while True:
            try:
                current = plan.send(measured)  # type: ignore[arg-type]
            except StopIteration as done:
                return done.value
            measured = self._measure(current)

    def _measure(self, current: Pass) -> list[Measured]:
        self.evaluator.prepare(current.points, sorted({classifier_of(d) for d in current.datasets}))
        found = [Measured({}) for _ in current.points]
        for dataset in current.datasets:
            ranks: list[list[Tensor]] = [[] for _ in current.points]
            for number, batch in enumerate(self._batches(current.split, dataset)):
                key = (current.split, dataset, number)
                for i, scores, _ in self.evaluator.scores(batch["image"], classifier_of(dataset), key):
                    ranks[i].append(true_class_rank(scores, batch["label"]))
            classes = len(self.evaluator.prompts[classifier_of(dataset)])
            for i, parts in enumerate(ranks):
                found[i] = found[i].merge(_counted(dataset, torch.cat(parts), classes))
        return found


def _counted(dataset: str, ranks: Tensor, classes: int) -> Measured:
    """Accuracies as ``ZeroShotAccuracy`` counts them."""
    wanted = [k for k in (1, 5) if k < classes] or [1]
    metrics = {metric_name(dataset, k): Accuracy(int((ranks < k).sum()), len(ranks)) for k in wanted}
    return Measured(metrics, int((ranks == classes).sum()))


@cache
def _census(world: Path, role: Role, concept: str) -> Census:
    folder = world / "forget" / concept_folder(concept) if role == "forget" else world / "laion"
    return take_census(str(folder / "*.tar"))


def cosine(one: Mapping[str, Tensor], other: Mapping[str, Tensor], layer: str) -> float:
    """Cosine of two gradients of a layer."""
    return torch.nn.functional.cosine_similarity(one[layer].flatten(), other[layer].flatten(), dim=0).item()


def relative_size(laboratory: Laboratory, point: Point, forget: Sample) -> float:
    """Norm of the update relative to the weight."""
    gradient = laboratory.gradient("forget", forget)[point.layer]
    return point.step * float(gradient.norm() / laboratory.weights[point.layer].norm())
