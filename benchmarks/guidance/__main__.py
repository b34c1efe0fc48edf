"""Measure how the result depends on size and seed of the retain and the forget set, on the miniature world.

    OMP_NUM_THREADS=1 python -m benchmarks.guidance [--concepts three seven eight] [--seeds 5] [--out FOLDER]

For each concept, each size of the retain set (64, 256, 1024, all) and of the forget set (8, 32, all) and each
seed: `slug fit` as with `data.retain_sample`, `data.forget_sample` and `data.sample_seed`, on gradients and
searches that are shared where they are the same. Writes `guidance.json`, `guidance.md` and `guidance.png`;
`--redraw` makes the latter two anew from the first.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from benchmarks.guidance.laboratory import Laboratory, Sample, cosine, relative_size
from benchmarks.guidance.summary import figure, layer_table, table
from slug_lightning.atomic import write_text
from slug_lightning.metrics import Accuracy
from slug_lightning.miniature.world import build_world
from slug_lightning.reports.figures.png import save_png
from slug_lightning.search import Measured, Point

RETAIN: tuple[int | None, ...] = (64, 256, 1024, None)
FORGET: tuple[int | None, ...] = (8, 32, None)


def samples(size: int | None, seeds: int) -> list[Sample]:
    """The samples of a size, one a seed; all pairs are one sample."""
    return [Sample()] if size is None else [Sample(size, seed) for seed in range(seeds)]


def measure(world: Path, concept: str, seeds: int) -> list[dict[str, Any]]:
    """One row per forget and retain sample of equal seed; all pairs go with every seed."""
    laboratory = Laboratory(world, concept)
    before, rows = laboratory.before(), []
    for forget in [s for size in FORGET for s in samples(size, seeds)]:
        retains = [
            retain
            for size in RETAIN
            for retain in samples(size, seeds)
            if forget.size is None or retain.size is None or retain.seed == forget.seed
        ]
        found = laboratory.results(forget, retains)
        for retain, (scores, trace, after) in zip(retains, found, strict=True):
            best = trace.best
            assert best is not None
            assert isinstance(best.point, Point)
            layer = best.point.layer
            rows.append(
                {
                    "concept": concept,
                    "forget": forget.size,
                    "retain": retain.size,
                    "seed": forget.seed if forget.size is not None else retain.seed,
                    "layer": layer,
                    "step": best.point.step,
                    "relative_step": relative_size(laboratory, best.point, forget),
                    "feasible": trace.feasible,
                    "front": [score.layer for score in scores if score.front],
                    "forget_cosine": cosine_to_all(laboratory, "forget", forget, layer),
                    "retain_cosine": cosine_to_all(laboratory, "retain", retain, layer),
                    "before": figures(before),
                    "after": figures(after),
                }
            )
            print(
                json.dumps({k: rows[-1][k] for k in ("concept", "forget", "retain", "seed", "layer")}),
                flush=True,
            )
    return rows


def cosine_to_all(laboratory: Laboratory, role: Any, sample: Sample, layer: str) -> float:
    """Cosine between the gradient of a sample and that of all pairs, at a layer."""
    return cosine(laboratory.gradient(role, sample), laboratory.gradient(role, Sample()), layer)


def figures(measured: Measured) -> dict[str, dict[str, Any]]:
    """The metrics as they stand in a report."""
    metrics: dict[str, Accuracy] = dict(measured.metrics)
    return {name: accuracy.entry() for name, accuracy in metrics.items()}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--concepts", nargs="+", default=["three", "seven", "eight"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--data", type=Path, default=Path("data/miniature"))
    parser.add_argument("--out", type=Path, default=Path("runs/guidance"))
    parser.add_argument("--redraw", action="store_true")
    arguments = parser.parse_args()
    file = arguments.out / "guidance.json"
    if not arguments.redraw:
        arguments.out.mkdir(parents=True, exist_ok=True)
        write_text(
            file, json.dumps(run(arguments.data, arguments.concepts, arguments.seeds), indent=1) + "\n"
        )
    rows = json.loads(file.read_text(encoding="utf-8"))["rows"]
    text = f"{table(rows)}\n{layer_table(rows)}"
    write_text(arguments.out / "guidance.md", text)
    save_png(figure(rows), arguments.out / "guidance.png")
    print(text)


def run(data: Path, concepts: list[str], seeds: int) -> dict[str, Any]:
    """All rows, and what they cost."""
    world = build_world(data).root
    wall, processor = time.perf_counter(), time.process_time()
    rows = [row for concept in concepts for row in measure(world, concept, seeds)]
    return {
        "concepts": concepts,
        "seeds": seeds,
        "wall_seconds": time.perf_counter() - wall,
        "processor_seconds": time.process_time() - processor,
        "rows": rows,
    }


if __name__ == "__main__":
    main()
