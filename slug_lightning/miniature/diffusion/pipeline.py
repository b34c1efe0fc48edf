"""The miniature Stable Diffusion as a pipeline of diffusers."""

from pathlib import Path
from typing import Any

from slug_lightning.errors import DataNotFoundError
from slug_lightning.miniature.diffusion.denoiser import new_scheduler
from slug_lightning.miniature.hosting import miniature_text_encoder, miniature_tokenizer

WEIGHTS = Path(__file__).parent / "weights"


def miniature_stable_diffusion(folder: Path | str = WEIGHTS) -> Any:
    """A ``StableDiffusionPipeline`` whose text encoder is the miniature CLIP's text tower.

    ``save_pretrained`` writes it for ``slug apply --host diffusers --model``.

    Args:
        folder: Folder with ``unet`` and ``vae``; by default the ones that ship.

    Raises:
        DataNotFoundError: If they are not there.
    """
    from diffusers import AutoencoderTiny, UNet2DConditionModel

    folder = Path(folder)
    missing = [part for part in ("unet", "vae") if not (folder / part / "config.json").is_file()]
    if missing:
        raise DataNotFoundError(
            f"Expected unet and vae in '{folder}' but {' and '.join(missing)} is not there; train them with "
            "`python -m slug_lightning.miniature.diffusion.train --out DIR`."
        )
    # The files are in half precision, the weights in memory are not.
    kinds: tuple[tuple[Any, str], ...] = ((UNet2DConditionModel, "unet"), (AutoencoderTiny, "vae"))
    unet, vae = (kind.from_pretrained(folder / part).float().eval() for kind, part in kinds)
    return assemble(unet, vae)


def assemble(unet: Any, vae: Any, text_encoder: Any = None, tokenizer: Any = None) -> Any:
    """A pipeline of these parts and a DDIM scheduler.

    Args:
        unet: The denoiser.
        vae: The autoencoder.
        text_encoder: What the denoiser was trained on; by default the miniature CLIP's text tower.
        tokenizer: By default the miniature CLIP's.
    """
    from diffusers import StableDiffusionPipeline

    kind: Any = StableDiffusionPipeline
    pipeline = kind(
        vae=vae,
        text_encoder=text_encoder or miniature_text_encoder(),
        tokenizer=tokenizer or miniature_tokenizer(),
        unet=unet,
        scheduler=new_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
