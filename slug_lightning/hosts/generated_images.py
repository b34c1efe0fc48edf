"""What a text-to-image pipeline generates, judged by classifiers: is the concept gone, is the rest there?"""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from slug_lightning.data.prompts import templates
from slug_lightning.data.wordings import other_names, sentences
from slug_lightning.errors import ModelNotFoundError, SettingError
from slug_lightning.hosts.host_attacks import Confusion, HostAttacks, Rewording
from slug_lightning.hosts.host_metric import FORGET, Example, Split
from slug_lightning.hosts.image_cases import Case, PromptTable
from slug_lightning.hosts.judges import ImageJudge
from slug_lightning.metrics import Accuracy

_MOST_NAMES = 10  # rows and columns of the examples
_MISSPELLINGS, _CONTROLS = 8, 5  # of the wordings that an audit tries


@dataclass(frozen=True)
class ImageCounts:
    """How many images are generated for each point.

    Attributes:
        forget: Of the concept.
        retained: Of everything else, together.
    """

    forget: int
    retained: int


@dataclass(frozen=True)
class Sampling:
    """How images are generated.

    Attributes:
        steps: Denoising steps.
        guidance: Scale of the classifier-free guidance.
        batch_size: Images at once.
        dtype: Of the pipeline's weights.
    """

    steps: int = 30
    guidance: float = 7.5
    batch_size: int = 8
    dtype: Literal["float32", "float16", "bfloat16"] = "float32"


@dataclass(frozen=True)
class _Seen:
    """Cases with their images and what the judges recognised: positions in the names, by field."""

    cases: list[Case]
    images: Tensor
    found: Mapping[str, Tensor]
    broken: Tensor


class GeneratedImages(HostAttacks):
    """Recognised shares of the images of a diffusers pipeline.

    ``forget`` is the share of images with the concept in the prompt in which its judge names it; for each
    field of the template there is a retained share over the images without it. Every point, the original
    included, gets the same prompts with the same noise; the final images have noise of their own. An image
    with NaN counts against the edit in every figure.

    Args:
        pipeline: Folder of ``save_pretrained``, or ID on the Hub.
        template: Prompt with a field in braces for each key of ``names``, e.g. ``a {style} of a {digit}``.
        names: All names of each field; the concept is one of them.
        judges: For each field the model that recognises its names.
        search: Images per point while the step is searched; retained ones only at feasible points.
        final: Images of the final figures.
        sampling: Steps, guidance and batch size.
        seed: Of prompts' order and noise.
        per_wording: Images of an audit for each other wording of the prompt.
        other_names: Further names of concepts that an audit tries, by concept: nicknames, other languages.
        wordings: Further sentences with ``{}``. The search asks for the concept in the template and in these
            in turn, so that the step hides it in all of them; final figures are of the template alone.
    """

    def __init__(
        self,
        pipeline: str,
        template: str,
        names: dict[str, list[str]],
        judges: dict[str, ImageJudge],
        search: ImageCounts = ImageCounts(20, 60),
        final: ImageCounts = ImageCounts(100, 200),
        sampling: Sampling = Sampling(),
        seed: int = 0,
        per_wording: int = 20,
        other_names: dict[str, list[str]] | None = None,
        wordings: list[str] | None = None,
    ) -> None:
        self.prompts = PromptTable(template, names)
        if set(judges) != set(names):
            msg = f"Expected a judge for each of {sorted(names)}, but got judges for {sorted(judges)}."
            raise SettingError(msg)
        if min(search.forget, search.retained, final.forget, final.retained, per_wording) < 1 or seed < 0:
            msg = (
                "Expected at least one image of each kind and a seed of at least 0, but got "
                f"{search}, {final}, {per_wording} for each wording, and {seed}."
            )
            raise SettingError(msg)
        self.pipeline, self.judges, self.sampling, self.seed = pipeline, judges, sampling, seed
        self.counts: dict[Split, ImageCounts] = {"search": search, "final": final}
        self.per_wording, self.other_names = per_wording, other_names or {}
        self.wordings = templates(wordings) if wordings else ()
        self.host: Any = None
        self._last: list[_Seen] = []
        self._own = ""

    def load(self) -> Any:
        """The pipeline; loaded at the first call."""
        if self.host is None:
            self.host = self.open()
            self.host.set_progress_bar_config(disable=True)
            if getattr(self.host, "safety_checker", None) is not None:
                self.host.safety_checker = None  # an image that it blacks out would count as forgotten
        return self.host

    def open(self) -> Any:
        """Read the pipeline from its folder or the Hub.

        Raises:
            ModelNotFoundError: If it is not there.
        """
        from diffusers import DiffusionPipeline

        kind: Any = DiffusionPipeline
        try:
            return kind.from_pretrained(self.pipeline).to(getattr(torch, self.sampling.dtype))
        except (OSError, ValueError) as error:
            msg = (
                f"Expected a diffusers pipeline in {self.pipeline!r} (pipeline of model.host_metric, or "
                f"--host_gold), but got none ({str(error).splitlines()[0]}). Give a folder with "
                "model_index.json, or an ID."
            )
            raise ModelNotFoundError(msg) from error

    def retained(self, concept: str) -> list[str]:
        """The fields of the template: the concept's own, without the concept, and the others."""
        own = self.prompts.field_of(concept)
        alone = len(self.prompts.names[own]) == 1
        return [] if alone else list(self.prompts.names)

    def measure(self, concept: str, names: Sequence[str], split: Split) -> dict[str, Accuracy]:
        """Generate and count; see ``HostMetric``."""
        own, figures = self.prompts.field_of(concept), {}
        self._last, self._own = [], own
        if FORGET in names:
            seen = self._look(self._own_cases(concept, split))
            self._last.append(seen)
            hits = self._hits(seen, own) | seen.broken
            figures[FORGET] = Accuracy(int(hits.sum()), len(hits))
        if rest := [name for name in names if name != FORGET]:
            seen = self._look(
                self.prompts.cases(concept, False, self.counts[split].retained, split, self.seed)
            )
            self._last.append(seen)
            for field in rest:
                hits = self._hits(seen, field) & ~seen.broken
                figures[field] = Accuracy(int(hits.sum()), len(hits))
        return figures

    def _own_cases(self, concept: str, split: Split) -> list[Case]:
        """Images of the concept; in the search each sentence has its turn."""
        said = self.wordings if split == "search" else ()
        return self.prompts.cases(concept, True, self.counts[split].forget, split, self.seed, said)

    def gold(self, folder: Path) -> "GeneratedImages":
        """Another pipeline, asked for the same with the same noise; see ``HostAttacks``."""
        other = copy(self)
        other.pipeline, other.host, other._last = str(folder), None, []
        other.load()
        return other

    def rewordings(self, concept: str) -> list[Rewording]:
        """Other sentences, then other names in the usual prompt, those without a meaning last."""
        ways = [Rewording("template", text, text.replace("{}", concept)) for text in sentences(concept)]
        further = {f"name {i}": name for i, name in enumerate(self.other_names.get(concept, []), start=1)}
        names = other_names(concept, _MISSPELLINGS, _CONTROLS, further)
        return ways + [Rewording(other.kind, other.label, other.name) for other in names]

    def reworded(self, concept: str, wordings: Sequence[Rewording]) -> list[Accuracy]:
        """Recognised in the first ``per_wording`` final images, with their noise, in other words."""
        own = self.prompts.field_of(concept)
        count = min(self.per_wording, self.counts["final"].forget)
        cases = self.prompts.cases(concept, True, count, "final", self.seed)
        asked = [replace(case, prompt=self._said(way, case, own)) for way in wordings for case in cases]
        if not asked:
            return []
        seen = self._look(asked)
        hits = (self._hits(seen, own) | seen.broken).view(len(wordings), count)
        return [Accuracy(int(row.sum()), count) for row in hits]

    def _said(self, way: Rewording, case: Case, own: str) -> str:
        """The whole prompt in a template; otherwise the usual one with another name in it."""
        whole = way.kind == "template"
        return way.text if whole else self.prompts.template.format(**{**case.shown, own: way.text})

    def confusion(self, concept: str) -> Confusion:
        """What the judge of the concept's field names in the final images."""
        own = self.prompts.field_of(concept)
        names, counts = list(self.prompts.names[own]), self.counts["final"]
        table = torch.zeros(len(names), len(names) + 1, dtype=torch.long)
        for of_concept, count in ((True, counts.forget), (False, counts.retained)):
            cases = self.prompts.cases(concept, of_concept, count, "final", self.seed)
            if not cases:
                continue
            seen = self._look(cases)
            wanted = torch.tensor([names.index(case.shown[own]) for case in cases])
            given = seen.found[own].masked_fill(seen.broken, len(names))
            table.index_put_((wanted, given), torch.ones_like(wanted), accumulate=True)
        return Confusion(names, table)

    def labels(self, concept: str) -> dict[str, str]:
        """Words for the report."""
        own = self.prompts.field_of(concept)
        words = {field: f"generated images, {field}" for field in self.prompts.names}
        return words | {
            FORGET: "generated images, concept recognised",
            own: f"generated images, {own} other than the concept",
        }

    def account(self) -> dict[str, Any]:
        """Everything that the images depend on."""
        return {
            "host": type(self.host).__name__,
            "pipeline": self.pipeline,
            "template": self.prompts.template,
            "names": {field: list(names) for field, names in self.prompts.names.items()},
            "judges": {field: type(judge).__name__ for field, judge in self.judges.items()},
            "scheduler": type(getattr(self.host, "scheduler", None)).__name__,
            "sampling": asdict(self.sampling),
            "images": {split: asdict(counts) for split, counts in self.counts.items()},
            "seed": self.seed,
            "per_wording": self.per_wording,
            "wordings": list(self.wordings),
        }

    def examples(self) -> list[Example]:
        """The first image of each combination of the first two fields, ten names of each at most."""
        fields = list(self.prompts.names)
        rows, columns = self._shown(fields[0]), self._shown(fields[1]) if len(fields) > 1 else [""]
        cells: dict[tuple[str, str], Example] = {}
        for seen in self._last:
            hits = self._hits(seen, self._own)
            for i, case in enumerate(seen.cases):
                row, column = case.shown[fields[0]], case.shown[fields[1]] if len(fields) > 1 else ""
                said = self.prompts.names[self._own][int(seen.found[self._own][i])]
                cells.setdefault(
                    (row, column), Example(row, column, seen.images[i].cpu(), said, bool(hits[i]))
                )
        return [cells[row, column] for row in rows for column in columns if (row, column) in cells]

    def _shown(self, field: str) -> Sequence[str]:
        """Names of a field, the one that was asked for most among them."""
        names = self.prompts.names[field]
        asked = [case.shown[field] for seen in self._last[:1] for case in seen.cases]
        first = [name for name in names if name in asked][:_MOST_NAMES]
        return [
            n
            for n in names
            if n in {*first, *[m for m in names if m not in first][: _MOST_NAMES - len(first)]}
        ]

    def _look(self, cases: list[Case]) -> _Seen:
        size = self.sampling.batch_size
        images = torch.cat([self._generate(cases[i : i + size]) for i in range(0, len(cases), size)])
        broken = ~images.isfinite().flatten(1).all(dim=1)
        pixels = images.nan_to_num(0.0, 1.0, 0.0)
        found = {
            field: self.judges[field].recognise(pixels, names).cpu()
            for field, names in self.prompts.names.items()
        }
        return _Seen(cases, pixels, found, broken.cpu())

    @torch.no_grad()
    def _generate(self, cases: Sequence[Case]) -> Tensor:
        made = self.load()(
            [case.prompt for case in cases],
            generator=[torch.Generator().manual_seed(case.seed) for case in cases],
            num_inference_steps=self.sampling.steps,
            guidance_scale=self.sampling.guidance,
            output_type="pt",
        )
        images: Tensor = made.images
        return images.float()

    def _hits(self, seen: _Seen, field: str) -> Tensor:
        names = list(self.prompts.names[field])
        wanted = torch.tensor([names.index(case.shown[field]) for case in seen.cases])
        return seen.found[field] == wanted
