"""Pairs a second of the gradient pass, beside the bare forward and backward of the same model.

    python -m benchmarks.throughput [--model ViT-B-32 ViT-L-14] [--precision bf16-mixed] [--batch 64 256]

Both have the same architecture at random initialisation, the same precision and batch size. The bare side
gets its batches from memory, all 77 tokens, and takes gradients of every weight; ours reads JPEG shards with
`--workers` processes, encodes captions at their length and adds gradients up in float32. The share of the
bare side's speed is printed for the whole pass, and for its computing alone. Writes `throughput.json` and
`throughput.md`.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from lightning.pytorch.callbacks import Callback

from benchmarks.ours import PhaseDoneError
from benchmarks.setting import Setting
from benchmarks.world import WorldSize, build_world, names
from slug_lightning.atomic import write_text
from slug_lightning.functional import clip_loss
from slug_lightning.models import load_clip
from slug_lightning.trainer import SlugTrainer
from slug_lightning.unlearning import SLUG

HEAD = [
    "| model | pairs a batch | bare, pairs/s | gradient pass | without reading | bare, GiB | ours, GiB |",
    "|---|--:|--:|--:|--:|--:|--:|",
]
WARM = 3  # batches before the clock starts: kernels are chosen, workers are up


class PairClock(Callback):
    """Counts retain pairs from the ``WARM``-th batch on, and how long the module was at work on them.

    Attributes:
        pairs: Pairs that were timed.
        seconds: From the end of the last warm batch to the end of the last batch.
        computing: The part of it within training steps.
    """

    def __init__(self) -> None:
        self.pairs, self.seconds, self.computing = 0, 0.0, 0.0
        self._batches, self._start, self._entered = 0, 0.0, 0.0

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """A batch was read and moved."""
        self._entered = time.perf_counter()

    def on_train_batch_end(self, trainer: Any, pl_module: Any, out: Any, batch: Any, batch_idx: int) -> None:
        """A batch was added."""
        if batch["role"] != "retain":
            return
        wait(pl_module.device)
        now = time.perf_counter()
        self._batches += 1
        if self._batches == WARM:
            self._start = now
        if self._batches > WARM:
            self.pairs += len(batch["key"])
            self.computing += now - self._entered
            self.seconds = now - self._start
        if pl_module.gradients is not None:
            raise PhaseDoneError(None)


def wait(device: torch.device) -> None:
    """Until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def ours(model: str, world: Path, batch: int, arguments: argparse.Namespace) -> dict[str, float]:
    """Pairs a second of the gradient pass over JPEG shards."""
    data = Setting(str(world), model, names(1, 0)[0], batch=batch).data_module()
    data.num_workers = arguments.workers
    clock, module = PairClock(), SLUG(model, reuse_gradients=False)
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    with tempfile.TemporaryDirectory() as folder:
        trainer = SlugTrainer(
            accelerator=arguments.accelerator,
            devices=1,
            precision=arguments.precision,
            callbacks=[clock],
            default_root_dir=folder,
            **quiet,
        )
        with suppress(PhaseDoneError):
            trainer.fit(module, data)
    return {
        "pairs_per_second": clock.pairs / clock.seconds,
        "computing_pairs_per_second": clock.pairs / clock.computing,
        "peak_bytes": peak_bytes(module.device),
    }


def bare(model: str, batch: int, repeats: int, arguments: argparse.Namespace) -> dict[str, float]:
    """Pairs a second of forward and backward alone, batches at hand."""
    fabric = Fabric(accelerator=arguments.accelerator, devices=1, precision=arguments.precision)
    clip = load_clip(model)
    network: Any = clip.model.to(fabric.device)
    size = network.visual.image_size
    images = torch.randn(batch, 3, *(size if isinstance(size, tuple) else (size, size)), device=fabric.device)
    tokens = clip.tokenize(["a photo of something that is there"] * batch).to(fabric.device)
    for step in range(WARM + repeats):
        if step == WARM:
            wait(fabric.device)
            start = time.perf_counter()
        network.zero_grad()
        with fabric.autocast():
            image = network.encode_image(images, normalize=True)
            text = network.encode_text(tokens, normalize=True)
        clip_loss(image.float(), text.float(), network.logit_scale.exp()).backward()  # type: ignore[no-untyped-call]
    wait(fabric.device)
    seconds = time.perf_counter() - start
    return {"pairs_per_second": repeats * batch / seconds, "peak_bytes": peak_bytes(fabric.device)}


def peak_bytes(device: torch.device) -> float:
    """Most memory that tensors took on the device since the last call; 0 on the CPU."""
    if device.type != "cuda":
        return 0.0
    peak = torch.cuda.max_memory_allocated(device)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    return float(peak)


def rows(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One row per model and batch size; the two sides one after the other."""
    for model in arguments.model:
        for batch in arguments.batch:
            pairs = batch * (WARM + arguments.batches)
            world = build_world((arguments.data / f"throughput-{pairs}").resolve(), WorldSize(pairs, batch))
            plain = bare(model, batch, arguments.batches, arguments)
            yield {
                "model": model,
                "batch": batch,
                "bare": plain,
                "ours": ours(model, world, batch, arguments),
            }


def line(row: dict[str, Any]) -> str:
    """A row of the table."""
    base, own = row["bare"]["pairs_per_second"], row["ours"]
    whole, alone = own["pairs_per_second"], own["computing_pairs_per_second"]
    memory = f"{row['bare']['peak_bytes'] / 2**30:.1f} | {own['peak_bytes'] / 2**30:.1f}"
    shares = f"{whole:,.0f} ({100 * whole / base:.0f} %) | {alone:,.0f} ({100 * alone / base:.0f} %)"
    return f"| {row['model']} | {row['batch']} | {base:,.0f} | {shares} | {memory} |"


def main(words: list[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", nargs="+", default=["ViT-B-32", "ViT-L-14"])
    parser.add_argument("--accelerator", default="auto")
    parser.add_argument("--precision", default="bf16-mixed")
    parser.add_argument("--batch", nargs="+", type=int, default=[64, 256], help="pairs per InfoNCE")
    parser.add_argument("--batches", type=int, default=20)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--out", type=Path, default=Path("runs/benchmark"))
    arguments = parser.parse_args(words)
    found: list[dict[str, Any]] = []
    lines = list(HEAD)
    print("\n".join(lines))
    for row in rows(arguments):
        found.append(row)
        lines.append(line(row))
        print(lines[-1], flush=True)
    about = {"precision": arguments.precision, "accelerator": arguments.accelerator, "rows": found}
    write_text(arguments.out / "throughput.json", json.dumps(about, indent=1) + "\n")
    write_text(arguments.out / "throughput.md", "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
