"""Hosts whose weights are not in safetensors files, or that are wanted as their library writes them today."""

import shutil
from pathlib import Path
from typing import Any

from slug_lightning.errors import ModelNotFoundError
from slug_lightning.hosts.files import OTHER_WEIGHTS, WEIGHTS, Library
from slug_lightning.hosts.places import MODELS


def save_pretrained(source: Path, library: Library, out: Path, variant: str | None = None) -> Path:
    """Load a host with its own library and let it save itself, in safetensors files.

    Needs memory for the whole host.

    Args:
        source: The host.
        library: ``transformers``, ``llava`` or ``diffusers``.
        out: Folder to write into.
        variant: Weights of a variant such as ``fp16`` (diffusers).

    Returns:
        ``out``.

    Raises:
        ModelNotFoundError: If the library cannot load it.
    """
    try:
        model = _load(source, library, variant)
        model.save_pretrained(out)
    except Exception as error:  # the libraries raise many kinds; all mean "cannot load"
        reason = str(error).strip().split("\n")[0][:300] or type(error).__name__
        msg = (
            f"{library} could not load and save {str(source)!r}: {reason} Check the folder, or download it "
            "again."
        )
        raise ModelNotFoundError(msg) from error
    for path in source.glob("*"):  # tokenisers, processors and cards; pipelines save theirs themselves
        weights = path.suffix in (*OTHER_WEIGHTS, WEIGHTS) or path.name.endswith(".index.json")
        if path.is_file() and not weights and not (out / path.name).exists():
            shutil.copyfile(path, out / path.name)
    return out


def _load(source: Path, library: Library, variant: str | None) -> Any:
    if library == "diffusers":
        from diffusers import DiffusionPipeline

        return DiffusionPipeline.from_pretrained(source, variant=variant)  # type: ignore[no-untyped-call]
    import transformers

    config = transformers.AutoConfig.from_pretrained(source)
    name = next(name for name in config.architectures or [] if name in MODELS)
    return getattr(transformers, name).from_pretrained(source, dtype="auto")
