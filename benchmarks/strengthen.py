"""What options of the search make of attacks: the table of docs/audit.md.

    python -m benchmarks.strengthen [--concepts seven four] [--options plain wordings ...] [--out DIR]

Each option is a `slug fit` on the miniature world and a `slug audit` of it. Gradients are computed once for
all options that share them. Writes `strengthen.json` and `strengthen.md` into the output folder.
"""

import argparse
import io
import json
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from benchmarks.ten_concepts import CONFIG

LOOP = ["a photo of a {}.", "a {}.", "a handwritten {}", "a chalk drawing of a {}."]
IN_LOOP = ["--model.search.wordings", json.dumps(LOOP)]
CONTRAST = ["--model.forget_loss", "contrast"]
RETAIN_AWARE = ["--model.direction", "retain_aware"]
OPTIONS: dict[str, list[str]] = {
    "plain": [],
    "criterion top5": ["--model.search.criterion", "top5"],
    "margin 0.05": ["--model.search.margin", "0.05"],
    "margin 0.1": ["--model.search.margin", "0.1"],
    "wordings": IN_LOOP,
    "wordings, margin 0.05": [*IN_LOOP, "--model.search.margin", "0.05"],
    "contrast": CONTRAST,
    "contrast, wordings": [*CONTRAST, *IN_LOOP],
    "retain_aware": RETAIN_AWARE,
    "contrast, retain_aware": [*CONTRAST, *RETAIN_AWARE],
    "contrast, retain_aware, wordings": [*CONTRAST, *RETAIN_AWARE, *IN_LOOP],
}
ATTACKS = ["standing", "quantisation", "wordings", "arithmetic", "relearning", "drift"]
AUDIT = [
    *("--settings.quantisation.schemes", "[int4]", "--settings.relearning.pairs", "[4]"),
    *("--settings.relearning.steps", "[0, 5, 10, 20, 50]", "--attacks", json.dumps(ATTACKS)),
]
COLUMNS = {
    "forget": "FA@1",
    "in_loop": "sentences of the loop",
    "unseen": "other sentences",
    "arithmetic": "arithmetic",
    "int4": "int4",
    "relearned": "4 pairs, 20 updates",
    "relearned_late": "50 updates",
    "identities": "other digits",
    "styles": "styles",
    "cosine": "cosine, 5 %",
    "cpu_seconds": "CPU s of fit",
}
RETAIN = {"identities": "retain/identities_top1", "styles": "retain/imagenet_top1"}


def run_option(concept: str, world: Path, out: Path, options: list[str]) -> dict[str, Any]:
    """Fit and audit; returns the figures, or that no point was feasible."""
    from slug_lightning.cli import main

    words = ["fit", "--config", str(CONFIG), "--data.root", str(world), "--data.concept", concept]
    words += ["--trainer.default_root_dir", str(out), "--trainer.enable_progress_bar", "false"]
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        started = time.process_time()
        status = main([*words, "--trainer.enable_model_summary", "false", *options])
        spent = time.process_time() - started
        if status not in (0, 3):
            raise SystemExit(f"slug fit failed for {concept!r} with status {status}")
        folders = [path for path in (out / "runs" / concept).iterdir() if path.is_dir()]
        newest = max(folders, key=lambda folder: folder.stat().st_mtime_ns)
        if status == 3:
            return {"feasible": False}
        if main(["audit", "--run", str(newest), *AUDIT]):
            raise SystemExit(f"slug audit failed for {newest}")
    report, document = (json.loads((newest / name).read_text()) for name in ("report.json", "audit.json"))
    return {"feasible": True, "run": newest.name, **figures(report, document), "cpu_seconds": spent}


def figures(report: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """One row: shares in percent, changes in percentage points, cosines as they are."""
    attacks = document["hosts"]["clip"]["attacks"]

    def after(attack: str, metric: str = "forget/top1") -> list[tuple[str, float, float]]:
        return [
            (f["condition"], 100 * f["value"], f.get("x", 0))
            for f in attacks[attack]["figures"]
            if f["metric"] == metric and f["version"] == "after"
        ]

    sentences = {c.removeprefix("template: "): v for c, v, _ in after("wordings") if c[:8] == "template"}
    curve = {x: v for _, v, x in after("relearning")}
    metrics = report["metrics"]
    changes = {
        name: 100 * (metrics[key]["after"]["value"] - metrics[key]["before"]["value"])
        for name, key in RETAIN.items()
    }
    low = next(f["value"] for f in attacks["drift"]["figures"] if f.get("x") == 0.05)
    return {
        "layer": report["layer"],
        "step": report["step"],
        "forget": after("standing")[0][1],
        "in_loop": max(sentences[sentence] for sentence in LOOP),
        "unseen": max(value for sentence, value in sentences.items() if sentence not in LOOP),
        "arithmetic": max(value for _, value, _ in after("arithmetic")),
        "int4": max(value for condition, value, _ in after("quantisation") if condition == "int4"),
        "relearned": curve[20],
        "relearned_late": curve[50],
        **changes,
        "cosine": low,
    }


def table(rows: dict[str, dict[str, Any]]) -> str:
    """The rows as Markdown."""
    lines = [f"| option | {' | '.join(COLUMNS.values())} | layer |", f"|---|{'--:|' * len(COLUMNS)}---|"]
    for name, row in rows.items():
        if not row["feasible"]:
            lines.append(f"| {name} | {' | '.join(['-'] * len(COLUMNS))} | no feasible point |")
            continue
        cells = [_cell(key, row[key]) for key in COLUMNS]
        lines.append(f"| {name} | {' | '.join(cells)} | `{row['layer']}` |")
    return "\n".join(lines)


def _cell(key: str, value: float) -> str:
    if key in RETAIN:
        return f"{value:+.1f}"
    return f"{value:+.3f}" if key == "cosine" else f"{value:.1f}"


def main(args: list[str] | None = None) -> int:
    """Run the options and print a table for each concept."""
    import torch

    from slug_lightning.atomic import write_text
    from slug_lightning.miniature.world import build_world

    parser = argparse.ArgumentParser(prog="python -m benchmarks.strengthen", description=__doc__)
    parser.add_argument("--concepts", nargs="+", default=["seven"])
    parser.add_argument("--options", nargs="+", default=list(OPTIONS), choices=list(OPTIONS))
    parser.add_argument("--world", type=Path, default=Path("data/miniature"))
    parser.add_argument("--out", type=Path, default=Path("benchmark_runs"))
    chosen = parser.parse_args(args)
    torch.set_num_threads(1)
    build_world(chosen.world)
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for concept in chosen.concepts:
        for name in chosen.options:
            row = run_option(concept, chosen.world, chosen.out, OPTIONS[name])
            found.setdefault(concept, {})[name] = row
            print(concept, name, row, flush=True)
            write_text(chosen.out / "strengthen.json", json.dumps(found, indent=1) + "\n")
    text = "\n\n".join(f"**{concept}**\n\n{table(rows)}" for concept, rows in found.items())
    write_text(chosen.out / "strengthen.md", text + "\n")
    print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
