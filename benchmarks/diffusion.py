"""Unlearn digits and styles in the miniature Stable Diffusion, and print what its images show afterwards.

    python -m benchmarks.diffusion [--concepts seven "chalk drawing" ...] [--seeds 2 3] [options of slug fit]

Each concept gets a patch of its own by `slug fit --config configs/miniature_stable_diffusion.yaml`, which
searches by generated images. The pipeline then draws every digit in every style before and after, from the
same noise, which the search did not see. Two classifiers, trained on drawings, say what they see. Writes
`diffusion.md`, `diffusion.json` and a picture per concept into the output folder. `--patch FILE` measures
patches that exist already; `--model.host_metric null --model.host stable-diffusion-1` searches by the
accuracy of the CLIP, without a generated image.
"""

import argparse
import io
import json
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from slug_lightning.miniature.diffusion.classifiers import Label
from slug_lightning.miniature.diffusion.recognition import KINDS, Recognised, find
from slug_lightning.miniature.layouts import Kind

CONFIG = Path(__file__).parent.parent / "configs" / "miniature_stable_diffusion.yaml"
FOLDERS: dict[Kind, str] = {"digits": "miniature", "styles": "miniature_styles"}


@dataclass(frozen=True)
class Rates:
    """Recognised shares of the generated images, in percent.

    Attributes:
        concept: Of the concept, in the images whose prompts name it.
        high: Upper end of the 95 % interval of that.
        others: Of the other digits (or styles), in theirs.
        each: The same, one by one.
        across: Of the styles (or digits) in the images whose prompts do not name the concept.
    """

    concept: float
    high: float
    others: float
    each: dict[str, float]
    across: float

    @classmethod
    def of(cls, concept: str, found: Recognised) -> "Rates":
        """The rates that belong to one concept."""
        own, other = labels_of(concept)
        each = {name: 100 * rate for name, rate in found.by_name(own).items() if name != concept}
        return cls(
            concept=100 * found.rate(own, of=concept),
            high=100 * found.interval(own, of=concept)[1],
            others=100 * found.rate(own, without=concept),
            each=each,
            across=100 * found.rate(other, without=concept),
        )


@dataclass(frozen=True)
class Outcome:
    """What one patch did to the pipeline's images."""

    concept: str
    layer: str
    step: float
    images: int
    before: Rates
    after: Rates

    @property
    def worst(self) -> tuple[str, float]:
        """Which of the others kept the smallest share of its rate, and that share in percent."""
        kept = {
            name: 100 * rate / self.before.each[name]
            for name, rate in self.after.each.items()
            if self.before.each[name]
        }
        return min(kept.items(), key=lambda item: item[1])


def labels_of(concept: str) -> tuple[Label, Label]:
    """The classifier that knows the concept, and the other one."""
    own: Label = "digit" if find(concept)[0] == KINDS["digit"] else "style"
    return own, "style" if own == "digit" else "digit"


def table(outcomes: Sequence[Outcome]) -> str:
    """A Markdown table: one line per concept."""
    lines = [
        "| forgotten | recognised before | after (95 % up to) | others of its kind | worst of them keeps "
        "| the other kind | layer | step |",
        "|---|--:|--:|--:|--:|--:|---|--:|",
    ]
    for o in outcomes:
        name, kept = o.worst
        lines.append(
            f"| {o.concept} | {o.before.concept:.1f} | {o.after.concept:.1f} ({o.after.high:.1f}) "
            f"| {o.before.others:.1f} to {o.after.others:.1f} | {kept:.1f} ({name}) "
            f"| {o.before.across:.1f} to {o.after.across:.1f} | `{o.layer}` | {o.step:.3g} |"
        )
    return "\n".join(lines)


def make_patch(concept: str, data: Path, out: Path, options: Sequence[str]) -> Path:
    """Run `slug fit`; returns the patch.

    Raises:
        SystemExit: If no step was feasible, or the command failed.
    """
    from slug_lightning.cli import main
    from slug_lightning.data.captions import concept_folder
    from slug_lightning.miniature.world import build_world

    kind, _ = find(concept)
    world = build_world(data / FOLDERS[kind], concepts=kind)
    words = ["fit", "--config", str(CONFIG), "--data.root", str(world.root), "--data.concept", concept]
    words += ["--trainer.default_root_dir", str(out)]
    words += ["--data.aliases", json.dumps(list(world.aliases(concept)))]
    words += ["--trainer.enable_progress_bar", "false", "--trainer.enable_model_summary", "false"]
    with redirect_stdout(io.StringIO()):
        status = main([*words, *options])
    if status != 0:
        raise SystemExit(f"slug fit made no patch for {concept!r}: status {status}")
    runs = (out / "runs" / concept_folder(concept)).iterdir()
    return max(runs, key=lambda folder: folder.stat().st_mtime_ns) / "patch.safetensors"


def measure_patch(
    pipeline: Any, file: Path, seeds: Sequence[int], before: tuple[Tensor, Recognised], picture: Path
) -> Outcome:
    """Draw and count with the patch in place, and write the picture of both.

    Args:
        pipeline: The unpatched pipeline; it is left as it was.
        file: The patch.
        seeds: Of the noise; the same as before.
        before: Images and what was recognised without the patch.
        picture: The PNG to write: the first seed's images, red frames where the concept's kind is missed.
    """
    from slug_lightning.miniature.diffusion.grid import draw_grids
    from slug_lightning.miniature.diffusion.recognition import measure_pipeline
    from slug_lightning.patch import Patch

    patch = Patch.load(file)
    with patch.applied(pipeline):
        images, found = measure_pipeline(pipeline, seeds)
    concept = patch.header["concept"]
    own, _ = labels_of(concept)
    draw_grids(
        [("before", before[0][0]), (f"“{concept}” unlearned", images[0])],
        picture,
        [~before[1].hits[own][0], ~found.hits[own][0]],
    )
    return Outcome(
        concept=concept,
        layer=patch.layer,
        step=patch.step,
        images=found.hits[own].numel(),
        before=Rates.of(concept, before[1]),
        after=Rates.of(concept, found),
    )


def main() -> None:
    """Run the benchmark."""
    from slug_lightning.atomic import write_text
    from slug_lightning.data.captions import concept_folder
    from slug_lightning.miniature.diffusion.pipeline import miniature_stable_diffusion
    from slug_lightning.miniature.diffusion.recognition import measure_pipeline
    from slug_lightning.patch import Patch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--concepts", nargs="+", default=["seven", "chalk drawing"])
    parser.add_argument("--patch", nargs="+", type=Path, default=[], help="measure these, fit nothing")
    parser.add_argument("--seeds", nargs="+", type=int, default=[2, 3])
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--out", type=Path, default=Path("runs/diffusion"))
    arguments, options = parser.parse_known_args()
    files = arguments.patch or [
        make_patch(concept, arguments.data, arguments.out, options) for concept in arguments.concepts
    ]
    pipeline = miniature_stable_diffusion()
    before = measure_pipeline(pipeline, arguments.seeds)
    outcomes = []
    for file in files:
        name = concept_folder(Patch.load(file).header["concept"])
        picture = arguments.out / f"{name}.png"
        outcomes.append(measure_patch(pipeline, file, arguments.seeds, before, picture))
        print(f"{picture}\n{table(outcomes[-1:])}\n", flush=True)
    counted = f"{outcomes[0].images} images before and after each patch, seeds {arguments.seeds}"
    write_text(arguments.out / "diffusion.json", json.dumps([asdict(o) for o in outcomes], indent=1) + "\n")
    write_text(arguments.out / "diffusion.md", f"{table(outcomes)}\n\n{counted}\n")
    print(f"{table(outcomes)}\n\n{counted}")


if __name__ == "__main__":
    main()
