"""How cost grows: gradients with pairs, the search with images, and its memory with images and points.

    python -m benchmarks.scaling [--model miniature vit-b-32] [--part pairs images memory]

Data are made up, of the sizes asked for, each run is a process of its own, and only our code runs. Writes
`scaling_MODEL.json` and `scaling_MODEL.md` into the output folder.
"""

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.jobs import Bench
from benchmarks.setting import Setting
from benchmarks.sizes import grown, prepare
from benchmarks.world import WorldSize
from slug_lightning.atomic import write_text

# One early layer of the vision tower and one of the text tower, so that prefixes and prompts count too.
LAYERS = {
    "miniature": [
        "visual.transformer.resblocks.1.mlp.c_fc.weight",
        "transformer.resblocks.1.mlp.c_fc.weight",
    ],
    "vit-b-32": [
        "visual.transformer.resblocks.10.mlp.c_fc.weight",
        "transformer.resblocks.10.mlp.c_fc.weight",
    ],
}


@dataclass(frozen=True)
class Case:
    """One run: what it is called, the size of its data, and how it is set."""

    label: str
    part: str
    size: WorldSize
    evaluations: int = 1
    layers: int = 1


def cases(part: str) -> list[Case]:
    """The runs of a part; each is compared with the first."""
    if part == "pairs":
        sizes = [(f"{8 * 9 * n} pairs", WorldSize(64 * n, 8 * n, 100)) for n in (1, 2, 4)]
        return [Case(label, "gradients", size) for label, size in sizes]
    if part == "images":
        return [Case(f"{n} images", "search", WorldSize(64, 8, n)) for n in (100, 200, 400)]
    large = [Case(f"{n} images", "search", WorldSize(64, 8, n)) for n in (400, 4000)]
    return [*large, Case("400 images, 20 points", "search", WorldSize(64, 8, 400), 10, 2)]


def measure(bench: Bench, case: Case, setting: Setting, model: str, data: Path) -> dict[str, Any]:
    """Figures of one case."""
    tag = f"{case.size.retain_pairs}-{case.size.images}"
    layers = LAYERS[model][: case.layers]
    scaled = replace(
        grown(setting, data, case.size, tag), evaluations=case.evaluations, layers=layers, model=setting.model
    )
    if case.part == "search":
        bench.run("gradients", "ours", scaled, f"_{tag}")
    side = "ours" if case.part == "gradients" else "all"
    figures: dict[str, Any] = bench.run(case.part, side, scaled, f"_{tag}-{case.evaluations}")["figures"]
    return figures


def table(part: str, found: dict[str, dict[str, Any]]) -> str:
    """CPU time and memory of each case, and relative to the first."""
    lines = [f"**{part.capitalize()}**\n", "| | CPU s | x first | extra peak MiB |", "|---|--:|--:|--:|"]
    first = next(iter(found.values()))
    for label, figures in found.items():
        lines.append(
            f"| {label} | {figures['cpu']:.1f} | {figures['cpu'] / first['cpu']:.2f} "
            f"| {figures['extra'] / 2**20:,.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", nargs="+", choices=list(LAYERS), default=["miniature"])
    parser.add_argument("--part", nargs="+", choices=("pairs", "images", "memory"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--out", type=Path, default=Path("runs/benchmark"))
    arguments = parser.parse_args()
    for model in arguments.model:
        bench = Bench((arguments.out / f"scaling-{model}").resolve(), arguments.threads)
        setting = prepare("vit-b-32", arguments.data)
        if model == "miniature":
            setting = replace(setting, model="miniature", templates="simple")
        results: dict[str, dict[str, Any]] = {}
        text = []
        for part in arguments.part or ("pairs", "images", "memory"):
            results[part] = {c.label: measure(bench, c, setting, model, arguments.data) for c in cases(part)}
            text.append(table(part, results[part]))
            print(f"\n{text[-1]}\n", flush=True)
        name = f"scaling_{model}"
        write_text(arguments.out / f"{name}.json", json.dumps(results, indent=1) + "\n")
        write_text(arguments.out / f"{name}.md", "\n\n".join(text) + "\n")


if __name__ == "__main__":
    main()
