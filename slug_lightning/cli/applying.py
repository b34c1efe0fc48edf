"""What ``slug apply`` does, apart from its options: find the host, write it patched, say what was done."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slug_lightning.errors import SettingError
from slug_lightning.hosts.files import Library, library_of
from slug_lightning.patch import Patch, apply_to_folder
from slug_lightning.patch.card import figures_beside, model_card
from slug_lightning.patch.host_folder import Applied, apply_to_host
from slug_lightning.patch.hub import find_host
from slug_lightning.patch.resaving import save_pretrained


@dataclass(frozen=True)
class Request:
    """The options of ``slug apply``, by their names there; ``resave`` is ``write=pretrained``."""

    patch: Path
    out: Path
    model: str | None = None
    host: Library | None = None
    pretrained: str | None = None
    revision: str | None = None
    variant: str | None = None
    resave: bool = False
    link: bool = False
    force: bool = False


def apply_request(request: Request) -> list[str]:
    """Write the patched model.

    Returns:
        Lines that say what was done.

    Raises:
        SettingError: If options do not go together.
    """
    patch = Patch.load(request.patch)
    figures = figures_beside(request.patch, patch)
    library = _library(request)
    if library == "open_clip":
        return _apply_open_clip(request, patch, figures)
    _refuse_without_model(request, library)
    folder = find_host(str(request.model), library, request.revision, request.variant, request.resave)
    _refuse_other_library(folder, library)
    if not request.resave:
        return _apply_host(request, patch, figures, folder, request.link)
    request.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{request.out.name}.", dir=request.out.parent) as draft:
        saved = save_pretrained(folder, library, Path(draft), request.variant)
        return _apply_host(request, patch, figures, saved, link=True)


def compose_patches(
    patches: Sequence[Path], out: Path, model: str | None, host: Library | None, force: bool
) -> list[str]:
    """Write a model with several patches, each on what the ones before it made.

    Returns:
        Lines that say what was done.

    Raises:
        SettingError: If there are fewer than two patches, or ``out`` exists.
    """
    if len(patches) < 2:
        raise SettingError(
            f"Expected two or more patches to compose, but got {len(patches)}; use slug apply."
        )
    if out.exists():
        raise SettingError(f"{str(out)!r} exists already. Choose another --out; nothing was changed.")
    out.parent.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as draft:
        for number, patch in enumerate(patches):
            target = out if number == len(patches) - 1 else Path(draft) / str(number)
            done = apply_request(Request(patch, target, model, host, force=force))
            lines += [line.replace(str(target), f"{number + 1} of {len(patches)}") for line in done]
            model = str(target)
    return [*lines, f"{out}: the model with all of them."]


def _apply_host(
    request: Request, patch: Patch, figures: Mapping[str, Any] | None, folder: Path, link: bool
) -> list[str]:
    name = str(request.model)
    base = Path(name).resolve().name if Path(name).is_dir() else name

    def card(applied: Applied, own: str) -> str:
        module = "diffusers" if applied.host.library == "diffusers" else "transformers"
        kind = applied.host.name
        usage = f'from {module} import {kind}\n\nmodel = {kind}.from_pretrained("THIS_FOLDER")'
        return model_card(
            patch, base, usage, figures, applied.forced, applied.left_out, own, applied.component, module
        )

    applied = apply_to_host(patch, folder, request.out, card, request.force, link, base)
    lines = [
        f"{request.out}: {applied.host.name} without {patch.header['concept']!r} ({patch.layer}).",
        f"rewritten: {', '.join(applied.files)}",
    ]
    if applied.left_out:
        lines.append(f"left out (weights without the patch): {', '.join(applied.left_out)}")
    return [*lines, *(f"forced: {sentence}" for sentence in applied.forced)]


def _apply_open_clip(request: Request, patch: Patch, figures: Mapping[str, Any] | None) -> list[str]:
    from slug_lightning.models import load_clip
    from slug_lightning.models.loading import split_name

    strange = [name for name in ("revision", "variant", "resave", "link") if getattr(request, name)]
    if strange:
        option = "write" if strange[0] == "resave" else strange[0]
        msg = (
            f"--{option} is for hosts of transformers and diffusers; leave it out, or say --host and --model."
        )
        raise SettingError(msg)
    base = patch.header["base_model"]
    name, tag = split_name(base) if request.model is None else (request.model, None)
    if Path(name).is_dir():
        name = f"local-dir:{name}"
    elif "/" in name and not name.startswith(("local-dir:", "hf-hub:")):
        raise SettingError(
            f"There is no folder {name!r}. For a host on the Hub add --host diffusers, transformers or "
            f"llava; an open_clip model there is hf-hub:{name}."
        )
    tag = request.pretrained or tag
    apply_to_folder(patch, load_clip(name, tag), request.out, request.force, figures)
    return [f"{request.out}: {base} without {patch.header['concept']!r} ({patch.layer})."]


def _library(request: Request) -> Library:
    """What was said, what the folder says, or open_clip."""
    if request.host is not None:
        return request.host
    found = library_of(Path(request.model)) if request.model and Path(request.model).is_dir() else None
    return found or "open_clip"


def _refuse_without_model(request: Request, library: Library) -> None:
    if request.model is None:
        msg = f"Expected --model with --host {library}: a folder of save_pretrained, or an ID on the Hub."
        raise SettingError(msg)
    if request.pretrained is not None:
        raise SettingError("--pretrained is for open_clip; hosts of other libraries bring their weights.")


def _refuse_other_library(folder: Path, library: Library) -> None:
    found = library_of(folder)
    fits = found == library or (found, library) == ("llava", "transformers")
    if found is not None and not fits:
        raise SettingError(
            f"Expected a host of {library}, but {str(folder)!r} is one of {found}: --host {found}."
        )
