"""The work of ``slug canvas``: draw, judge and note each target; then the table."""

import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import lightning.pytorch as pl
import torch
from torchmetrics.image.fid import FrechetInceptionDistance

from slug_lightning.atomic import write_text
from slug_lightning.canvas.data import CanvasDataModule
from slug_lightning.canvas.features import make_fid
from slug_lightning.canvas.generation import draw_answers
from slug_lightning.canvas.images import find_references, images_digest
from slug_lightning.canvas.judges import Judge, load_judge
from slug_lightning.canvas.judging import CanvasJudge, Judged
from slug_lightning.canvas.pipelines import Precision, Sampler, describe, load_pipeline
from slug_lightning.canvas.protocol import Kind, Protocol
from slug_lightning.canvas.results import Averages, TargetResult, average, cost_of
from slug_lightning.canvas.table import canvas_table
from slug_lightning.errors import DataNotFoundError, SettingError, SlugError
from slug_lightning.models.fingerprint import tensor_digest
from slug_lightning.patch import Patch
from slug_lightning.patch.copying import file_digest
from slug_lightning.reports.report_file import read_report
from slug_lightning.trainer import quiet

ORIGINAL = "original"
KINDS: tuple[Kind, ...] = ("style", "object")


@dataclass
class Canvassing:
    """Settings of ``slug canvas``; see there."""

    protocol: Protocol
    pipeline: str | None
    patches: str | None
    images: str
    references: str | None
    classifiers: dict[Kind, str]
    architecture: str
    fid: str
    original: bool
    without_patch: Literal["refuse", "original"]
    method: str
    sampler: Sampler
    precision: Precision
    device: str | None
    draw_batch: int
    batch_size: int
    num_workers: int
    out: Path
    _judged: dict[str, Judged] = field(default_factory=dict)

    def run(self, targets: Sequence[str]) -> int:
        """Measure all targets that are not measured yet, and write the table.

        Returns:
            2 if some target could not be measured, else 0.

        Raises:
            SlugError: If nothing can be measured at all.
        """
        self._check()
        _ = self._judges, self._fid_metric  # what is missing here is missing for every target
        if self._references is not None:
            find_references(self._references, self.protocol, None)
        if self.pipeline is not None:
            _ = self._pipeline
        failed: dict[str, str] = {}
        for number, target in enumerate(targets):
            with self._noted(target, failed):
                result = self._result(target)
                figures = ", ".join(f"{k} {100 * result.figures[k]:.1f}" for k in ("UA", "IRA", "CRA"))
                print(f"{number + 1} of {len(targets)}: {target}: {figures}", flush=True)
        if self.original:
            with self._noted(ORIGINAL, failed):
                self._judge(ORIGINAL, None)
        print(self._write(failed))
        return 2 if failed else 0

    @contextmanager
    def _noted(self, target: str, failed: dict[str, str]) -> Iterator[None]:
        """What goes wrong with one target, whatever it is, is written down; the others go on."""
        try:
            yield
        except Exception as error:
            failed[target] = (
                str(error) if isinstance(error, SlugError) else f"{type(error).__name__}: {error}"
            )
            print(f"slug: {target}: {failed[target]}", file=sys.stderr, flush=True)

    def _check(self) -> None:
        if self.patches is not None and self.pipeline is None:
            raise SettingError(
                "Expected --pipeline with --patches: they are applied to it. Name the pipeline."
            )
        if self.pipeline is not None and self.patches is None:
            raise SettingError(
                "Expected --patches with --pipeline, e.g. 'runs/{target}/*/patch.safetensors'."
            )
        if self.patches is not None and "{target}" not in self.patches:
            raise SettingError(f"Expected --patches to hold {{target}} but got {self.patches!r}.")
        if self.fid != "none" and self.references is None:
            raise SettingError("Expected --references with --fid: the folder of the data set, or --fid none.")
        if "{target}" not in self.images:
            raise SettingError(f"Expected --images to hold {{target}} but got {self.images!r}.")
        if self.without_patch == "original" and not self.original:
            raise SettingError(
                "Expected --original true with --without_patch original: its images are needed."
            )

    @cached_property
    def _judges(self) -> dict[Kind, Judge]:
        return {
            kind: load_judge(kind, self.classifiers[kind], self.protocol, self.architecture) for kind in KINDS
        }

    @cached_property
    def _fid_metric(self) -> FrechetInceptionDistance | None:
        return make_fid(self.fid)

    @cached_property
    def _pipeline(self) -> tuple[Any, dict[str, Any]]:
        assert self.pipeline is not None
        device = self.device or ("cuda" if torch.cuda.is_available() else "cpu")
        pipeline = load_pipeline(self.pipeline, device, self.precision, self.sampler)
        return pipeline, describe(pipeline, None)

    @cached_property
    def _references(self) -> Path | None:
        if self.fid == "none" or self.references is None:
            return None
        if self.references != "miniature":
            return Path(self.references)
        from slug_lightning.miniature.diffusion.references import write_references

        return write_references(self.out / "references", self.protocol.references)

    @cached_property
    def _setting(self) -> str:
        """Digest of what looks at the images, and of what is asked."""
        judges = [judge.model.state_dict() for judge in self._judges.values()]
        eyes = [tensor_digest(value) for state in judges for value in state.values()]
        fid = file_digest(Path(self.fid)) if Path(self.fid).is_file() else self.fid  # wherever the file lies
        return _digest([asdict(self.protocol), eyes, fid])

    @property
    def _row(self) -> str:
        """The same, and of whom: results of two methods do not belong in one mean."""
        return _digest([self._setting, self.method])

    def _result(self, target: str) -> TargetResult:
        patch = self._patch(target) if self.pipeline is not None else None
        patched = patch is not None or self.pipeline is None
        judged = self._judge(target if patched else ORIGINAL, patch, target)
        cost = None if patch is None else _cost_beside(patch)
        result = TargetResult.of(target, self.protocol, judged, patched, cost, self._row)
        result.save(self._result_file(target))
        return result

    def _patch(self, target: str) -> Path | None:
        assert self.patches is not None
        pattern = self.patches.replace("{target}", target)
        root = Path("/") if pattern.startswith("/") else Path()
        found = sorted(root.glob(pattern.lstrip("/")), key=lambda path: path.stat().st_mtime_ns)
        if found:
            return found[-1]
        if self.without_patch == "original":
            return None
        raise DataNotFoundError(
            f"Expected a patch for {target!r} at {pattern!r} but there is none. Make it with slug fit or "
            "slug sweep, or count the original model's figures with --without_patch original."
        )

    def _result_file(self, target: str) -> Path:
        return self.out / "results" / f"{target}.json"

    def _judge(self, name: str, patch: Path | None, target: str | None = None) -> Judged:
        """Counts of one folder of images; of the original model they serve every target."""
        folder = Path(self.images.replace("{out}", str(self.out)).replace("{target}", name))
        if self.pipeline is not None and name not in self._judged:
            self._draw(folder, name, patch)
        without = None if name == ORIGINAL else target
        data = CanvasDataModule(
            self.protocol,
            folder,
            without,
            self._references,
            self._judges["style"].preprocess,
            self.batch_size,
            self.num_workers,
        )
        if name not in self._judged:
            key = self._key(data, without)
            counts = self.out / "counts" / f"{name}.json"
            known = Judged.load(counts, key)
            if known is None:
                known = self._look(data, without)
                known.save(counts, key)
            self._judged = {k: v for k, v in self._judged.items() if k == ORIGINAL} | {name: known}
        return self._judged[name]

    def _draw(self, folder: Path, name: str, patch: Path | None) -> None:
        pipeline, about = self._pipeline
        if patch is not None:
            about = {**about, "patch": hashlib.sha256(patch.read_bytes()).hexdigest()}
        with nullcontext() if patch is None else Patch.load(patch).applied(pipeline):
            drawn = draw_answers(pipeline, self.protocol, folder, about, self.draw_batch)
        if drawn.new:
            print(f"{name}: {drawn.new:,} images drawn, {drawn.kept:,} were there", flush=True)

    def _look(self, data: CanvasDataModule, target: str | None) -> Judged:
        fid = self._fid_metric
        if fid is not None:
            fid.reset()
        module = CanvasJudge(self.protocol, self._judges["style"], self._judges["object"], target, fid)
        device = torch.device(self.device or ("cuda" if torch.cuda.is_available() else "cpu"))
        with quiet():
            trainer = pl.Trainer(
                accelerator={"cuda": "gpu"}.get(device.type, device.type),
                devices=1 if device.index is None else [device.index],
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                use_distributed_sampler=False,
            )
            trainer.test(module, datamodule=data, verbose=False)
        assert module.judged is not None
        return module.judged

    def _key(self, data: CanvasDataModule, target: str | None) -> str:
        content = {
            "target": target,
            "answers": images_digest(data.answers),
            "references": images_digest(data.references),
            "setting": self._setting,
        }
        return _digest(content)

    def _write(self, failed: dict[str, str]) -> str:
        """The table of all results that are there, also those of other machines."""
        measured = [target for target in self.protocol.targets if target not in failed]
        found = [TargetResult.load(self._result_file(target)) for target in measured]
        results = [result for result in found if result is not None and result.setting == self._row]
        rows: list[tuple[str, Averages]] = [(self.method, average(results))]
        if ORIGINAL in self._judged:
            judged = self._judged[ORIGINAL]
            names = [result.target for result in results] or list(self.protocol.targets)
            before = [TargetResult.of(name, self.protocol, judged, True, None, self._row) for name in names]
            rows.insert(0, ("before unlearning", average(before)))
        table = canvas_table(rows, self.protocol)
        document = {
            "format_version": 1,
            "protocol": self.protocol.name,
            "rows": {name: asdict(found) for name, found in rows},
            "targets": [asdict(result) for result in results],
            "failed": failed,
        }
        write_text(self.out / "canvas.json", json.dumps(document, indent=1, allow_nan=False) + "\n")
        write_text(self.out / "canvas.md", table)
        return f"{table}\n{self.out / 'canvas.md'}"


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _cost_beside(patch: Path) -> Any:
    report = patch.parent / "report.json"
    return cost_of(read_report(report)) if report.is_file() else None
