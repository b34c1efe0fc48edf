"""SLUG: gradients once, one layer, one step."""

import json
import os
import time
from collections.abc import Generator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from slug_lightning import __version__
from slug_lightning.errors import NonFiniteError, PatchMismatchError, SettingError
from slug_lightning.functional import clip_loss, pair_cosine_loss
from slug_lightning.models import (
    Clip,
    candidate_layers,
    get_layer,
    text_tower,
    tower_digest,
    vision_tower,
)
from slug_lightning.search import (
    LayerScore,
    Measured,
    Pass,
    SearchSettings,
    evaluate_points,
    score_layers,
    search_plan,
)
from slug_lightning.search.candidates import check_layers, choose_candidates
from slug_lightning.unlearning.base import Unlearner
from slug_lightning.unlearning.gradients import GradientAccumulator, Gradients, Role


class SLUG(Unlearner):
    """Targeted unlearning with the single-layer gradient (SLUG, arXiv 2407.11867).

    ``fit`` runs one epoch: the forget pairs, then the retain pairs, each seen once, at the original weights.
    Gradients are taken with ``torch.autograd.grad`` for the candidate layers alone and added up in float32;
    there is no optimiser and no ``.grad``. The validation that follows is the step search.

    Args:
        model: ``miniature``, an open_clip architecture, ``local-dir:PATH`` or ``hf-hub:ORG/NAME``.
        pretrained: open_clip tag or weights file.
        include: Shell patterns of canonical layer names that may be edited.
        exclude: Preset (``default``, ``published``) or shell patterns of names that may not.
        search: How layer and step are searched.
    """

    def __init__(
        self,
        model: str = "miniature",
        pretrained: str | None = None,
        include: Sequence[str] = ("*",),
        exclude: str | list[str] = "default",
        search: SearchSettings = SearchSettings(),
    ) -> None:
        super().__init__(model, pretrained)
        self.include, self.exclude, self.search = tuple(include), exclude, search
        self.automatic_optimization = False
        self.accumulator: GradientAccumulator | None = None
        self.gradients: Gradients | None = None
        self.seconds: dict[str, float] = {}
        self.skipped: dict[str, dict[str, int]] = {}
        self._scores: list[LayerScore] | None = None
        self._started = 0.0

    def load(self) -> Clip:
        """Load the model; only candidate layers take gradients."""
        if self.clip is None:
            clip = super().load()
            names = set(candidate_layers(clip.model, self.exclude, self.include))
            for name, weight in clip.model.named_parameters():
                weight.requires_grad_(name in names)
            self.towers = vision_tower(clip.model), text_tower(clip.model)
        assert self.clip is not None
        return self.clip

    def candidates(self) -> dict[str, Tensor]:
        """Weights of the candidate layers by name, in model order."""
        return {n: w for n, w in self.network.named_parameters() if w.requires_grad}

    def configure_optimizers(self) -> None:
        """No optimiser: the weights do not move while gradients are taken."""

    def on_train_start(self) -> None:
        """Start empty sums on the device."""
        self._started = time.perf_counter()
        self.forget_gradients()
        self.accumulator = GradientAccumulator(self.candidates())
        self.skipped = {}
        self._failure: NonFiniteError | None = None

    def forget_gradients(self) -> None:
        """Start anew: what an earlier run found does not belong to the next."""
        self.gradients, self._scores, self.outcome = None, None, None

    def on_train_epoch_start(self) -> None:
        """Gradients belong to the model as it is used: no dropout."""
        self.network.eval()

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Add the gradients of one batch; at the end of a role, sum over processes."""
        assert self.accumulator is not None
        role, pairs = batch["role"], len(batch["key"])
        counts = self.skipped.setdefault(role, {})
        for reason, count in batch["skipped"].items():
            counts[reason] = counts.get(reason, 0) + count
        if pairs:
            loss = self._loss_sum(batch)
            weights = list(self.candidates().values())
            found = torch.autograd.grad(loss, weights, allow_unused=True)
            gradients = [torch.zeros_like(w) if g is None else g for w, g in zip(weights, found, strict=True)]
            first = f"{role} batch {batch_idx} (first pair {batch['key'][0]!r})"
            self._add(role, gradients, float(loss.detach()), pairs, first)
        if batch["last"]:
            self._fail_together()
            if self.trainer.world_size > 1:
                self.accumulator.reduce_(role, self._all_sum)
            self.skipped[role] = self._sum_counts(counts)
            self.data.check_skipped(role, self.skipped[role], self.accumulator.pairs[role])
        if self.trainer.is_last_batch:
            self.gradients = self.accumulator.finish(self._header())
            self.accumulator = None
            self.seconds["gradient"] = time.perf_counter() - self._started

    def _add(self, role: Role, gradients: list[Tensor], loss: float, pairs: int, batch: str) -> None:
        """With several processes an error waits for the end of the role, so that none is left waiting."""
        assert self.accumulator is not None
        try:
            self.accumulator.add(role, gradients, loss, pairs, batch)
        except NonFiniteError as error:
            if self.trainer.world_size == 1:
                raise
            self._failure = self._failure or error

    def _fail_together(self) -> None:
        for message in self._gather(str(self._failure) if self._failure else None):
            if message is not None:
                raise NonFiniteError(message)

    def _loss_sum(self, batch: dict[str, Any]) -> Tensor:
        vision, text = self.towers
        image, caption = vision(batch["image"]), text(batch["text"])
        # In bfloat16 the logits of InfoNCE would be off by half a unit.
        with torch.autocast(self.device.type, enabled=False):
            if batch["role"] == "forget":
                return pair_cosine_loss(image, caption)
            scale = self.network.logit_scale
            assert isinstance(scale, Tensor)
            return len(image) * clip_loss(image, caption, scale.exp())

    def _all_sum(self, tensor: Tensor) -> Tensor:
        total = self.trainer.strategy.reduce(tensor, reduce_op="sum")
        assert isinstance(total, Tensor)
        return total

    def _sum_counts(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Counts by reason over all processes, each of which may know other reasons."""
        gathered = self._gather(dict(counts))
        reasons = sorted({reason for part in gathered for reason in part})
        return {reason: sum(part.get(reason, 0) for part in gathered) for reason in reasons}

    def _gather(self, value: Any) -> list[Any]:
        """The value of every process."""
        if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
            return [value]
        gathered: list[Any] = [None] * torch.distributed.get_world_size()
        torch.distributed.all_gather_object(gathered, value)
        return gathered

    def _header(self) -> dict[str, str]:
        return {
            "base_model": self.load().name,
            "base_fingerprint": json.dumps(self._tower_digests()),
            "concept": self.data.concept,
            "data_digest": self.data.digest,
            "data": json.dumps(self.data.provenance(self.skipped)),
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
        if gradients.header["concept"] != concept:
            msg = (
                f"The gradients are of the concept {gradients.header['concept']!r}, but data.concept is "
                f"{concept!r}. Compute its own with slug fit."
            )
            raise SettingError(msg)
        base = gradients.header["base_model"]
        if json.loads(gradients.header["base_fingerprint"]) != self._tower_digests():
            msg = (
                f"The gradients were computed on other weights (base model {base!r}) than "
                f"{self.load().name!r}. Load that model, or compute gradients with slug fit."
            )
            raise PatchMismatchError(msg)
        missing = [name for name in self.candidates() if name not in gradients.forget]
        if missing:
            msg = (
                f"The gradients lack {len(missing)} candidate layers, first {missing[0]!r}. "
                "Narrow model.include, or compute gradients with slug fit."
            )
            raise SettingError(msg)
        self.gradients = gradients

    def check_settings(self, data: Any) -> None:
        """Refuse, before the gradient pass, what the search would refuse after it."""
        super().check_settings(data)
        if not isinstance(self.search.layers, str):
            check_layers(self.search.layers, list(self.candidates()))
        names = len(data.class_names("identities"))
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
        """With gradients: search, then measure original and winner on the final images."""
        if self.gradients is None:
            yield from super().evaluation_plan()
            return
        started = time.perf_counter()
        chosen = choose_candidates(self.layer_scores(), self.search.layers, self.search.towers)
        directions = {s.layer: self.gradients.forget[s.layer].to(self.device) for s in chosen}
        self.evaluator = self.build_evaluator(directions)
        keep = [dataset for dataset in self.datasets if dataset != "forget"]
        trace = yield from search_plan(chosen, self.search, keep)
        self.seconds["search"] = time.perf_counter() - started
        assert trace.best is not None  # there is at least one candidate, so at least one point
        points = [None, trace.best.point]
        before, after = yield from evaluate_points(points, self.datasets, "final", 2)
        self.outcome = self.final_outcome(before, after, trace)

    def direction(self, layer: str) -> Tensor:
        """Mean forget gradient of a layer, on the layer's device."""
        assert self.gradients is not None
        return self.gradients.forget[layer].to(get_layer(self.network, layer).device)
