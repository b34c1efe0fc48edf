"""Unlearn each of the ten digits of the miniature world, and print the tables of the README.

    python benchmarks/ten_concepts.py [--restrict any text_blocks vision_blocks] [--concepts seven ...]

Three choices of what may be edited: any layer; the blocks of the text tower (what Stable Diffusion reads);
the blocks of the vision tower without the last (what LLaVA reads). Figures are of the final images, which the
search never saw. Writes `ten_concepts.json` and `ten_concepts.md` into the output folder.
"""

import argparse
import io
import json
import statistics
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

CONFIG = Path(__file__).parent.parent / "configs" / "miniature.yaml"
RESTRICTIONS: dict[str, tuple[str, list[str]]] = {
    "any": ("Any layer", []),
    "text_blocks": (
        "Text blocks only (what Stable Diffusion reads)",
        ["--model.include", "[transformer.resblocks.*]", "--model.search.towers", "[text]"],
    ),
    "vision_blocks": (
        "Vision blocks without the last (what LLaVA reads)",
        ["--model.include", "['visual.transformer.resblocks.[0-2].*']", "--model.search.towers", "[vision]"],
    ),
}
FORGET, FORGET5 = "forget/top1", "forget/top5"
RETAIN = {"identities": "retain/identities_top1", "styles": "retain/imagenet_top1"}


def unlearn(concept: str, world: Path, out: Path, options: list[str]) -> dict[str, Any]:
    """Run `slug fit`; returns its report."""
    from slug_lightning.cli import main

    words = ["fit", "--config", str(CONFIG), "--data.root", str(world), "--data.concept", concept]
    words += ["--trainer.default_root_dir", str(out), "--trainer.enable_progress_bar", "false"]
    with redirect_stdout(io.StringIO()):
        status = main([*words, "--trainer.enable_model_summary", "false", *options])
    if status not in (0, 3):
        raise SystemExit(f"slug fit failed for {concept!r} with status {status}")
    newest = max((out / "runs" / concept).iterdir(), key=lambda folder: folder.stat().st_mtime_ns)
    report: dict[str, Any] = json.loads((newest / "report.json").read_text())
    return report


def row(report: dict[str, Any]) -> dict[str, Any]:
    """The figures of one run, in percent and percentage points."""
    metrics = report["metrics"]

    def percent(name: str, when: str) -> float:
        return 100 * float(metrics[name][when]["value"])

    figures = {name: percent(key, "after") - percent(key, "before") for name, key in RETAIN.items()}
    return {
        "concept": report["concept"],
        "feasible": report["feasible"],
        "layer": report["layer"],
        "step": report["step"],
        "before": percent(FORGET, "before"),
        "after": percent(FORGET, "after"),
        "after5": percent(FORGET5, "after"),
        "n": metrics[FORGET]["after"]["n"],
        "high": 100 * metrics[FORGET]["after"]["ci95"][1],
        **figures,
        "seconds": report["efficiency"]["gradient_seconds"] + report["efficiency"]["search_seconds"],
    }


def table(rows: list[dict[str, Any]]) -> str:
    """A Markdown table with mean and worst below."""
    lines = [
        "| concept | FA@1 before | after (95 % up to) | FA@5 after | other identities | styles | layer |",
        "|---|--:|--:|--:|--:|--:|---|",
    ]
    for r in rows:
        mark = "" if r["feasible"] else " (no feasible point)"
        lines.append(
            f"| {r['concept']}{mark} | {r['before']:.1f} | {r['after']:.1f} ({r['high']:.1f}) "
            f"| {r['after5']:.1f} | {r['identities']:+.2f} | {r['styles']:+.2f} | `{r['layer']}` |"
        )
    means = {key: statistics.mean(r[key] for r in rows) for key in ("before", "after", "after5", *RETAIN)}
    worst = {key: min(r[key] for r in rows) for key in RETAIN}
    lines.append(
        f"| **mean** | {means['before']:.1f} | {means['after']:.1f} | {means['after5']:.1f} "
        f"| {means['identities']:+.2f} | {means['styles']:+.2f} | |"
    )
    lines.append(
        f"| **worst** | | {max(r['after'] for r in rows):.1f} | {max(r['after5'] for r in rows):.1f} "
        f"| {worst['identities']:+.2f} | {worst['styles']:+.2f} | |"
    )
    return "\n".join(lines)


def main() -> None:
    """Run the benchmark."""
    from slug_lightning.atomic import write_text
    from slug_lightning.miniature.scans import DIGIT_WORDS
    from slug_lightning.miniature.world import build_world

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--restrict", nargs="+", choices=RESTRICTIONS, default=list(RESTRICTIONS))
    parser.add_argument("--concepts", nargs="+", choices=DIGIT_WORDS, default=list(DIGIT_WORDS))
    parser.add_argument("--data", type=Path, default=Path("data/miniature"))
    parser.add_argument("--out", type=Path, default=Path("runs/benchmark"))
    arguments, options = parser.parse_known_args()
    build_world(arguments.data)
    found: dict[str, list[dict[str, Any]]] = {}
    text = []
    for name in arguments.restrict:
        title, restriction = RESTRICTIONS[name]
        found[name] = []
        for concept in arguments.concepts:
            out = arguments.out / name
            found[name].append(row(unlearn(concept, arguments.data, out, [*restriction, *options])))
            print(json.dumps(found[name][-1]), flush=True)
        text.append(f"**{title}**\n\n{table(found[name])}\n")
        print(f"\n{text[-1]}", flush=True)
    write_text(arguments.out / "ten_concepts.json", json.dumps(found, indent=1) + "\n")
    write_text(arguments.out / "ten_concepts.md", "\n".join(text))


if __name__ == "__main__":
    main()
