"""The sections of the deletion report that follow from ``report.json`` alone."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from slug_lightning.reports.contents import Contents
from slug_lightning.reports.document.blocks import Block, Code, Facts, Row, Table, Text
from slug_lightning.reports.report_file import Measurement, metric_label, metric_rows
from slug_lightning.reports.verdict import criterion, is_met, remarks, verdict
from slug_lightning.reports.wording import data_size, figures, percent, points, seconds, settings_text


def summary(contents: Contents) -> list[Block]:
    """The verdict and what has to be said beside it."""
    report = contents.report
    told = [Text(sentence) for sentence in remarks(report)]
    return [Text(verdict(report), "met" if is_met(report) else "unmet"), *told]


def request(contents: Contents) -> list[Block]:
    """What was asked of which model, and what counts as forgotten."""
    report = contents.report
    metric, target = criterion(report)
    where = report.get("criterion", {}).get("measured_on", "")
    counts = f"{metric_label(metric, report.get('labels', {}))} at or below {percent(target)}"
    slug = ": one update of one layer, along the gradient of the forget loss"
    rows: list[Row] = [
        ("Concept", report["concept"]),
        ("Model", report["base_model"]),
        ("Method", report["method"] + (slug if report["method"] == "slug" else "")),
        ("Criterion", counts + (f" (measured on: {where})" if where else "")),
    ]
    if contents.reference:
        rows.insert(0, ("Reference", contents.reference))
    rows += [(title, str(report[key])) for title, key in _ABOUT if report.get(key) is not None]
    return [Facts(rows)]


_ABOUT = (("Created", "created"), ("Run", "run"), ("Seed", "seed"))


def change(contents: Contents) -> list[Block]:
    """What was changed in the model, as far as the report says it."""
    report = contents.report
    if not report["feasible"]:
        return [
            Text(
                "Nothing. No evaluated step met the criterion: there is no patch, and the model is as it was."
            )
        ]
    facts = Facts([*change_facts(report), *_patch_facts(contents)])
    if "settings" in report:
        return [facts]
    return [
        facts,
        Text(
            "The patch holds the whole update of this one layer; no other weight differs. "
            "`slug revert`, or leaving the patch away, gives the model back bit for bit."
        ),
    ]


def change_facts(report: Mapping[str, Any]) -> list[Row]:
    """Layer, step, sizes and fingerprints before and after."""
    if "settings" in report:
        return [
            ("Layers", "many: every parameter that the method moves"),
            ("Setting", settings_text(report["settings"])),
        ]
    rows: list[Row] = [
        ("Layer", f"`{report['layer']}`"),
        ("Tower", report["tower"]),
        ("Step", figures(report["step"], 4)),
    ]
    change = report.get("change")
    if not change:
        return rows
    update, weight = change["update_norm"], change["weight_norm"]
    relative = f", {percent(update / weight)} of the weight's {figures(weight, 4)}" if weight else ""
    rows += [
        ("Shape", " x ".join(map(str, change["shape"]))),
        ("Size", f"norm of the update {figures(update, 4)}{relative}"),
    ]
    other = "vision" if report["tower"] == "text" else "text"
    before, after = change["fingerprint"]["before"], change["fingerprint"]["after"]
    for key, title in (("layer", "Layer"), ("tower", f"{report['tower']} tower".capitalize())):
        rows += [(f"{title} before", f"`{before[key]}`"), (f"{title} after", f"`{after[key]}`")]
    same = before["other_tower"] == after["other_tower"]
    said = f"`{before['other_tower']}`, the same before and after" if same else "changed"
    return [*rows, (f"{other.capitalize()} tower", said)]


def _patch_facts(contents: Contents) -> list[Row]:
    said, found = contents.report.get("patch"), contents.file("patch.safetensors")
    if not said:
        return []
    state = "checked when this report was made" if found else "not in the folder when this report was made"
    return [
        ("Patch", f"`{said['file']}`, {data_size(said['bytes'])} ({state})"),
        ("Patch SHA-256", f"`{said['sha256']}`"),
    ]


def measured(contents: Contents) -> list[Block]:
    """All figures with intervals."""
    rows = []
    for row in metric_rows(contents.report):
        change = points(row.after.value - row.before.value) if row.after else "\u2013"
        direction = "low is good" if row.lower_is_better else "high is good"
        counts = {str(side.n) for side in (row.before, row.after) if side}
        label = f"{row.label} ({direction})"
        rows.append([label, " and ".join(sorted(counts)), _cell(row.before), _cell(row.after), change])
    columns = ["Metric", "Images", "Before", "After", "Change"]
    note = (
        "Shares of the evaluated images with their 95 % intervals (Wilson); "
        "the change is in percentage points."
    )
    return [Table(columns, rows, "lrrrr", [1, 0, 0, 0, 0]), Text(note, "note")]


def _cell(side: Measurement | None) -> str:
    if side is None:
        return "not edited"
    return f"{percent(side.value)}\n{100 * side.low:.1f} to {100 * side.high:.1f}"


_LONGEST_COMMAND = 2000  # characters


def repeat(contents: Contents) -> list[Block]:
    """Commands that make the run, and those that check it, again."""
    report = contents.report
    blocks: list[Block] = _again(report["command"])
    roles = [role for role, shards in contents.shards.items() if shards]
    lines = [f"(cd {role.upper()}_SHARDS && sha256sum --check RUN/{role}.sha256)" for role in roles]
    if report["feasible"] and report.get("patch"):
        patch = f"RUN/{shlex.quote(report['patch']['file'])}"
        lines += [f"slug inspect {patch}", f"slug validate --config RUN/config.yaml --patch {patch}"]
    if lines:
        told = (
            "What this report says. RUN is the folder of this run, ..._SHARDS that of its shards; paths in "
            "config.yaml are as they were given, so start where the run was started:"
        )
        blocks += [Text(told), Code("\n".join(lines))]
    return blocks


def _again(command: str) -> list[Block]:
    """The command, or one that reads the run's own settings: a sweep's names the people of all requests."""
    if len(command) <= _LONGEST_COMMAND and "--data.left_out" not in command:
        return [Text("The run, with the same data:"), Code(command)]
    told = (
        "The run, with the same data and the settings in its folder, RUN (its own command is in report.json):"
    )
    return [Text(told), Code("slug fit --config RUN/config.yaml")]


def cost(contents: Contents) -> list[Block]:
    """Time, memory and device."""
    efficiency = contents.report["efficiency"]
    earlier, retain = efficiency.get("gradients_from"), efficiency.get("retain_gradients_from")
    gradients = f"of run {earlier}" if earlier else seconds(efficiency["gradient_seconds"])
    if retain and not earlier:
        gradients += f", retain pairs of run {retain}"
    peak, patch = efficiency["peak_memory_bytes"], efficiency["patch_bytes"]
    rows = [
        ("Gradients", gradients),
        ("Search", seconds(efficiency["search_seconds"])),
        ("Peak memory", "not measured" if peak is None else data_size(peak)),
        ("Patch", "none" if patch is None else data_size(patch)),
        ("Device", efficiency["device"]),
    ]
    return [Facts(rows)]


def environment(contents: Contents) -> list[Block]:
    """Versions and settings that figures may depend on."""
    entries = contents.report["environment"].items()
    return [Facts([(name, v if isinstance(v, str) else json.dumps(v)) for name, v in entries])]


def files(contents: Contents) -> list[Block]:
    """The files of the run with their digests."""
    rows = [[f"`{file.name}`", data_size(file.size), f"`{file.sha256}`"] for file in contents.files]
    return [Table(["File", "Size", "SHA-256"], rows, "lrl", [0, 0, 1], small=True)]
