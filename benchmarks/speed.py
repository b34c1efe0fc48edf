"""Our code against the plain way of doing it: CPU time, wall time and memory, on the same data and weights.

    python -m benchmarks.speed [--size miniature vit-b-32] [--part gradients search] [--repeats 1]

Every run is a process of its own; the sides alternate. Both must compute the same: gradients to rounding, and
every count and the choice of the search exactly, or the benchmark fails. Writes `speed_SIZE.json` and
`speed_SIZE.md` into the output folder. By default the search is over a few layers, because the baseline is
slow: about two CPU minutes per step with a ViT-B-32. `--layers front` takes the whole front.
"""

import argparse
import json
import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.agreement import ROUNDING, gradient_difference, search_differences
from benchmarks.jobs import Bench
from benchmarks.setting import Setting
from benchmarks.sizes import SIZES, prepare
from slug_lightning.atomic import write_text
from slug_lightning.unlearning import Gradients

SIDES = {"gradients": ("naive", "ours"), "search": ("naive", "all", "contenders")}
LABELS = {
    "naive": "plain loop",
    "ours": "slug_lightning",
    "all": "slug_lightning, `measure: all`",
    "contenders": "slug_lightning, `measure: contenders`",
}
# Early and late, both towers, blocks and heads: what a layer costs depends on where it is.
LAYERS = {
    "miniature": [
        "visual.transformer.resblocks.2.mlp.c_fc.weight",
        "transformer.resblocks.1.mlp.c_fc.weight",
    ],
    "vit-b-32": [
        "visual.transformer.resblocks.2.mlp.c_fc.weight",
        "visual.transformer.resblocks.10.attn.in_proj_weight",
        "transformer.resblocks.5.mlp.c_proj.weight",
        "text_projection",
    ],
}

Runs = dict[str, list[dict[str, Any]]]


def compare(bench: Bench, part: str, setting: Setting, repeats: int) -> Runs:
    """Run both sides in turn; the baseline first."""
    runs: Runs = {side: [] for side in SIDES[part]}
    for repeat in range(repeats):
        for side in SIDES[part]:
            runs[side].append(bench.run(part, side, setting, f"_{repeat}"))
    return runs


def check_gradients(bench: Bench) -> str:
    """Refuse gradients that differ; says by how much they do."""
    ours, naive = (Gradients.load(bench.gradients_file(side)) for side in ("ours", "naive"))
    worst = max(gradient_difference(getattr(ours, r), getattr(naive, r)) for r in ("forget", "retain"))
    if worst > ROUNDING:
        raise SystemExit(f"Gradients differ by {worst:.1e} of their norm.")
    return f"largest relative difference of a layer's gradient {worst:.1e}"


def check_search(runs: Runs) -> str:
    """Refuse searches that differ; says what they found."""
    naive = runs["naive"][0]["trace"]
    for side in ("all", "contenders"):
        for run in runs[side]:
            if differences := search_differences(run["trace"], naive):
                raise SystemExit(f"{side}: {len(differences)} differences: {differences[:5]}")
    points, chosen = naive["points"], naive["chosen"]
    feasible = sum(point["feasible"] for point in points)
    layers = len({point["layer"] for point in points})
    return (
        f"{len(points)} steps of {layers} layers, {feasible} feasible; all counts and the choice equal "
        f"(`{chosen['layer']}`, step {chosen['step']:.4g})"
    )


def middle(runs: list[dict[str, Any]], name: str) -> float:
    """Median of a figure over repeats."""
    return float(statistics.median(run["figures"][name] for run in runs))


def rows(runs: Runs) -> list[str]:
    """Rows of the table: figures, and the share of the baseline's."""
    lines, base = [], runs["naive"]
    for side, own in runs.items():
        cells = [LABELS[side]]
        for name, unit, digits in (("cpu", 1.0, 1), ("wall", 1.0, 1), ("extra", 2.0**20, 0)):
            value, reference = middle(own, name), middle(base, name)
            share = "" if side == "naive" else f" ({_ratio(value, reference, name)})"
            cells.append(f"{value / unit:,.{digits}f}{share}")
        cells.append(_phases(own[0]["figures"]))
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _ratio(value: float, reference: float, name: str) -> str:
    share = value / reference
    return f"1/{1 / share:.1f}" if share < 0.2 and name != "extra" else f"{share:.2f}"


def _phases(figures: dict[str, Any]) -> str:
    whole = figures["cpu"]
    shares = {name: seconds / whole for name, seconds in figures["phases"].items()}
    largest = sorted(shares.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {100 * share:.0f} %" for name, share in largest if share >= 0.005)


def table(part: str, runs: Runs, found: str) -> str:
    """A Markdown table with what was found below."""
    head = ["| | CPU s | wall s | extra peak MiB | CPU time by phase |", "|---|--:|--:|--:|---|"]
    return "\n".join([f"**{part.capitalize()}**\n", *head, *rows(runs), f"\n{found}."])


def measure(size: str, parts: list[str], arguments: argparse.Namespace) -> str:
    """All parts of one size; returns their tables."""
    bench = Bench((arguments.out / size).resolve(), arguments.threads)
    setting = prepare(size, arguments.data)
    layers = LAYERS[size] if arguments.layers is None else arguments.layers
    setting = replace(setting, evaluations=arguments.evaluations, layers=[n for n in layers if n != "front"])
    if "gradients" not in parts and not bench.gradients_file("ours").is_file():
        bench.run("gradients", "ours", setting)
    text, results = [], {}
    for part in parts:
        results[part] = compare(bench, part, setting, arguments.repeats)
        found = check_gradients(bench) if part == "gradients" else check_search(results[part])
        text.append(table(part, results[part], found))
        print(f"\n{text[-1]}\n", flush=True)
    figures = {
        part: {s: [r["figures"] for r in rs] for s, rs in runs.items()} for part, runs in results.items()
    }
    name = f"speed_{size}_{'_'.join(parts)}"
    write_text(arguments.out / f"{name}.json", json.dumps(figures, indent=1) + "\n")
    write_text(arguments.out / f"{name}.md", "\n\n".join(text) + "\n")
    return "\n\n".join(text)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--size", nargs="+", choices=SIZES, default=["miniature"])
    parser.add_argument("--part", nargs="+", choices=list(SIDES), default=list(SIDES))
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--evaluations", type=int, default=10, help="steps per layer")
    parser.add_argument("--layers", nargs="+", help="layers to search, or 'front'")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--out", type=Path, default=Path("runs/benchmark"))
    arguments = parser.parse_args()
    for size in arguments.size:
        measure(size, arguments.part, arguments)


if __name__ == "__main__":
    main()
