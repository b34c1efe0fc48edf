"""``slug apply``, ``slug revert`` and ``slug inspect``."""

from collections.abc import Callable, Sequence
from pathlib import Path

from jsonargparse import auto_cli


def apply(
    patch: Path, out: Path, model: str | None = None, pretrained: str | None = None, force: bool = False
) -> int:
    """Write a model with the patch applied, as a folder that open_clip loads (local-dir:OUT).

    Args:
        patch: patch.safetensors of a run.
        out: Folder to write; must not exist.
        model: Base model: open_clip name, local-dir:PATH, a folder, hf-hub:ORG/NAME or miniature; by default
            the model that the patch was made on.
        pretrained: open_clip tag or weights file.
        force: Apply although other weights of the tower differ from the base model.
    """
    from slug_lightning.models import load_clip
    from slug_lightning.models.loading import split_name
    from slug_lightning.patch import Patch, apply_to_folder

    loaded = Patch.load(patch)
    name, tag = split_name(loaded.header["base_model"]) if model is None else (model, pretrained)
    if Path(name).is_dir():
        name = f"local-dir:{name}"
    apply_to_folder(loaded, load_clip(name, tag), out, force)
    print(f"{out}: {loaded.header['base_model']} without {loaded.header['concept']!r} ({loaded.layer}).")
    return 0


def revert(model: Path, out: Path) -> int:
    """Write a patched model folder as it was before its last patch, bit for bit.

    Args:
        model: Folder that slug apply wrote.
        out: Folder to write; must not exist.
    """
    from slug_lightning.patch import revert_folder

    revert_folder(model, out)
    print(f"{out}: the model before its last patch.")
    return 0


def inspect(patch: Path) -> int:
    """Show what a patch file is: every header entry, shape and size.

    Args:
        patch: patch.safetensors of a run.
    """
    from slug_lightning.patch import Patch
    from slug_lightning.patch.patch import HEADER

    loaded = Patch.load(patch)
    facts = {
        "file": str(patch),
        "bytes": str(patch.stat().st_size),
        "shape": str(tuple(loaded.update.shape)),
        "norm": f"{float(loaded.update.norm()):.6g}",
    }
    known = {name: loaded.header[name] for name in HEADER if name != "base_samples"}
    for name, value in {**facts, **known}.items():
        print(f"{name:<18}{value}")
    return 0


COMMANDS: dict[str, Callable[..., int]] = {"apply": apply, "revert": revert, "inspect": inspect}


def run(words: Sequence[str]) -> int:
    """Parse and run."""
    function, name = COMMANDS[words[0]], f"slug {words[0]}"
    # One file to look at is a positional argument; where there are several, each is named.
    return int(auto_cli(function, args=list(words[1:]), prog=name, as_positional=words[0] == "inspect"))
