"""What TensorBoard shows of a run: closing figures, the search, pictures, and a row in HPARAMS."""

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
from lightning.pytorch.loggers import TensorBoardLogger
from numpy.typing import NDArray
from PIL import Image

from slug_lightning.reports.evidence import Evidence, Sample, read_evidence
from slug_lightning.reports.figures.theme import LIGHT, fonts, new_figure
from slug_lightning.reports.verdict import verdict
from slug_lightning.reports.wording import percent, shorten
from slug_lightning.search import Point, Trace

COLUMNS = 4


def show_search(logger: Any, trace: Trace) -> None:
    """One x for each evaluated point, in the order of the search."""
    for probe in trace.probes:
        values = {f"search/{name}": a.value for name, a in probe.measured.metrics.items() if a.n}
        place = {"step": probe.point.step} if isinstance(probe.point, Point) else probe.point.values
        values |= {f"search/{name}": value for name, value in place.items()}
        values |= {"search/relative_step": probe.relative_step}
        logger.log_metrics({**values, "search/feasible": float(probe.feasible)}, step=probe.number)


def show_result(
    logger: TensorBoardLogger, trainer: pl.Trainer, module: Any, report: Mapping[str, Any]
) -> None:
    """The closing figures, before the edit at x 0 and after it at x 1, and the run's row in HPARAMS."""
    for x, side in enumerate(("before", "after")):
        values = {f"final/{name}": e[side]["value"] for name, e in report["metrics"].items() if e.get(side)}
        if values:
            logger.log_metrics(values, step=x)
    _hparams(logger, settings_of(trainer, module, report), result_of(report))
    logger.experiment.add_text("result", verdict(report), 0)


def settings_of(trainer: Any, module: Any, report: Mapping[str, Any]) -> dict[str, Any]:
    """What runs differ in: plain values for the HPARAMS tab."""
    search = getattr(module, "search", None)
    return {
        "concept": report["concept"],
        "base_model": report["base_model"],
        "layer": report["layer"] or "none",
        "tower": report["tower"] or "none",
        "step": float(report["step"] or 0.0),
        "forget_loss": getattr(module, "forget_loss", ""),
        "direction": getattr(module, "update_direction", ""),
        "criterion": getattr(search, "criterion", ""),
        "forget_target": float(getattr(search, "forget_target", 0.0)),
        "forget_pairs": report["data"]["forget"]["pairs"],
        "retain_pairs": report["data"]["retain"]["pairs"],
        "precision": str(trainer.precision),
        "seed": str(report["seed"]),
    }


def result_of(report: Mapping[str, Any]) -> dict[str, float]:
    """Figures of the HPARAMS tab: after the edit, or of the original where nothing was edited."""
    values = {
        f"final/{name}": (e.get("after") or e["before"])["value"] for name, e in report["metrics"].items()
    }
    return {**values, "final/feasible": float(report["feasible"])}


def _hparams(logger: TensorBoardLogger, settings: dict[str, Any], result: dict[str, float]) -> None:
    """As ``log_hyperparams(settings, result)`` does, but without its scalars at x 0: those are of before."""
    from torch.utils.tensorboard.summary import hparams

    logger.log_metrics({"final/feasible": result["final/feasible"]}, step=1)
    writer = logger.experiment._get_file_writer()
    for summary in hparams(settings, result):  # type: ignore[no-untyped-call]
        writer.add_summary(summary)


def show_pictures(logger: TensorBoardLogger, folder: Path) -> None:
    """Figures of the report, and grids of sample images with what they are recognised as."""
    for path in sorted((folder / "figures").glob("*.png")):
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
        logger.experiment.add_image(f"figures/{path.stem}", pixels, 0, dataformats="HWC")
    evidence: Evidence = read_evidence(folder / "evidence.json")
    for role in ("forget", "retain"):
        samples = [sample for sample in evidence.samples if sample.role == role]
        if samples:
            logger.experiment.add_image(f"samples/{role}", image_grid(samples), 0, dataformats="HWC")


def image_grid(samples: Sequence[Sample]) -> NDArray[np.uint8]:
    """Images side by side, each with its true name and what it is taken for before and after.

    Args:
        samples: At least one.

    Returns:
        Pixels ``(H, W, 3)``.
    """
    rows = -(-len(samples) // COLUMNS)
    figure = new_figure(2.4 * COLUMNS, 2.7 * rows, LIGHT)
    for number, sample in enumerate(samples):
        axes = figure.add_axes(_place(number, rows))
        axes.axis("off")
        axes.imshow(_pixels(sample.image))
        lines = [(sample.truth, "bold"), (_first("before", sample.before), "normal")]
        for line, (text, weight) in enumerate([*lines, (_first("after", sample.after), "normal")]):
            right = line == 0 or (sample.before, sample.after)[line - 1][0][0] == sample.truth
            color = LIGHT.ink if right else LIGHT.forget[0]
            axes.text(
                0.5, -0.06 - 0.12 * line, shorten(text, 30), color=color, fontweight=weight, fontsize=8,
                ha="center", va="top", transform=axes.transAxes, fontfamily=fonts(), parse_math=False,
            )  # fmt: skip
    draft = io.BytesIO()
    figure.savefig(draft, format="png", dpi=100)
    with Image.open(draft) as image:
        return np.asarray(image.convert("RGB"))


def _place(number: int, rows: int) -> tuple[float, float, float, float]:
    """Left, bottom, width and height of an image in the figure, with room for three lines below it."""
    row, column = divmod(number, COLUMNS)
    width, height = 1 / COLUMNS, 1 / rows
    return column * width + 0.1 * width, 1 - (row + 1) * height + 0.3 * height, 0.8 * width, 0.65 * height


def _first(side: str, ranking: Sequence[tuple[str, float]]) -> str:
    return f"{side}: {ranking[0][0]} {percent(ranking[0][1])}"


def _pixels(uri: str) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as image:
        return np.asarray(image.convert("RGB"))
