"""Where the data came from: pairs, shards, manifests, and the images behind each figure."""

from collections.abc import Mapping
from typing import Any

from slug_lightning.reports.contents import Contents
from slug_lightning.reports.document.blocks import Block, Bullets, Facts, Heading, Table, Text

MOST_SHARDS, MOST_PROBLEMS = 12, 20


def provenance(contents: Contents) -> list[Block]:
    """What the gradients and the figures rest on, without a heading."""
    report = contents.report
    blocks: list[Block] = [
        Table(
            columns=["Role", "Pairs", "Skipped", "Digest of the shards (SHA-256)"],
            rows=[_role(role, entry) for role, entry in report["data"].items()],
            align="lrll",
            widths=[0, 0, 1, 0],
        )
    ]
    for role, entry in report["data"].items():
        blocks += _problems(role, entry.get("problems") or [])
        blocks += _manifest(role, entry)
        blocks += _shards(role, contents)
    return [*blocks, *_evaluation(report.get("evaluation"))]


def skipped(counts: int | Mapping[str, int]) -> str:
    """Skipped pairs by reason, most frequent first; a bare number has no reason.

    Example:
        >>> skipped({"no_caption": 1, "excluded": 20}), skipped(0)
        ('20 excluded, 1 no_caption', 'none')
    """
    if isinstance(counts, int):
        return str(counts) if counts else "none"
    reasons = sorted(((why, n) for why, n in counts.items() if n), key=lambda pair: -pair[1])
    return ", ".join(f"{n} {why}" for why, n in reasons) or "none"


def _role(role: str, entry: Mapping[str, Any]) -> list[str]:
    digest = f"`{entry['digest']}`" if entry["digest"] else "not known"
    return [role, str(entry["pairs"]), skipped(entry["skipped"]), digest]


def _problems(role: str, problems: list[str]) -> list[Block]:
    if not problems:
        return []
    left = len(problems) - MOST_PROBLEMS
    more = [f"{left} more are in report.json."] if left > 0 else []
    shown = problems[:MOST_PROBLEMS]
    return [Heading(f"What was wrong with {role} shards", 2), Bullets([*shown, *more])]


def _manifest(role: str, entry: Mapping[str, Any]) -> list[Block]:
    """The manifest of ``slug curate``; runs of older versions do not say whether there was one."""
    if "manifest" not in entry:
        return []
    title, found = Heading(f"Curation of the {role} pairs", 2), entry["manifest"]
    if found is None:
        return [title, Text("No manifest of `slug curate` lay beside these shards.")]
    agrees = (
        "It names exactly the shards used: their digests agree."
        if found["agrees"]
        else "It does not name exactly the shards used: its digest of them is another. "
        "Shards may have been added, left out or changed since."
    )
    rows = [
        ("Manifest", f"`{found['file']}`, of slug_lightning {found['package_version']}"),
        ("Curated for", found["concept"]),
        ("SHA-256", f"`{found['sha256']}`"),
    ]
    return [title, Facts(rows), Text(agrees)]


def _shards(role: str, contents: Contents) -> list[Block]:
    shards = contents.shards.get(role, [])
    if not shards:
        return []
    rows = [[f"`{name}`", f"`{digest}`"] for digest, name in shards[:MOST_SHARDS]]
    table = Table(["Shard", "SHA-256"], rows, "ll", [1, 0], small=True)
    left = len(shards) - len(rows)
    more = f"{left} more are in `{role}.sha256`. " if left else ""
    note = f"{more}`sha256sum --check {role}.sha256` in the folder of the shards compares them all."
    return [Heading(f"Shards of the {role} pairs ({len(shards)})", 2), table, Text(note, "note")]


def _evaluation(evaluation: Mapping[str, Any] | None) -> list[Block]:
    if not evaluation:
        return []
    rows = [
        [name, str(entry["images"]), f"`{entry['digest']}`"] for name, entry in evaluation["sets"].items()
    ]
    note = (
        "Image files that serve more than one purpose were allowed (`data.overlap`), so figures may rest on "
        "images that the gradients or the search saw."
        if evaluation["overlap"] == "allow"
        else "No image file serves more than one purpose: pairs of the gradients, images of the search and "
        "images of the final figures were compared by their SHA-256. Other files of the same picture "
        "would not be noticed."
    )
    title = Heading("Images behind the figures", 2)
    table = Table(["Set", "Images", "Digest of their files"], rows, "lrl", [1, 0, 0])
    return [title, table, Text(note, "note")]
