"""SLUG: gradients once, one layer, one step."""

import hashlib
import json
import os
import time
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch import Tensor

from slug_lightning import __version__
from slug_lightning.errors import SettingError
from slug_lightning.hosts import Example, HostMetric, HostName
from slug_lightning.hosts.reading import Reading, host_reading, keep_read
from slug_lightning.models import (
    Clip,
    candidate_layers,
    get_layer,
    tower_digest,
)
from slug_lightning.patch import Patch, WholePatch
from slug_lightning.search import (
    LayerScore,
    Measured,
    Pass,
    SearchSettings,
    Trace,
    evaluate_points,
    score_layers,
    search_plan,
)
from slug_lightning.search.candidates import check_layers, choose_candidates
from slug_lightning.unlearning.earlier import Earlier, Found, look_back, share
from slug_lightning.unlearning.forget_loss import FORGET_LOSSES, ForgetLoss, ForgetLossName, encode_captions
from slug_lightning.unlearning.gradient_pass import GradientPass
from slug_lightning.unlearning.gradient_paths import (
    HOST_LOSS,
    PATHS,
    GradientPaths,
    HostLoss,
    tower_of_path,
)
from slug_lightning.unlearning.gradients import ROLES, Gradients, Role
from slug_lightning.unlearning.host_search import HostSearch, check_host_settings
from slug_lightning.unlearning.moments import DIRECTIONS, DirectionName, Moments
from slug_lightning.unlearning.pair_losses import PairLosses
from slug_lightning.unlearning.processes import Processes
from slug_lightning.unlearning.progress import progress_file
from slug_lightning.unlearning.saved_gradients import check_saved

GRADIENT_VERSION = 4  # raise it when the same settings give other gradients


class SLUG(PairLosses):
    """Targeted unlearning with the single-layer gradient (SLUG, arXiv 2407.11867).

    ``fit`` runs one epoch: the forget pairs, then the retain pairs, each seen once, at the original weights.
    Gradients are taken with ``torch.autograd.grad`` for the candidate layers alone and added up in float32;
    there is no optimiser and no ``.grad``. The validation that follows is the step search.

    Args:
        model: ``miniature``, an open_clip architecture, ``local-dir:PATH`` or ``hf-hub:ORG/NAME``.
        pretrained: open_clip tag or weights file.
        include: Shell patterns of canonical layer names that may be edited.
        exclude: Preset (``default``, ``published``) or shell patterns of names that may not.
        host: Where the patch is to be used: only layers that this host reads are candidates.
        search: How layer and step are searched.
        reuse_gradients: Take gradients of the same model, data and settings from a finished run beside this
            one, and go on with the pass of a killed one.
        save_every: Write the progress of the pass after so many groups, unless that would take more than a
            twentieth of the time.
        forget_loss: ``cosine`` (the paper): one minus the cosine of image and caption. ``contrast``: log-odds
            of the caption among those of retain pairs; see ``contrast_loss``.
        contrast_captions: Captions of retain pairs that ``contrast`` draws.
        direction: Of the update: ``gradient`` (the paper) of the forget loss, or ``retain_aware``: weighed
            against retain gradients of all batches, see ``functional.retain_aware``. That takes a few times
            the memory of the candidate layers, and a killed pass begins anew.
        gradient_through: ``all`` (the paper). ``patch_tokens``: both gradients reach the embedding by way of
            the patch tokens that a LLaVA reads, see ``models.class_token``. ``host``: gradients of the
            host's own losses, by the ``loss`` of ``host_metric``; captions and ``forget_loss`` are not used.
        host_metric: Search by what a host does in place of the CLIP's accuracy: a ``HostMetric``, such as
            ``slug_lightning.hosts.GeneratedImages`` or a class of your own. Only layers that this host reads
            are candidates. The final figures say both.
    """

    method = "slug"

    def __init__(
        self,
        model: str = "miniature",
        pretrained: str | None = None,
        include: Sequence[str] = ("*",),
        exclude: str | list[str] = "default",
        search: SearchSettings = SearchSettings(),
        reuse_gradients: bool = True,
        save_every: int = 100,
        host: HostName | None = None,
        forget_loss: ForgetLossName = "cosine",
        contrast_captions: int = 1024,
        direction: DirectionName = "gradient",
        gradient_through: GradientPaths = "all",
        host_metric: HostMetric | None = None,
    ) -> None:
        super().__init__(model, pretrained)
        self.wordings, self.margin = tuple(search.wordings), search.margin
        if save_every < 1:
            raise SettingError(f"Expected model.save_every to be at least 1 group, but got {save_every}.")
        if contrast_captions < 1:
            raise SettingError(
                f"Expected model.contrast_captions to be at least 1 caption, but got {contrast_captions}."
            )
        self.forget_loss, self.contrast_captions = forget_loss, contrast_captions
        self.update_direction: DirectionName = direction
        self.include, self.exclude, self.search = tuple(include), exclude, search
        self.host, self.host_metric, self.gradient_through = host, host_metric, gradient_through
        if host_metric is not None and search.criterion != "top5":
            self.search = replace(search, criterion="host")
        self.on_host: HostSearch | None = None
        self.reuse_gradients, self.save_every = reuse_gradients, save_every
        self.automatic_optimization = False
        self.gradients: Gradients | None = None
        self.gradients_from: Path | None = None  # file of an earlier run that they were taken from
        self.retain_from: Path | None = None  # the same, if only the retain part was taken
        self.seconds: dict[str, float] = {}
        self._gradient_pass: GradientPass | None = None
        self._scores: list[LayerScore] | None = None
        self._started = 0.0
        self._host_loss: HostLoss | None = None

    def load(self) -> Clip:
        """Load the model; only candidate layers take gradients."""
        if self.clip is None:
            clip = super().load()
            names = set(candidate_layers(clip.model, self.exclude, self.include))
            if self.host is not None:
                names = set(keep_read(self.host, names, [name for name, _ in clip.model.named_parameters()]))
            if self.host_metric is not None:
                self.on_host = HostSearch(self.host_metric, clip, names)
                names = set(self.on_host.layers)
            for name, weight in clip.model.named_parameters():
                weight.requires_grad_(name in names)
            vision, blocks = tower_of_path(self.gradient_through, clip.model, self._reading)
            self.towers = vision, self.towers[1]
            if self.gradient_through == "host":
                self._host_loss = HostLoss(self._checked_metric(), vision, blocks)
        assert self.clip is not None
        return self.clip

    @property
    def _reading(self) -> Reading | None:
        if self.on_host is not None:
            return self.on_host.evaluator.reading
        return None if self.host is None else host_reading(self.host)

    def _checked_metric(self) -> HostMetric:
        if self.host_metric is None:
            raise SettingError(
                "Expected a model.host_metric for model.gradient_through host, but got none. Name one, or "
                "take gradients through patch_tokens, which needs no host."
            )
        return self.host_metric

    def candidates(self) -> dict[str, Tensor]:
        """Weights of the candidate layers by name, in model order."""
        return {n: w for n, w in self.network.named_parameters() if w.requires_grad}

    def configure_optimizers(self) -> None:
        """No optimiser: the weights do not move while gradients are taken."""

    def setup(self, stage: str) -> None:
        """Load the model; before a gradient pass, look for what an earlier run has done of it."""
        super().setup(stage)
        if stage != "fit":
            return
        self.forget_gradients()
        self.processes = Processes(self.trainer.strategy)
        self._fingerprint = self._tower_digests()
        self._key, self._retain_key = self._content_key(*ROLES), self._content_key("retain")
        found: Found = (None, None, None)
        if self.reuse_gradients:
            retain = "" if self._weighs_batches else self._retain_key  # files do not hold moments
            found = look_back(self._runs, self._key, retain, self.data.groups, self.processes)
        self._earlier = share(found, self.candidates(), self.processes)
        self.gradients = self._earlier.gradients
        both = self.gradients is not None
        self.gradients_from = self._earlier.source if both else None
        self.retain_from = None if both else self._earlier.source
        self.first_groups: dict[Role, int] = dict(self._earlier.groups or {})
        if self._earlier.retain is not None:
            self.first_groups["retain"] = self.data.groups["retain"]
        if both:
            self.first_groups = dict(self.data.groups)

    @property
    def _weighs_batches(self) -> bool:
        return self.update_direction == "retain_aware"

    @property
    def _runs(self) -> Path:
        folder: Path = self.trainer.run_dir.parent  # type: ignore[attr-defined]
        return folder

    @property
    def _progress_file(self) -> Path:
        return progress_file(self._runs, self._key)

    def _content_key(self, *roles: Role) -> str:
        """SHA-256 over all that the gradients of these roles depend on."""
        content: dict[str, Any] = {
            "method": GRADIENT_VERSION,
            "base_model": self.load().name,
            "base_fingerprint": self._fingerprint,
            "layers": list(self.candidates()),
            "precision": str(self.trainer.precision),
            "data": {role: self.data.pair_settings(role) for role in roles},
        }
        # The key of the paper's loss stays what it was.
        if self.gradient_through != "all":
            content["through"] = self.gradient_through
        if self._host_loss is not None:
            content["host"] = [self.data.concept, json.dumps(self._host_loss.metric.account(), default=str)]
        if "forget" in roles and self.forget_loss == "contrast":
            captions = [self.contrast_captions, self.data.sample_seed]
            content["contrast"] = {"drawn": captions, "retain": self.data.pair_settings("retain")}
        if "forget" in roles and self._weighs_batches:
            content["direction"] = [self.update_direction, self.data.groups_per_batch["retain"]]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def on_train_start(self) -> None:
        """Start the sums on the device, empty or where an earlier run was ended."""
        self._started = time.perf_counter()
        self._gradient_pass = None
        if self.gradients is None:
            if self.on_host is not None:
                self.on_host.to(self.device)
            self._forget_loss = self._make_forget_loss()
            retain = self._earlier.retain
            self._gradient_pass = GradientPass(
                self.candidates(),
                self.processes,
                self._earlier.progress,
                self.first_groups,
                self.data.groups,
                self._runs,
                {} if retain is None else {"retain": retain},
                Moments() if self._weighs_batches else None,
            )
        self._earlier = Earlier()

    def _make_forget_loss(self) -> ForgetLoss:
        """On every process from the same captions, at the original weights."""
        if self.forget_loss == "cosine" or self._host_loss is not None:
            return ForgetLoss()
        self.network.eval()
        tokens = self.data.retained_texts(self.contrast_captions).to(self.device)
        return ForgetLoss(encode_captions(self.towers[1], tokens))

    def forget_gradients(self) -> None:
        """Start anew: what an earlier run found does not belong to the next."""
        self.gradients, self.gradients_from, self.retain_from = None, None, None
        self._scores, self.outcome = None, None

    def on_train_epoch_start(self) -> None:
        """Gradients belong to the model as it is used: no dropout."""
        self.network.eval()

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Add the gradients of one batch; at the end of a role, sum over processes."""
        if self._gradient_pass is None:  # the gradients were there already
            return
        role, pairs = batch["role"], len(batch["key"])
        if pairs:
            first = f"{role} batch {batch_idx} (first pair {batch['key'][0]!r})"
            self._gradient_pass.add(role, self.loss_sum(batch), pairs, first, self._loss_scale)
        self._gradient_pass.advance(role, batch["groups"], batch["skipped"])
        if batch["last"]:
            self._gradient_pass.finish_role(role)
            self.data.check_skipped(
                role, self._gradient_pass.skipped[role], self._gradient_pass.accumulator.pairs[role]
            )
        if self.trainer.is_last_batch:
            self.gradients = self._gradient_pass.finish(self._header())
            self._gradient_pass = None
            self.seconds["gradient"] = time.perf_counter() - self._started

    def on_train_batch_end(self, *args: Any) -> None:
        """Write the progress now and then, and before the scheduler ends the run."""
        if self.gradients is not None:
            if self.processes.first:  # they are in the run's folder by now
                self._progress_file.unlink(missing_ok=True)
            return
        assert self._gradient_pass is not None
        saves = self.reuse_gradients and not self._weighs_batches
        due = saves and self.processes.first and self._gradient_pass.is_due(self.save_every)
        stop, due = self.processes.any(self.trainer.received_sigterm, due)
        if due or (stop and saves):
            self._gradient_pass.write(self._progress_file, self._key)
        if stop:
            raise SIGTERMException

    @property
    def _loss_scale(self) -> float:
        """Float16 has no numbers below 6e-8, where small gradients are; a power of two changes no digit."""
        return 1024.0 if self.trainer.precision == "16-mixed" else 1.0

    def loss_sum(self, batch: dict[str, Any]) -> Tensor:
        """The loss of a batch of one role, summed over its pairs."""
        if self._host_loss is not None:
            return self._host_loss(self.data.concept, batch["role"], batch["image"])
        return super().loss_sum(batch)

    def _header(self) -> dict[str, str]:
        assert self._gradient_pass is not None
        return {
            "key": self._key,
            "retain_key": self._retain_key,
            "base_model": self.load().name,
            "base_fingerprint": json.dumps(self._fingerprint),
            "concept": self.data.concept,
            "forget_loss": FORGET_LOSSES[self.forget_loss] if self._host_loss is None else HOST_LOSS,
            "direction": DIRECTIONS[self.update_direction] + PATHS[self.gradient_through],
            "data_digest": self.data.digest,
            "data": json.dumps(self.data.provenance(self._gradient_pass.skipped)),
            "seed": os.environ.get("PL_GLOBAL_SEED", "unset"),
            "package_version": __version__,
        }

    def _tower_digests(self) -> dict[str, str]:
        return {tower: tower_digest(self.network, tower) for tower in ("vision", "text")}

    def use_gradients(self, gradients: Gradients, concept: str) -> None:
        """Search again with saved gradients instead of computing them.

        Args:
            gradients: Of an earlier run.
            concept: What is to be forgotten now; must be what the gradients are of.

        Raises:
            PatchMismatchError: If they were computed on other weights.
            SettingError: If they lack a candidate layer or belong to another concept.
        """
        self.load()
        self.forget_gradients()
        check_saved(gradients, concept, self.load().name, self._tower_digests(), list(self.candidates()))
        self.gradients = gradients

    def check_settings(self, data: Any) -> None:
        """Refuse, before the gradient pass, what the search would refuse after it."""
        super().check_settings(data)
        if not isinstance(self.search.layers, str):
            check_layers(self.search.layers, list(self.candidates()))
        names = len(data.class_names(data.concept_in))
        check_host_settings(self.host_metric, self.search, data.concept)
        if self.search.criterion == "top5" and names <= 5:
            raise SettingError(f"Expected more than 5 names for search.criterion top5, but got {names}.")

    def layer_scores(self) -> list[LayerScore]:
        """Importance, alignment and front of all candidate layers; needs the gradients."""
        assert self.gradients is not None
        if self._scores is None:
            # Norms are taken in float64, which Apple's GPUs do not have.
            device = torch.device("cpu") if self.device.type == "mps" else self.device
            weights = {name: weight.detach().to(device) for name, weight in self.candidates().items()}
            forget = {name: self.gradients.forget[name].to(device) for name in weights}
            retain = {name: self.gradients.retain[name].to(device) for name in weights}
            self._scores = score_layers(forget, retain, weights)
        return self._scores

    def evaluation_plan(self) -> Generator[Pass, list[Measured], None]:
        """With gradients: search, then measure original and winner on the final images; else measure."""
        if self.gradients is None:
            yield from super().evaluation_plan()
            assert self.outcome is not None
            (before,) = self._with_host([self.outcome.before], [None])
            self.outcome = replace(self.outcome, before=before)
            return
        started = time.perf_counter()
        trace = yield from self._search()
        self.seconds["search"] = time.perf_counter() - started
        assert trace.best is not None  # there is at least one candidate, so at least one point
        points = [None, trace.best.point]
        before, after = yield from evaluate_points(points, self.datasets("final"), "final", 2)
        before, after = self._with_host([before, after], points)
        self.outcome = self.final_outcome(before, after, trace)

    def _search(self) -> Generator[Pass, list[Measured], Trace]:
        """Find the best point: on the search images, or on the host."""
        assert self.gradients is not None
        chosen = choose_candidates(self.layer_scores(), self.search.layers, self.search.towers)
        directions = {s.layer: self.gradients.direction(s.layer).to(self.device) for s in chosen}
        self.evaluator = self.build_evaluator(directions)
        if self.on_host is not None:
            self.on_host.to(self.device)
            return self.on_host.search(
                chosen, self.search, directions, self.data.concept, Processes(self.trainer.strategy)
            )
        keep = [dataset for dataset in self.datasets("search") if dataset != "forget"]
        keep.sort(key=lambda dataset: len(self.data.sets["search", dataset]))  # many points lose on the first
        return (yield from search_plan(chosen, self.search, keep))

    def _with_host(self, measured: list[Measured], points: Sequence[Any]) -> list[Measured]:
        """Final figures of the CLIP with those of the host, if there is one."""
        if self.on_host is None:
            return measured
        self.on_host.to(self.device)
        processes = Processes(self.trainer.strategy)
        host = self.on_host.final(points, self.data.concept, processes)
        return [own.merge(its) for own, its in zip(measured, host, strict=True)]

    @property
    def host_examples(self) -> list[tuple[Example, ...]]:
        """What the host did in the final pass, by point: before, after."""
        return [] if self.on_host is None else self.on_host.examples

    def with_patches(self, patches: Sequence[Patch | WholePatch]) -> AbstractContextManager[None]:
        """The host with the patches that the model has."""
        return nullcontext() if self.on_host is None else self.on_host.patched(patches)

    def direction(self, layer: str) -> Tensor:
        """Direction of the update of a layer, on the layer's device."""
        assert self.gradients is not None
        return self.gradients.direction(layer).to(get_layer(self.network, layer).device)
