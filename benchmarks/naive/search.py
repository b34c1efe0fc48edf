"""A search that copies the model and evaluates everything at every step."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader

from benchmarks.measuring import Meter
from benchmarks.setting import Setting
from slug_lightning.data.labelled import LabelledImages
from slug_lightning.metrics import Accuracy
from slug_lightning.models import Clip
from slug_lightning.search import LayerScore, Measured, Point, Probe, SearchSettings, Trace
from slug_lightning.search.plan import choose, is_feasible
from slug_lightning.search.schedule import StepSchedule


class Evaluation:
    """Everything that is measured of a model, the plain way.

    Args:
        clip: Original model with its preprocessing.
        setting: The data.
        meter: Told what is being done.
    """

    def __init__(self, clip: Clip, setting: Setting, meter: Meter) -> None:
        self.clip, self.meter, self.batch = clip, meter, setting.eval_batch
        people = setting.people("search", clip.preprocess)
        concept = people.label_of(setting.concept)
        self.classes = setting.classes("search", clip.preprocess)
        self.people = {"forget": people.only(concept), "identities": people.without(concept)}
        self.name_prompts = setting.prompts(people, "identity")
        self.class_prompts = setting.prompts(self.classes, setting.templates)

    @torch.no_grad()
    def measure(self, model: Any) -> Measured:
        """All classifiers anew, all class images in batches, all people one by one."""
        self.meter.enter("prompts")
        names = self._classifier(model, self.name_prompts)
        classes = self._classifier(model, self.class_prompts)
        metrics: dict[str, Accuracy] = {}
        broken = 0
        for name, images in self.people.items():
            found, bad = self._accuracy(model, images, names, 1)
            prefix = "forget/" if name == "forget" else "retain/identities_"
            metrics |= {f"{prefix}{k}": accuracy for k, accuracy in found.items()}
            broken += bad
        found, bad = self._accuracy(model, self.classes, classes, self.batch)
        metrics |= {f"retain/imagenet_{k}": accuracy for k, accuracy in found.items()}
        return Measured(metrics, broken + bad)

    def _classifier(self, model: Any, prompts: Sequence[Sequence[str]], at_once: int = 10) -> Tensor:
        """Class embeddings ``(C, D)``, ten classes at once, all tokens."""
        heads: list[Tensor] = []
        for start in range(0, len(prompts), at_once):
            rows = prompts[start : start + at_once]
            tokens = self.clip.tokenize([text for row in rows for text in row])
            embeddings = F.normalize(model.encode_text(tokens), dim=-1)
            heads.append(
                F.normalize(embeddings.reshape(len(rows), -1, embeddings.shape[-1]).mean(dim=1), dim=-1)
            )
        return torch.cat(heads)

    def _accuracy(
        self, model: Any, images: LabelledImages, classifier: Tensor, batch: int
    ) -> tuple[dict[str, Accuracy], int]:
        """Top-1 and top-5 hits, and the number of images without a finite score."""
        ranks = [k for k in (1, 5) if k < len(classifier)] or [1]
        hits, broken, kind = dict.fromkeys(ranks, 0), 0, "images" if batch > 1 else "people"
        self.meter.enter("reading")
        for item in DataLoader(images, batch_size=batch):
            self.meter.enter(kind)
            scores = F.normalize(model.encode_image(item["image"]), dim=-1) @ classifier.T
            fine = scores.isfinite().all(dim=1)
            broken += int((~fine).sum())
            for k in ranks:
                correct = (scores.topk(k, dim=1).indices == item["label"][:, None]).any(dim=1)
                hits[k] += int((correct & fine).sum())
            self.meter.enter("reading")
        return {f"top{k}": Accuracy(n, len(images)) for k, n in hits.items()}, broken


def search(
    clip: Clip,
    setting: Setting,
    candidates: Sequence[LayerScore],
    directions: Mapping[str, Tensor],
    settings: SearchSettings,
    meter: Meter,
) -> Trace:
    """Layer by layer, step by step.

    Args:
        clip: The model; it is left as it was.
        setting: The data.
        candidates: Layers to search.
        directions: Forget gradients by layer.
        settings: Schedule and rule of choice; ``measure`` has no meaning here.
        meter: Told what is being done.

    Returns:
        Every point with all its figures, and the chosen one.
    """
    evaluation = Evaluation(clip, setting, meter)
    full = evaluation.measure(clip.model)
    before = Measured({name: a for name, a in full.metrics.items() if name.startswith("retain/")}, 0)
    probes: list[Probe] = []
    for score in candidates:
        schedule = StepSchedule(settings.start * score.unit_step, settings.evaluations)
        while (step := schedule.step) is not None:
            meter.enter("copying")
            model = copy.deepcopy(clip.model)
            with torch.no_grad():
                model.get_parameter(score.layer).add_(step * directions[score.layer])
            measured = evaluation.measure(model)
            feasible = is_feasible(measured, settings)
            schedule.tell(feasible=feasible)
            point = Point(score.layer, step)
            probes.append(Probe(len(probes), point, step / score.unit_step, measured, feasible))
    return Trace(before, tuple(probes), choose(before, probes, settings))
