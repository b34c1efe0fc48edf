"""The deletion report from first to last page, as blocks."""

from collections.abc import Collection

from slug_lightning.reports.audit import audit_blocks
from slug_lightning.reports.contents import Contents
from slug_lightning.reports.document import sections
from slug_lightning.reports.document.blocks import (
    Block,
    Bullets,
    Card,
    Cards,
    Facts,
    Heading,
    Picture,
    Table,
    Text,
)
from slug_lightning.reports.document.provenance import provenance
from slug_lightning.reports.evidence import Sample
from slug_lightning.reports.limits import limits
from slug_lightning.reports.report_file import metric_label
from slug_lightning.reports.tables import SearchRow
from slug_lightning.reports.wording import figures, percent, settings_text, short_layer

MOST_LAYERS = 60


def compose(contents: Contents, drawn: Collection[str]) -> list[Block]:
    """All blocks of the document in order.

    Args:
        contents: Files of the run.
        drawn: Names of the figures that there are.
    """
    chapters: list[tuple[str, list[Block]]] = [
        ("Result", sections.summary(contents)),
        ("Request", sections.request(contents)),
        ("What was changed", sections.change(contents)),
        ("Figures before and after", sections.measured(contents)),
        ("Audit", _audit(contents)),
        ("What this does not show", [Bullets(limits(contents.report, contents.audit is not None))]),
        ("Data used", provenance(contents)),
        ("How layer and step were chosen", _choice(contents, drawn)),
        ("On the host", _host(contents, drawn)),
        ("What it looks like", _looks(contents, drawn)),
        ("How to repeat and check it", sections.repeat(contents)),
        ("Cost", sections.cost(contents)),
        ("Environment", sections.environment(contents)),
        ("Files of the run", sections.files(contents)),
        ("All layers", _layers(contents)),
        ("All evaluated points", _points(contents)),
    ]
    return [block for title, blocks in chapters if blocks for block in (Heading(title), *blocks)]


def _audit(contents: Contents) -> list[Block]:
    if contents.audit is None:
        return [
            Text(
                "This run was not audited: no attack on the forgetting (quantisation, relearning, other "
                "wordings, membership inference) was measured."
            )
        ]
    return audit_blocks(contents.audit)


def _choice(contents: Contents, drawn: Collection[str]) -> list[Block]:
    if not contents.layers:
        return []
    ringed = " The ringed layer was edited." if contents.report["feasible"] else ""
    blocks: list[Block] = [
        Picture(
            "layers",
            "Each mark is a layer. Further right, the layer matters more to the concept (gradient of the "
            "forget loss against the size of the weights); further down, changing it along that gradient "
            "interferes less with what must be kept. The steps join each tower's Pareto front: no layer "
            f"of that tower is both further right and further down.{ringed} In names, v3 is block 3 of "
            "the vision tower, t3 of the text tower.",
            "Importance against alignment of every layer",
        )
    ]
    if "search" not in drawn:
        return [*blocks, Text("No step was evaluated.")]
    rings = "Rings mark the chosen point." if contents.report["feasible"] else "No point met it."
    caption = (
        "One panel for each searched layer, best first; every mark is a measured point. The concept "
        "should fall (orange) while the rest stays near its dashed line, the value before the edit. "
        f"Shaded: the nearest measured step meets the criterion, whose target is the dotted line. {rings}"
    )
    return [*blocks, Picture("search", caption, "Accuracies against step for each searched layer")]


def _host(contents: Contents, drawn: Collection[str]) -> list[Block]:
    """What the host did, where the search was steered by that."""
    blocks: list[Block] = []
    if "host" in drawn:
        caption = (
            "The same prompts or questions before and after, with random numbers or inputs that the search "
            "did not use. A frame: the judge did not recognise what was asked for. Framed after the edit "
            "should be the images of the concept, in bold, and no others."
        )
        blocks.append(Picture("host", caption, "What the host did before and after"))
    account = contents.report.get("host")
    if account:
        said = "The step was searched by what the host does, not by the accuracy of its CLIP."
        blocks += [Text(said), Facts([(name, str(value)) for name, value in account.items()])]
    return blocks


def _looks(contents: Contents, drawn: Collection[str]) -> list[Block]:
    if contents.evidence is None:
        return [Text("Left out: this run kept no `evidence.json`.")]
    blocks: list[Block] = []
    similarity = contents.evidence.similarity
    if "similarity" in drawn and similarity is not None:
        caption = (
            f"Cosine of each row ({similarity.rows}) with each column ({similarity.columns}), before and "
            "after, on one colour scale. The framed row and column are the concept: where they cross, the "
            "cosine should fall; everywhere else, the two pictures should look the same."
        )
        blocks.append(Picture("similarity", caption, "Cosine similarities before and after"))
    for role, title in (("forget", "Images of the concept"), ("retain", "Images of other things")):
        samples = [sample for sample in contents.evidence.samples if sample.role == role]
        if samples:
            blocks += [Heading(title, 2), Cards([_card(sample) for sample in samples])]
    if contents.evidence.samples:
        note = (
            "What the model takes each image for, with its scores; the true name is in bold. "
            "Samples illustrate; the table of figures counts."
        )
        blocks.append(Text(note, "note"))
    return blocks


def _card(sample: Sample) -> Card:
    before, after = (
        [(name, percent(share)) for name, share in side] for side in (sample.before, sample.after)
    )
    return Card(sample.image, sample.truth, sample.dataset, before, after, sample.truth)


def _layers(contents: Contents) -> list[Block]:
    """Front first; the rest by importance, as far as a reader wants to turn pages."""
    if not contents.layers:
        return []
    order = sorted(contents.layers, key=lambda row: (not row.front, row.tower, -row.importance))
    edited = contents.report["layer"] if contents.report["feasible"] else None
    shown = order[:MOST_LAYERS]
    rows = [
        [f"`{r.layer}`", r.tower, figures(r.importance), figures(r.alignment), "yes" if r.front else ""]
        for r in shown
    ]
    columns = ["Layer", "Tower", "Importance", "Alignment", "Front"]
    strong = [number for number, row in enumerate(shown) if row.layer == edited]
    blocks: list[Block] = [Table(columns, rows, "llrrl", [1, 0, 0, 0, 0], strong, small=True)]
    if len(order) > len(shown):
        more = f"{len(order) - len(shown)} more are in `layers.csv`."
        blocks.append(Text(more, "note"))
    return blocks


def _points(contents: Contents) -> list[Block]:
    names = list(dict.fromkeys(name for row in contents.search for name in row.metrics))
    if not contents.search:
        return _trials(contents)
    labels = contents.report.get("labels", {})
    columns = ["Layer", "Step", "Relative", *(metric_label(name, labels) for name in names), "Feasible"]
    rows = [
        [
            *(f"`{short_layer(row.layer, row.tower)}`", figures(row.step), figures(row.relative_step)),
            *(_share(row, name) for name in names),
            "chosen" if row.chosen else "yes" if row.feasible else "",
        ]
        for row in contents.search
    ]
    strong = [number for number, row in enumerate(contents.search) if row.chosen]
    align = "l" + "r" * (len(columns) - 2) + "l"
    widths = [0, 0, 0, *(1 for _ in names), 0]
    return [Table(columns, rows, align, widths, strong, small=True)]


def _trials(contents: Contents) -> list[Block]:
    """What a method with hyper-parameters tried."""
    trials = [probe for probe in contents.report["search"] if "settings" in probe]
    if not trials:
        return []
    labels = contents.report.get("labels", {})
    names = list(dict.fromkeys(name for trial in trials for name in trial if "/" in name))
    rows = [[settings_text(trial["settings"]), *(_of(trial.get(name)) for name in names)] for trial in trials]
    columns = ["Setting", *(metric_label(name, labels) for name in names)]
    return [Table(columns, rows, "l" + "r" * len(names), [2, *(1 for _ in names)], small=True)]


def _of(value: float | None) -> str:
    return "\u2013" if value is None else percent(value)


def _share(row: SearchRow, name: str) -> str:
    return _of(row.metrics.get(name))
