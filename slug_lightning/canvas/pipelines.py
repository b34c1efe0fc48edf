"""The model under test: a pipeline of diffusers, with or without a patch, and what identifies its images."""

import hashlib
from pathlib import Path
from typing import Any, Literal

import torch

from slug_lightning.errors import DataNotFoundError, SettingError
from slug_lightning.models.fingerprint import tensor_digest

Sampler = Literal["ddim", "own"]
Precision = Literal["float32", "float16", "bfloat16"]
PARTS = ("text_encoder", "unet", "vae")


def load_pipeline(
    source: str, device: str, precision: Precision = "float32", sampler: Sampler = "ddim"
) -> Any:
    """A Stable Diffusion of diffusers without its safety checker, which would blacken images.

    Args:
        source: ``miniature``, or a folder that ``save_pretrained`` wrote.
        device: Where it draws.
        precision: Of the weights.
        sampler: ``ddim`` with eta 0, as most of the benchmark's scripts use, or the pipeline's ``own``.

    Raises:
        DataNotFoundError: If there is no such folder.
        SettingError: If it is not a Stable Diffusion.
    """
    from diffusers import DDIMScheduler

    pipeline = _miniature() if source == "miniature" else _saved(source)
    if sampler == "ddim":
        schedulers: Any = DDIMScheduler
        pipeline.scheduler = schedulers.from_config(pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    # The argument of from_pretrained for this has another name in each half of diffusers' versions.
    return pipeline.to(device) if precision == "float32" else pipeline.to(device, getattr(torch, precision))


def _miniature() -> Any:
    from slug_lightning.miniature.diffusion.pipeline import miniature_stable_diffusion

    return miniature_stable_diffusion()


def _saved(source: str) -> Any:
    from diffusers import StableDiffusionPipeline

    if not (Path(source) / "model_index.json").is_file():
        raise DataNotFoundError(
            f"Expected --pipeline to be miniature or a folder of diffusers with model_index.json but got "
            f"{source!r}. Save the pipeline with save_pretrained first."
        )
    kind: Any = StableDiffusionPipeline
    try:
        return kind.from_pretrained(source, safety_checker=None, requires_safety_checker=False)
    except (ValueError, OSError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise SettingError(f"Expected a Stable Diffusion in {source!r} but got: {reason}.") from error


def describe(pipeline: Any, patch: Path | None) -> dict[str, Any]:
    """What decides the images besides the protocol: weights without the patch, patch, sampler, precision.

    Args:
        pipeline: Without the patch.
        patch: The patch that it will carry.
    """
    return {
        **{part: _weights_digest(getattr(pipeline, part)) for part in PARTS},
        "patch": None if patch is None else hashlib.sha256(patch.read_bytes()).hexdigest(),
        "sampler": type(pipeline.scheduler).__name__,
        "precision": str(next(pipeline.unet.parameters()).dtype).removeprefix("torch."),
        "device": pipeline.device.type,
        "torch": torch.__version__,
    }


def _weights_digest(part: torch.nn.Module) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(part.state_dict().items()):
        digest.update(f"{name} {tensor_digest(value)}\n".encode())
    return digest.hexdigest()
