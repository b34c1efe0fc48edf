"""The model card of a patched model: what was removed, how, with which figures, and how to undo it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from slug_lightning.patch.patch import Patch
from slug_lightning.reports.report_file import Measurement, metric_rows, read_report
from slug_lightning.reports.wording import percent

TAGS = ("slug_lightning", "machine-unlearning")
REPORT_FILE = "report.json"
_FRONT = re.compile(r"\A---\s*\n.*?\n---\s*\n", re.DOTALL)
_HUB_ID = re.compile(r"^[\w.-]+/[\w.-]+$")


def figures_beside(patch_file: Path, patch: Patch) -> Mapping[str, Any] | None:
    """The report of the run that made a patch, if it lies beside the patch and is of this very edit.

    Raises:
        BadDataError: If there is a report that cannot be read.
    """
    path = patch_file.parent / REPORT_FILE
    if not path.is_file():
        return None
    report = read_report(path)
    same = (report["concept"], report["layer"], report["step"]) == (
        patch.header["concept"],
        patch.layer,
        patch.step,
    )
    return report if same else None


def model_card(
    patch: Patch,
    base: str,
    usage: str,
    figures: Mapping[str, Any] | None = None,
    forced: Sequence[str] = (),
    left_out: Sequence[str] = (),
    base_card: str = "",
    where: str = "",
    library: str = "",
) -> str:
    """Text of ``README.md``.

    Args:
        patch: The patch.
        base: The model that was patched: an ID on the Hub, or what else it is called.
        usage: How to load the patched model, as code.
        figures: Report of the run that made the patch.
        forced: What ``--force`` has overridden.
        left_out: Weights that were not carried over.
        base_card: The base model's own card; its data (licence, language) are kept, its text follows.
        where: The component of the pipeline that was edited.
        library: What loads the model, as the Hub calls it.
    """
    concept = _inline(patch.header["concept"])
    layer = f"`{patch.layer}` of `{where}`" if where else f"`{patch.layer}`"
    parts = [
        _front_matter(base_card, base, library),
        f"# {_inline(base)} without {concept}\n",
        f"One update of layer {layer} ({patch.tower} tower, step {patch.step:g}) was added by slug_lightning "
        f"{patch.header['package_version']} to remove the concept {concept}. The patch was made on "
        f"{_inline(patch.header['base_model'])}. This is not a proof that nothing of the concept is left.\n",
        *([_forced(forced)] if forced else []),
        _figures(figures),
        *([_left_out(left_out)] if left_out else []),
        f"```python\n{usage}\n```\n",
        "`slug revert --model THIS_FOLDER --out DIR` puts the old bytes back from `slug_undo/`, "
        "which therefore holds what was removed: leave that folder out where the model is published.\n",
    ]
    own_text = _FRONT.sub("", base_card).strip()
    if own_text:
        parts.append(f"---\n\nThe card of the model before the patch:\n\n{own_text}\n")
    return "\n".join(parts)


def _front_matter(base_card: str, base: str, library: str) -> str:
    from huggingface_hub import ModelCardData

    data = _card_data(base_card)
    data["tags"] = [*dict.fromkeys([*_strings(data.get("tags")), *TAGS])]
    if library:
        data.setdefault("library_name", library)
    if _HUB_ID.match(base):
        data["base_model"] = base
    return f"---\n{ModelCardData(**data).to_yaml()}\n---\n"


def _card_data(text: str) -> dict[str, Any]:
    from huggingface_hub import ModelCard

    try:
        data: dict[str, Any] = ModelCard(text).data.to_dict() if _FRONT.match(text) else {}  # type: ignore[no-untyped-call]
    except Exception:  # a card that the Hub would refuse: its text is kept, its data cannot be
        return {}
    # Results of the base model are not those of the patched one.
    return {
        key: value for key, value in data.items() if key not in ("model-index", "model_name", "eval_results")
    }


def _strings(value: object) -> Iterable[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _inline(text: str) -> str:
    """One line of code, whatever the text holds."""
    return "`" + " ".join(text.replace("`", "'").split()) + "`"


def _forced(sentences: Sequence[str]) -> str:
    lines = "\n".join(f"- {sentence}" for sentence in sentences)
    return f"**Applied with `--force`: the figures below, if any, are of another model.**\n\n{lines}\n"


def _figures(report: Mapping[str, Any] | None) -> str:
    if report is None:
        return "No report of the run lay beside the patch: figures are not known here.\n"
    lines = ["| ↓ low, ↑ high is good | before | after | n |", "|---|--:|--:|--:|"]
    for row in metric_rows(report):
        arrow = "↓" if row.lower_is_better else "↑"
        label = " ".join(row.label.replace("|", "/").split())
        lines.append(f"| {arrow} {label} | {_share(row.before)} | {_share(row.after)} | {row.before.n} |")
    note = "Zero-shot figures of the CLIP that the patch was made on, with 95 % intervals:\n\n"
    return note + "\n".join(lines) + "\n"


def _share(measured: Measurement | None) -> str:
    if measured is None:
        return "not edited"
    return f"{percent(measured.value)} [{100 * measured.low:.1f}, {100 * measured.high:.1f}]"


def _left_out(names: Sequence[str]) -> str:
    listed = ", ".join(f"`{name}`" for name in names)
    return f"Not carried over, because these files hold the weights without the patch: {listed}.\n"
