"""How cost grows: gradients with pairs, the search with images, and its memory with images and points.

    python -m benchmarks.scaling [--model miniature vit-b-32] [--part pairs images memory]

Data are made up, of the sizes asked for, each run is a process of its own, and only our code runs. Writes
`scaling_MODEL.json` and `scaling_MODEL.md` into the output folder.
"""

import argparse
import json
import statistics
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


TITLES = {
    "pairs": "Gradient pass and pairs",
    "images": "Search and evaluation images",
    "memory": "Memory of the search",
}
# The miniature is so fast that fixed costs would hide the growth.
LARGER = {"miniature": 8, "vit-b-32": 1}


@dataclass(frozen=True)
class Case:
    """One run: what it is called, the size of its data, and how it is set.

    Attributes:
        label: Row of the table.
        part: ``gradients`` or ``search``.
        size: Of the data.
        units: Pairs, or images times points, original included.
        evaluations: Steps per layer.
        layers: Number of layers.
    """

    label: str
    part: str
    size: WorldSize
    units: int
    evaluations: int = 1
    layers: int = 1


def cases(part: str, larger: int) -> list[Case]:
    """The runs of a part; each is compared with the first."""
    if part == "pairs":
        sizes = [WorldSize(64 * n, 8 * n, 100) for n in (larger, 2 * larger, 4 * larger)]
        return [_gradients(size) for size in sizes]
    if part == "images":
        return [_search(n * larger) for n in (100, 200, 400)]
    return [_search(400), _search(4000), _search(400, 10, 2)]


def _gradients(size: WorldSize) -> Case:
    pairs = size.retain_pairs + size.forget_pairs
    return Case(f"{pairs:,} pairs", "gradients", size, pairs)


def _search(images: int, evaluations: int = 1, layers: int = 1) -> Case:
    size = WorldSize(64, 8, images)
    every, points = images + size.people * size.images_each, evaluations * layers
    label = f"{every:,} images, {points} {'point' if points == 1 else 'points'}"
    return Case(label, "search", size, every * (points + 1), evaluations, layers)


def measure(bench: Bench, case: Case, setting: Setting, model: str, arguments: Any) -> dict[str, float]:
    """Median figures of one case."""
    tag = f"{case.size.retain_pairs}-{case.size.images}"
    world = grown(setting, arguments.data, case.size, tag)
    scaled = replace(world, evaluations=case.evaluations, layers=LAYERS[model][: case.layers])
    if case.part == "search":
        bench.run("gradients", "ours", scaled, f"_{tag}")
    side, name = "ours" if case.part == "gradients" else "all", f"_{tag}-{case.evaluations}"
    runs = [bench.run(case.part, side, scaled, f"{name}_{i}")["figures"] for i in range(arguments.repeats)]
    figures = {key: float(statistics.median(run[key] for run in runs)) for key in ("cpu", "wall", "extra")}
    return {**figures, "units": case.units}


def table(part: str, found: dict[str, dict[str, float]]) -> str:
    """CPU time, altogether and per unit, and memory of each case."""
    unit = "pair" if part == "pairs" else "image and point"
    lines = [
        f"**{TITLES[part]}**\n",
        f"| | CPU s | CPU ms per {unit} | extra peak MiB |",
        "|---|--:|--:|--:|",
    ]
    for label, figures in found.items():
        each = 1000 * figures["cpu"] / figures["units"]
        lines.append(f"| {label} | {figures['cpu']:.1f} | {each:.2f} | {figures['extra'] / 2**20:,.0f} |")
    return "\n".join(lines)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", nargs="+", choices=list(LAYERS), default=["miniature"])
    parser.add_argument("--part", nargs="+", choices=list(TITLES))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--out", type=Path, default=Path("runs/benchmark"))
    arguments = parser.parse_args()
    for model in arguments.model:
        bench = Bench((arguments.out / f"scaling-{model}").resolve(), arguments.threads)
        setting = prepare("vit-b-32", arguments.data)
        if model == "miniature":
            setting = replace(setting, model="miniature", templates="photo")
        results: dict[str, dict[str, dict[str, float]]] = {}
        text = []
        for part in arguments.part or list(TITLES):
            every = cases(part, LARGER[model])
            results[part] = {case.label: measure(bench, case, setting, model, arguments) for case in every}
            text.append(table(part, results[part]))
            print(f"\n{text[-1]}\n", flush=True)
        name = f"scaling_{model}"
        write_text(arguments.out / f"{name}.json", json.dumps(results, indent=1) + "\n")
        write_text(arguments.out / f"{name}.md", "\n\n".join(text) + "\n")


if __name__ == "__main__":
    main()
