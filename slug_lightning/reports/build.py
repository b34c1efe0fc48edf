"""``slug report RUN_DIR``: figures and page of a run, from its files alone."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from slug_lightning.atomic import atomic_path, write_text
from slug_lightning.errors import BadDataError, closest
from slug_lightning.reports.audit_figures import AUDIT_FIGURES, audit_drawings
from slug_lightning.reports.audit_file import read_audit
from slug_lightning.reports.evidence import Evidence, read_evidence
from slug_lightning.reports.figures.host import host_figure
from slug_lightning.reports.figures.layers import layers_figure
from slug_lightning.reports.figures.png import png_bytes
from slug_lightning.reports.figures.search import search_figure
from slug_lightning.reports.figures.similarity import similarity_figure
from slug_lightning.reports.figures.theme import DARK, LIGHT, Theme
from slug_lightning.reports.html import PageFigure, render_html
from slug_lightning.reports.report_file import read_report
from slug_lightning.reports.tables import LayerRow, SearchRow, read_layers, read_search
from slug_lightning.reports.verdict import criterion

_FIGURES = ("layers", "search", "similarity", "host")


def build_report(run_dir: Path) -> Path:
    """Write ``figures/*.png`` and ``report.html`` of a run anew; the same files give the same bytes.

    Args:
        run_dir: Directory with ``report.json``, ``layers.csv``, ``search.csv`` and, if the run kept
            it, ``evidence.json``; ``audit.json``, if it was audited; of a method without layers, the report is
            enough.

    Returns:
        Path of ``report.html``.

    Raises:
        DataNotFoundError: If a needed file is missing.
        BadDataError: If a file breaks its contract, or two files contradict each other.
    """
    run_dir = Path(run_dir)
    report = read_report(run_dir / "report.json")
    one_layer = "grid" not in report  # the trials of other methods stand in the report
    layers = read_layers(run_dir / "layers.csv") if one_layer else []
    search = read_search(run_dir / "search.csv") if one_layer else []
    kept = run_dir / "evidence.json"
    evidence = read_evidence(kept) if kept.exists() else None
    audited = run_dir / "audit.json"
    audit = read_audit(audited) if audited.exists() else None
    if one_layer:
        _check_agreement(report, layers, search)
    figures = draw_figures(report, layers, search, evidence)
    if audit is not None:
        figures |= {name: _drawn(draw) for name, draw in audit_drawings(audit).items()}
    for name in (*_FIGURES, *AUDIT_FIGURES):
        path = run_dir / "figures" / f"{name}.png"
        if name not in figures:
            path.unlink(missing_ok=True)  # left from an earlier state of the run
            continue
        with atomic_path(path) as draft:
            draft.write_bytes(figures[name].light)
    page = run_dir / "report.html"
    write_text(page, render_html(report, layers, search, evidence, figures, audit))
    return page


def draw_figures(
    report: Mapping[str, Any],
    layers: Sequence[LayerRow],
    search: Sequence[SearchRow],
    evidence: Evidence | None,
) -> dict[str, PageFigure]:
    """The figures that there are data for: ``layers``, ``search``, ``similarity``, ``host``."""
    metric, target = criterion(report)
    before = {name: entry["before"]["value"] for name, entry in report["metrics"].items()}
    labels = report.get("labels", {})
    edited = report["layer"] if report["feasible"] else None

    def search_drawing(theme: Theme) -> Figure:
        return search_figure(search, metric, target, labels=labels, baseline=before, theme=theme)

    drawings: dict[str, Callable[[Theme], Figure]] = {}
    if layers:
        drawings["layers"] = lambda theme: layers_figure(layers, edited, theme)
    if search:
        drawings["search"] = search_drawing
    similarity, host = (evidence.similarity, evidence.host) if evidence is not None else (None, None)
    concept = report["concept"]
    if host is not None:
        drawings["host"] = lambda theme: host_figure(host, concept, theme)
    if similarity is not None:
        drawings["similarity"] = lambda theme: similarity_figure(similarity, concept, theme)
    return {name: _drawn(draw) for name, draw in drawings.items()}


def _drawn(draw: Callable[[Theme], Figure]) -> PageFigure:
    return PageFigure(light=png_bytes(draw(LIGHT)), dark=png_bytes(draw(DARK)))


def _check_agreement(
    report: Mapping[str, Any], layers: Sequence[LayerRow], search: Sequence[SearchRow]
) -> None:
    """Refuse files of different runs: the edited layer must be scored and, if any is, chosen."""
    if not report["feasible"]:
        return
    layer, known = report["layer"], [row.layer for row in layers]
    if layer not in known:
        raise BadDataError(
            f"Layer {layer!r} of report.json is not in layers.csv ({len(known)} layers); are the files "
            f"of one run? Closest: {closest(layer, known)}."
        )
    chosen = next((row.layer for row in search if row.chosen), layer)
    if chosen != layer:
        raise BadDataError(
            f"Expected search.csv to choose {layer!r} as report.json does, but got {chosen!r}; are the "
            "files of one run?"
        )
