"""What every unlearning module shares: a CLIP, and passes over evaluation data that measure edits of it."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar

import lightning.pytorch as pl
import torch
from torch import Tensor

from slug_lightning.data.prompts import fill
from slug_lightning.functional import most_recognised, with_margin
from slug_lightning.metrics import ForgetAccuracy, MeanClassRecall, MeanEmbedding, ZeroShotAccuracy
from slug_lightning.models import Clip, load_clip
from slug_lightning.patch import Patch, WholePatch
from slug_lightning.search import Measured, Pass, PointEvaluator, Trace, evaluate_points
from slug_lightning.search.plan import Split


def metric_name(dataset: str, k: int) -> str:
    """Name of a top-k figure in reports and logs.

    Example:
        >>> metric_name("forget", 1), metric_name("imagenet", 5)
        ('forget/top1', 'retain/imagenet_top5')
    """
    return f"forget/top{k}" if dataset == "forget" else f"retain/{dataset}_top{k}"


@dataclass(frozen=True)
class Outcome:
    """Final figures.

    Attributes:
        before: Original model on the final images.
        after: Edited model on the same images; ``None`` if nothing was edited.
        trace: The search, if there was one.
        mean_images: Unit mean image embedding per name, ``(1 or 2, names, D)``: before, after.
        classifiers: Class embeddings of their prompts, same shape.
    """

    before: Measured
    after: Measured | None
    trace: Trace | None
    mean_images: Tensor
    classifiers: Tensor


class Unlearner(pl.LightningModule):
    """Loads a CLIP and measures it, edited or not, on the data module's evaluation data.

    Args:
        model: See ``load_clip``.
        pretrained: See ``load_clip``.
    """

    method: ClassVar[str] = "none"  # as reports and patches call it
    network: torch.nn.Module
    evaluator: PointEvaluator

    def __init__(self, model: str = "miniature", pretrained: str | None = None) -> None:
        super().__init__()
        self.allow_zero_length_dataloader_with_multiple_devices = True  # few images on many processes
        self.model_name, self.pretrained = model, pretrained
        self.clip: Clip | None = None
        self.outcome: Outcome | None = None
        self.only: tuple[str, ...] = ()  # evaluation data sets to measure; empty for all
        self.patch_name: str | None = None  # of the patch that is applied while measuring
        self.wordings: Sequence[str] = ()  # sentences that the search asks in, too; see SearchSettings
        self.margin = 0.0  # head start of the concept on search images
        self._pass: Pass | None = None
        self._measured: list[Measured] = []
        self._counts: dict[str, ZeroShotAccuracy] = {}
        self._recalls: dict[str, MeanClassRecall] = {}
        self.class_recall: dict[str, list[float]] = {}  # by data set, one per point of the final pass
        self._means: MeanEmbedding | None = None
        self._unreadable: dict[str, int] = {}
        self.unreadable: dict[str, int] = {}  # by split and data set, over all processes

    def load(self) -> Clip:
        """The CLIP; loaded at the first call."""
        if self.clip is None:
            self.clip = load_clip(self.model_name, self.pretrained)
            self.network = self.clip.model
        return self.clip

    def setup(self, stage: str) -> None:
        """Load the model before Lightning moves it to a device."""
        self.load()

    def with_patches(self, patches: Sequence[Patch | WholePatch]) -> AbstractContextManager[None]:
        """Whatever else is measured, with the patches that the model has."""
        del patches
        return nullcontext()

    def datasets(self, split: Split) -> tuple[str, ...]:
        """Names of a split's data sets that are measured: ``forget`` and those that must stay."""
        names = [dataset for own, dataset in self.data.loader_names if own == split]
        return tuple(name for name in names if not self.only or name in self.only)

    @property
    def data(self) -> Any:
        """The data module of the running trainer."""
        return self.trainer.datamodule  # type: ignore[attr-defined]

    def check_settings(self, data: Any) -> None:
        """Refuse settings that could only fail later; called before anything is written."""
        data.prompts()

    def build_evaluator(self, directions: Mapping[str, Tensor]) -> PointEvaluator:
        """Evaluator for edits along ``directions``, with the data module's prompts."""
        clip = self.load()
        prompts = {}
        for name, texts in self.data.prompts().items():
            tokens = clip.tokenize([text for row in texts for text in row])
            prompts[name] = tokens.reshape(len(texts), -1, tokens.shape[1]).to(self.device)
        for name, sentence in zip(self._wording_names, self.wordings, strict=True):
            texts = [fill([sentence], own)[0] for own in self.data.class_names(self.data.concept_in)]
            prompts[name] = clip.tokenize(texts)[:, None].to(self.device)
        return PointEvaluator(self.network, directions, prompts)

    @property
    def _wording_names(self) -> list[str]:
        """What the classifiers of further sentences are called; no data set has such a name."""
        return [f"wording {number}" for number in range(len(self.wordings))]

    def evaluation_plan(self) -> Generator[Pass, list[Measured], None]:
        """Measure the model as it is, on the final images."""
        self.evaluator = self.build_evaluator({})
        (before,) = yield from evaluate_points([None], self.datasets("final"), "final", 1)
        self.outcome = self.final_outcome(before, None, None)

    def final_outcome(self, before: Measured, after: Measured | None, trace: Trace | None) -> Outcome:
        """Collect what the final pass left."""
        assert self._means is not None
        source = self.data.concept_in
        heads = [self.evaluator.classifier(i, source) for i in range(len(self.evaluator.points))]
        means = self._means.compute()  # summed over processes
        return Outcome(before, after, trace, means.cpu(), torch.stack(heads).cpu())

    def begin_pass(self, current: Pass) -> None:
        """Get ready to measure the points of a pass."""
        self._pass = current
        names = sorted({self.data.classifier_of(dataset) for dataset in current.datasets})
        if current.split == "search" and "forget" in current.datasets:
            names += self._wording_names
        with self.forward_context():
            self.evaluator.prepare(current.points, names)
        self._counts = {d: self._counter(d, len(current.points)) for d in current.datasets}
        self._means, self._unreadable = None, dict.fromkeys(current.datasets, 0)
        self._recalls = {}
        if current.split == "final":
            self._recalls = {d: self._recall(d, len(current.points)) for d in current.datasets}
            head = self.evaluator.classifier(0, self.data.concept_in)
            self._means = MeanEmbedding(len(head), head.shape[1], len(current.points)).to(self.device)

    def validation_step(self, batch: dict[str, Any], batch_idx: int, dataloader_idx: int = 0) -> None:
        """Count the hits of every point of the pass on one batch."""
        name = self.data.loader_names[dataloader_idx]
        dataset, labels = name[1], batch["label"]
        self._unreadable[dataset] += sum(batch["skipped"].values())
        if len(labels) == 0:
            return
        classifier = self.data.classifier_of(dataset)
        for trial, scores, embeddings in self.evaluator.scores(
            batch["image"], classifier, key=(*name, batch_idx)
        ):
            if dataset == "forget" and name[0] == "search":
                scores = self._as_attacked(trial, scores, embeddings, labels)
            self._counts[dataset].update(scores, labels, trial)
            if dataset in self._recalls:
                self._recalls[dataset].update(scores, labels, trial)
            if self._means is not None and classifier == self.data.concept_in:
                self._means.update(embeddings, labels, trial)

    def _as_attacked(self, trial: int, scores: Tensor, images: Tensor, labels: Tensor) -> Tensor:
        """Scores of the concept's search images in the sentence that fits each best, with the margin."""
        if self.wordings:
            others = [images @ self.evaluator.classifier(trial, name).T for name in self._wording_names]
            scores = most_recognised(torch.stack([scores, *others]), labels)
        return with_margin(scores, labels, self.margin) if self.margin else scores

    def on_validation_epoch_end(self) -> None:
        """Sum the counts over processes; log the final figures."""
        current = self._pass
        assert current is not None
        results: list[Measured] = [Measured({}) for _ in current.points]
        for dataset, counts in self._counts.items():
            with counts.sync_context():
                for trial in range(len(current.points)):
                    found = counts.accuracies(trial)
                    metrics = {metric_name(dataset, k): found[f"top{k}"] for k in counts.top_k}
                    results[trial] = results[trial].merge(Measured(metrics, counts.broken_rows(trial)))
        self._measured = results
        self._check_unreadable(current.split)
        for dataset, recall in self._recalls.items():
            with recall.sync_context():
                self.class_recall[dataset] = [recall.mean_recall(i) for i in range(len(current.points))]
        if current.split == "final":
            self.log_dict({name: a.value for name, a in results[-1].metrics.items() if a.n}, sync_dist=True)

    def _check_unreadable(self, split: str) -> None:
        """Images that could not be read are counted, and too many of them are an error."""
        names = list(self._unreadable)
        counts = torch.tensor([self._unreadable[name] for name in names], device=self.device)
        total = self.trainer.strategy.reduce(counts, reduce_op="sum")
        assert isinstance(total, Tensor)
        for name, count in zip(names, total.tolist(), strict=True):
            self.unreadable[f"{split}/{name}"] = count
            self.data.check_unreadable(split, name, count)

    def end_pass(self) -> list[Measured]:
        """What the pass measured, one entry per point."""
        return self._measured

    def _recall(self, dataset: str, trials: int) -> MeanClassRecall:
        classes = len(self.evaluator.prompts[self.data.classifier_of(dataset)])
        return MeanClassRecall(classes, trials).to(self.device)

    def _counter(self, dataset: str, trials: int) -> ZeroShotAccuracy:
        classes = len(self.evaluator.prompts[self.data.classifier_of(dataset)])
        kind = ForgetAccuracy if dataset == "forget" else ZeroShotAccuracy
        # Top-5 of five classes is always right and says nothing.
        return kind([k for k in (1, 5) if k < classes] or [1], trials).to(self.device)

    def forward_context(self) -> Any:
        """The trainer's precision, for forward passes outside of its steps."""
        return self.trainer.strategy.precision_plugin.val_step_context()
