"""``slug compare``: many methods on many concepts, in one table."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from slug_lightning.cli.typed_function import run_function

FAILED = 1


def compare(
    methods: dict[str, dict[str, Any]],
    data: dict[str, Any],
    concepts: list[str],
    seeds: list[int] | None = None,
    model: str = "miniature",
    pretrained: str | None = None,
    gold: dict[str, str] | None = None,
    out: Path = Path("runs/compare"),
    executor: Literal["local", "ray"] = "local",
    workers: int = 1,
    tables_only: bool = False,
) -> int:
    """Unlearn each concept with each method and each seed, and write OUT/comparison.{json,md,png}.

    A cell (method, concept, seed) is one file under OUT/cells, written when it is done: the same command
    goes on where it was stopped, and tries failed cells again. One failed cell does not end the others.

    Args:
        methods: Arguments of the module by method: FineTune, GradientAscent, GradientAscentFineTune, SalUn,
            SSD, SLUG. With class_path among them, the name may be another.
        data: Arguments of the data module, without the concept.
        concepts: What is forgotten.
        seeds: Each draws forget and retain pairs anew (data.sample_seed) and shuffles what is trained on;
            0 by default.
        model: The original model.
        pretrained: Its open_clip tag or weights file.
        gold: By concept, a model that was trained without it: a row of the table, and what distances are to.
        out: Folder of the comparison.
        executor: Run cells here, or on the Ray cluster that RAY_ADDRESS names.
        workers: Cells at the same time; each has a process of its own. On Ray, 1 is as many as it has CPUs.
        tables_only: Run nothing; write the tables of the cells that are there.
    """
    from slug_lightning.comparison.compare import compare as run_cells
    from slug_lightning.comparison.compare import write_tables
    from slug_lightning.comparison.identity import absolute
    from slug_lightning.comparison.request import Request
    from slug_lightning.curation.executors import open_executor

    request = Request(
        methods,
        _absolute(data),
        concepts,
        [0] if seeds is None else seeds,
        absolute(model),
        _absolute_file(pretrained),
        {concept: absolute(source) for concept, source in (gold or {}).items()},
    )
    folder = out.absolute()
    if tables_only:
        found = write_tables(request, folder)
    else:
        with open_executor(executor, workers) as running:
            found = run_cells(request, folder, running, lambda line: print(line, flush=True))
    print((folder / "comparison.md").read_text(encoding="utf-8"))
    return FAILED if found["failed"] else 0


def _absolute_file(pretrained: str | None) -> str | None:
    here = pretrained is not None and Path(pretrained).is_file()
    return str(Path(str(pretrained)).absolute()) if here else pretrained


def _absolute(data: dict[str, Any]) -> dict[str, Any]:
    """Workers on a cluster may stand elsewhere: the data's root is made absolute."""
    return {**data, "root": str(Path(data.get("root", ".")).absolute())}


EXAMPLES = """examples:
  slug compare --config configs/compare_miniature.yaml
  slug compare --config configs/compare_miniature.yaml --concepts seven three --seeds 0 --executor ray
"""


def run(words: Sequence[str]) -> int:
    """Parse and run.

    Returns:
        1 if a cell failed, else 0.
    """
    return run_function(compare, words[1:], "slug compare", epilog=EXAMPLES)
