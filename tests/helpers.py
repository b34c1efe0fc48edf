"""Small random CLIPs and tensors that several tests need."""

from pathlib import Path
from typing import Any

import open_clip
import torch

VISION = {"image_size": 32, "patch_size": 8, "width": 32, "layers": 3, "head_width": 16, "mlp_ratio": 2.0}
TEXT = {"context_length": 12, "vocab_size": 64, "width": 32, "heads": 2, "layers": 3, "mlp_ratio": 2.0}


def tiny_clip(seed: int = 0, custom_text: bool = False, **changes: Any) -> torch.nn.Module:
    """A random open_clip model in evaluation mode: 3 blocks per tower, 64 token ids, 32 px."""
    vision = {**VISION, **changes.pop("vision", {})}
    text = {**TEXT, **changes.pop("text", {})}
    torch.manual_seed(seed)
    kind = open_clip.CustomTextCLIP if custom_text else open_clip.CLIP
    return kind(embed_dim=16, vision_cfg=vision, text_cfg=text, **changes).eval()


def captions(count: int, seed: int = 0, longest: int = 7) -> torch.Tensor:
    """Token ids ``(count, 12)``: start 62, words below 60, end 63, zeros."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.zeros(count, 12, dtype=torch.long)
    for row in tokens:
        length = int(torch.randint(1, longest, (1,), generator=generator))
        row[0], row[length + 1] = 62, 63
        row[1 : length + 1] = torch.randint(1, 60, (length,), generator=generator)
    return tokens


def pictures(count: int, seed: int = 0) -> torch.Tensor:
    """Random images ``(count, 3, 32, 32)``."""
    return torch.randn(count, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


CONFIG = Path(__file__).parent.parent / "configs" / "miniature.yaml"


def words(world: Path, out: Path, *more: str, command: str = "fit") -> list[str]:
    """Command line of a run on a miniature world, without progress bar; later words win."""
    quiet = ["--trainer.enable_progress_bar", "false", "--trainer.enable_model_summary", "false"]
    start = [command] if command else []
    return [*start, "--config", str(CONFIG), "--data.root", str(world), "--trainer.accelerator", "cpu",
            "--trainer.default_root_dir", str(out), *quiet, *more]  # fmt: skip


def fit(world: Path, out: Path, *more: str, command: str = "fit", status: int | None = 0) -> Path:
    """Run a command in this process; returns the run's folder. ``status=None`` accepts any search result."""
    from slug_lightning.cli import main

    assert main(words(world, out, *more, command=command)) in ((0, 3) if status is None else (status,))
    (folder,) = [path for path in (out / "runs").glob("*/*") if path.is_dir()]
    return folder
