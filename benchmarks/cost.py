"""Work out what the gradients of one deletion cost, from what can be counted and measured here.

    python benchmarks/cost.py [--model ViT-L-14] [--pairs 1000000] [--devices 8] [--tflops 989] [--share 0.35]

Counted: floating-point operations of forward and backward (PyTorch's counter, on tensors without data), bytes
of the sums. Measured on one core: reading and preparing JPEGs. Assumed, and said so in what it prints: the
peak of a device, and the share of it that a run reaches.
"""

import argparse
import io
import os
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

from slug_lightning.models import Tower, candidate_layers, text_tower, vision_tower

GROUP = 16  # pairs that are counted together; operations per pair do not depend on it


@dataclass(frozen=True)
class Cost:
    """What one pair, and one model, need.

    Attributes:
        flops: Operations per pair, forward and backward.
        weights: Number of weights.
        candidates: Number of weights in candidate layers.
        decode_seconds: Core-seconds to decode and prepare one image.
    """

    flops: float
    weights: int
    candidates: int
    decode_seconds: float


def count(model: torch.nn.Module, tokens: int) -> float:
    """Operations per pair at a caption length, on a model without data (device ``meta``)."""
    size: Any = model.visual.image_size  # type: ignore[union-attr]
    images = torch.empty(GROUP, 3, *size, device="meta")
    texts = torch.empty(GROUP, tokens, dtype=torch.long, device="meta")
    text = text_tower(model)
    with FlopCounterMode(display=False) as counter:
        caption = text.finish(text.start(texts), 0) if text.ending is None else _ended(text, texts)
        image = vision_tower(model).pooled(images)
        (image @ caption.T).sum().backward()  # type: ignore[no-untyped-call]
    return float(counter.get_total_flops()) / GROUP


def _ended(text: Tower, tokens: torch.Tensor) -> torch.Tensor:
    """As the gradient pass encodes captions, all of one length."""
    assert text.ending is not None
    return text.ending(text.advance(text.start(tokens), 0, len(text.stages) - 2)).value


def decode_seconds(preprocess: Any, repeats: int = 64, side: int = 384) -> float:
    """Core-seconds to decode and prepare a JPEG of LAION's usual size."""
    noise = np.random.default_rng(0).integers(0, 256, (side // 8, side // 8, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).resize((side, side)).save(file, "JPEG", quality=95)
    started = time.process_time()
    for _ in range(repeats):
        preprocess(Image.open(io.BytesIO(file.getvalue())).convert("RGB"))
    return (time.process_time() - started) / repeats


def measure(name: str, tokens: int) -> Cost:
    """Count and measure for an open_clip architecture; its weights do not matter."""
    import open_clip

    torch.set_num_threads(1)
    model, _, preprocess = open_clip.create_model_and_transforms(name)
    weights = dict(model.named_parameters())
    candidates = sum(weights[layer].numel() for layer in candidate_layers(model))
    total = sum(weight.numel() for weight in weights.values())
    for layer, weight in weights.items():
        weight.requires_grad_(layer in candidate_layers(model))
    return Cost(count(model.to("meta"), tokens), total, candidates, decode_seconds(preprocess))


def table(cost: Cost, given: argparse.Namespace) -> str:
    """The cost of all pairs, as Markdown."""
    device_seconds = given.pairs * cost.flops / (given.tflops * 1e12 * given.share) / given.devices
    cores = cost.decode_seconds * given.pairs / device_seconds / given.devices
    rows = [
        (
            f"operations per pair, captions of {given.tokens} tokens",
            f"{cost.flops / 1e9:.0f} GFLOP",
            "counted",
        ),
        (f"operations, {given.pairs:,} pairs", f"{given.pairs * cost.flops:.2e} FLOP", "counted"),
        ("decoding and preparing an image", f"{1e3 * cost.decode_seconds:.1f} ms on one core", "measured"),
        (
            f"gradients on {given.devices} devices",
            f"{device_seconds:.0f} s",
            f"at {given.share:.0%} of {given.tflops:g} TFLOP/s: assumed",
        ),
        ("cores per device that keep up", f"{cores:.0f}", "from the two rows above"),
        ("weights, float32", f"{4e-9 * cost.weights:.2f} GB", "counted"),
        ("sums of one role, float32, a device", f"{4e-9 * cost.candidates:.2f} GB", "counted"),
        ("those of the other, on the host", f"{4e-9 * cost.candidates:.2f} GB", "counted"),
        ("summed over devices at the end, float64", f"{16e-9 * cost.candidates:.2f} GB", "counted"),
        ("progress file", f"{8e-9 * cost.candidates:.2f} GB", "counted"),
    ]
    lines = ["| what | how much | |", "|---|--:|---|", *(f"| {a} | {b} | {c} |" for a, b, c in rows)]
    return "\n".join(lines)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", default="ViT-L-14", help="open_clip architecture")
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--tokens", type=int, default=32, help="length of the longest caption of a batch")
    parser.add_argument("--devices", type=int, default=8)
    parser.add_argument(
        "--tflops", type=float, default=989, help="peak of a device; 989: H100 SXM, bfloat16, dense"
    )
    parser.add_argument("--share", type=float, default=0.35, help="share of the peak that is reached")
    given = parser.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    print(f"{given.model}\n\n{table(measure(given.model, given.tokens), given)}")


if __name__ == "__main__":
    main()
