"""``slug report RUN_DIR``: figures, page and document of a run, from its files alone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from slug_lightning.atomic import atomic_path, write_text
from slug_lightning.errors import MissingExtraError, UnwritableError
from slug_lightning.reports.audit_figures import AUDIT_FIGURES, audit_drawings
from slug_lightning.reports.contents import Contents, read_contents
from slug_lightning.reports.document.compose import compose
from slug_lightning.reports.document.pdf import render_pdf
from slug_lightning.reports.figures.host import host_figure
from slug_lightning.reports.figures.layers import layers_figure
from slug_lightning.reports.figures.png import png_bytes, svg_bytes
from slug_lightning.reports.figures.search import search_figure
from slug_lightning.reports.figures.similarity import similarity_figure
from slug_lightning.reports.figures.theme import DARK, LIGHT, Theme
from slug_lightning.reports.html import PageFigure, render_html
from slug_lightning.reports.report_file import read_report, write_report
from slug_lightning.reports.verdict import criterion

Drawing = Callable[[Theme], Figure]
_FIGURES = ("layers", "search", "similarity", "host")


@dataclass(frozen=True)
class Built:
    """Files that were written, and what could not be.

    Attributes:
        page: ``report.html``.
        document: ``report.pdf``; ``None`` if it could not be made.
        problem: Why, in one sentence.
    """

    page: Path
    document: Path | None
    problem: str | None = None


def build_report(run_dir: Path, reference: str | None = None) -> Built:
    """Write ``figures/*.png``, ``report.html`` and ``report.pdf`` of a run anew; same files, same bytes.

    Args:
        run_dir: Directory with ``report.json``, ``layers.csv``, ``search.csv`` and, if the run kept
            them, ``evidence.json``, ``audit.json``, ``forget.sha256`` and ``retain.sha256``. Of a method
            without layers, the report is enough.
        reference: What the request is called where it came from; shown in both, and kept in ``report.json``
            for the next time. An empty one is taken out of it.

    Returns:
        The files. Without Typst there is no PDF, and an older one is taken away.

    Raises:
        DataNotFoundError: If a needed file is missing.
        BadDataError: If a file breaks its contract, or two files contradict each other.
        UnwritableError: If the folder cannot be written to.
    """
    run_dir = Path(run_dir)
    if reference is not None:
        _keep_reference(run_dir / "report.json", reference.strip())
    contents = read_contents(run_dir)
    drawn = {name: _drawn(draw) for name, draw in plan_figures(contents).items()}
    vectors = {name: figure.vector for name, figure in drawn.items() if figure.vector}
    document, problem = run_dir / "report.pdf", None
    try:
        pdf = render_pdf(contents.report, compose(contents, drawn), vectors)
    except MissingExtraError as error:
        pdf, problem = None, str(error)
    with writing_to(run_dir):
        for name in (*_FIGURES, *AUDIT_FIGURES):
            _write(run_dir / "figures" / f"{name}.png", drawn[name].light if name in drawn else None)
        write_text(run_dir / "report.html", render_html(contents, drawn))
        _write(document, pdf)
    return Built(run_dir / "report.html", document if pdf else None, problem)


def _keep_reference(path: Path, reference: str) -> None:
    report = read_report(path)
    if report.get("reference", "") == reference:
        return
    others = {key: value for key, value in report.items() if key != "reference"}
    with writing_to(path.parent):
        write_report(path, {**others, "reference": reference} if reference else others)


def _drawn(draw: Drawing) -> PageFigure:
    light = draw(LIGHT)
    return PageFigure(png_bytes(light), png_bytes(draw(DARK)), svg_bytes(light))


def _write(path: Path, content: bytes | None) -> None:
    """Write a file, or take away one that was left from an earlier state of the run."""
    if content is None:
        path.unlink(missing_ok=True)
        return
    with atomic_path(path) as draft:
        draft.write_bytes(content)


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """What the system says of a folder that cannot be written to, as one sentence."""
    try:
        yield
    except OSError as error:
        raise UnwritableError(
            f"Expected to write the report into {str(folder)!r}, but: {error.strerror or error}. Make the "
            "folder writable, or copy the run and report on the copy."
        ) from None


def plan_figures(contents: Contents) -> dict[str, Drawing]:
    """The figures that there are data for (``layers``, ``search``, ``similarity``, ``host``, the audit's)."""
    report, layers, search, evidence = contents.report, contents.layers, contents.search, contents.evidence
    metric, target = criterion(report)
    before = {name: entry["before"]["value"] for name, entry in report["metrics"].items()}
    labels = report.get("labels", {})
    edited = report["layer"] if report["feasible"] else None
    drawings: dict[str, Drawing] = {}
    if layers:
        drawings["layers"] = lambda theme: layers_figure(layers, edited, theme)
    if search:
        drawings["search"] = lambda theme: search_figure(
            search, metric, target, labels=labels, baseline=before, theme=theme
        )
    similarity, host = (evidence.similarity, evidence.host) if evidence is not None else (None, None)
    concept = report["concept"]
    if host is not None:
        drawings["host"] = lambda theme: host_figure(host, concept, theme)
    if similarity is not None:
        drawings["similarity"] = lambda theme: similarity_figure(similarity, concept, theme)
    return drawings if contents.audit is None else {**drawings, **audit_drawings(contents.audit)}
