"""The audit section of the document: verdicts, figures, and what each attack found."""

from collections.abc import Mapping, Sequence
from typing import Any

from slug_lightning.reports.audit_figures import ON_HOST
from slug_lightning.reports.audit_file import CLIP
from slug_lightning.reports.audit_page import audit_view
from slug_lightning.reports.document.blocks import Block, Code, Heading, Picture, Table, Text
from slug_lightning.reports.wording import figures, percent

MOST_ROWS = 24
_PICTURES = {
    "audit_attacks": (
        "Share of the concept's final images that are recognised, with the 95 % interval. Of wordings and "
        "arithmetic, the one that finds most in the patched model. A control, a name without meaning, shows "
        "how much ends up at any name that fits nothing; a probe reads image features without any text.",
        "Share of the concept's images recognised under each attack",
    ),
    "audit_relearning": (
        "Both models are trained on with the same batches. Where the patched model's line rises before "
        "that of the model that never saw the concept, the concept was still in the weights.",
        "Forget accuracy against updates",
    ),
    "audit_confusion": (
        "What images of each row are taken for, before and after. The framed row is the concept; all "
        "other rows should look the same.",
        "Confusion of the concept and the names nearest to it",
    ),
    "audit_drift": (
        "Change of the cosine of image and caption over the retain pairs. "
        "The dashed line is the 5 % quantile.",
        "Change of the cosine of retain pairs",
    ),
}
_HOST_PICTURES = {
    "audit_attacks": (
        "Share of the host's final cases of the concept in which it is recognised, with the 95 % interval. "
        "Of wordings, the one of each kind that finds most on the patched host. A control, such as a name "
        "without meaning, shows how often the concept is found when nobody asks for it.",
        "Share of the host's cases of the concept recognised under each attack",
    ),
    "audit_relearning": (
        "Both hosts are trained on with the same batches. Where the patched host's line rises before that of "
        "the host that never saw the concept, the concept was still in the weights.",
        "What the host does of the concept against updates",
    ),
    "audit_confusion": (
        "What is recognised where each row was asked for, before and after. The framed row is the concept; "
        "the others stand in the order of their losses and should look the same.",
        "What the host does in place of the concept and of the other names",
    ),
}


def audit_blocks(document: Mapping[str, Any]) -> list[Block]:
    """The section without its heading.

    Args:
        document: A valid ``audit.json``.
    """
    view = audit_view(document)
    folders = [f"`{gold['folder']}`" for gold in (view["gold"], view["host_gold"]) if gold]
    beside = (
        f"; never saw it is a model trained without the concept ({', '.join(folders)})."
        if folders
        else ". There is no model that never saw the concept beside them: limits that need one have no value."
    )
    if view["host"]:
        beside += f" Beside the CLIP itself, {view['host']} was attacked with the patch in it."
    intro = (
        f"The patch was attacked. Original is the model before the edit, patched the model after it{beside} "
        "A verdict is a value held against a limit of the configuration; other limits give other verdicts."
    )
    blocks: list[Block] = [Text(intro), _checks(view["checks"])]
    blocks += [Picture(name, caption, alt) for name, (caption, alt) in _PICTURES.items()]
    if view["host"]:
        blocks.append(Heading(f"On the host: {view['host']}", 2))
        blocks += [Picture(ON_HOST + name, *words) for name, words in _HOST_PICTURES.items()]
    for attack in view["attacks"]:
        blocks += _attack(attack)
    return [*blocks, Text("The audit, again:"), Code(view["command"])]


def _checks(checks: Sequence[Mapping[str, Any]]) -> Table:
    rows = [
        [f"{c['label']}\n{c['what']}", _number(c["value"]), _number(c["limit"]), c["verdict"]] for c in checks
    ]
    return Table(["Limit", "Value", "At most", "Verdict"], rows, "lrrl", [1, 0, 0, 0])


def _attack(attack: Mapping[str, Any]) -> list[Block]:
    title = attack["title"] if attack["host"] == CLIP else f"{attack['title']} ({attack['host']})"
    about = [Text(f"{attack['definition']} Source: {attack['source']}", "note")]
    about += [Text(note, "note") for note in attack["notes"]]
    shown = attack["rows"][:MOST_ROWS]
    rows = [
        [f"{row['metric']}\n{row['condition']}", *(_entry(e, row) for e in row["entries"]), str(row["n"])]
        for row in shown
    ]
    columns = ["Figure", *attack["columns"], "n"]
    widths = [1, *(0 for _ in columns[1:])]
    table = Table(columns, rows, "l" + "r" * (len(columns) - 1), widths, small=True)
    left = len(attack["rows"]) - len(shown)
    more = [Text(f"{left} more rows are in `audit.json`.", "note")] if left > 0 else []
    return [Heading(title, 2), *about, table, *more]


def _entry(entry: Mapping[str, Any] | None, row: Mapping[str, Any]) -> str:
    if entry is None:
        return "\u2013"
    value, interval = entry["value"], entry.get("ci95")
    if row["is_share"]:
        span = [f"{100 * side:.1f}" for side in interval or ()]
        return "\n".join([percent(value), *([" to ".join(span)] if span else [])])
    span = [figures(side) for side in interval or ()]
    return "\n".join([figures(value, 4), *([" to ".join(span)] if span else [])])


def _number(value: float | None) -> str:
    return "\u2013" if value is None else f"{value:.3f}"
