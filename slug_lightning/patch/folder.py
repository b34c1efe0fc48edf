"""Model folders in open_clip's ``local-dir`` layout that carry a patch and can give it back."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from slug_lightning.atomic import atomic_folder
from slug_lightning.errors import DataNotFoundError, PatchMismatchError, SettingError
from slug_lightning.models import Clip, get_layer, load_clip, tensor_digest, tower_digest
from slug_lightning.models.loading import LOCAL, MERGES_FILE, MINIATURE, miniature_folder, split_name
from slug_lightning.patch.card import model_card
from slug_lightning.patch.ledger import UNDO_FOLDER, WEIGHTS_FILE, Kept, check_weights, keep, note, read_kept
from slug_lightning.patch.patch import Patch

CONFIG_FILE = "open_clip_config.json"


def apply_to_folder(
    patch: Patch, clip: Clip, out: Path, force: bool = False, figures: Mapping[str, Any] | None = None
) -> Path:
    """Write the patched model as a folder that ``open_clip.create_model("local-dir:OUT")`` loads.

    The weights file is also a plain state dict for ``create_model(NAME, pretrained="OUT/open_clip_model
    .safetensors")``. Original and update of the edited layer are kept in ``slug_undo/``: reverting is exact.
    A model that carries patches takes another one that was made on it, or on the model before all of them.

    Args:
        patch: The patch.
        clip: The base model; it is left as it was.
        out: Folder to write; must not exist yet.
        force: See ``Patch.apply_``.
        figures: Report of the run that made the patch, for the model card.

    Returns:
        ``out``.

    Raises:
        SettingError: If ``out`` exists.
        PatchMismatchError: If the model is not the patch's base.
    """
    _refuse_existing(out)
    source = _source_folder(clip.name)
    earlier = read_kept(source) if source is not None else []
    made_without, forced = _base_of(patch, clip, earlier, force)
    weight = get_layer(clip.model, patch.layer)
    original = weight.detach().clone()
    try:
        with torch.no_grad():
            weight.copy_(patch.edited(original))
        with atomic_folder(out) as draft:
            _copy_companions(source, draft)
            _write_model(clip, _open_clip_config(clip, source), draft)
            kept = Kept({**patch.header, **note(made_without, forced)}, original, patch.update)
            keep(draft, [*earlier, kept])
            usage = "import open_clip\n\nmodel = open_clip.create_model('local-dir:THIS_FOLDER')"
            card = model_card(patch, clip.name, usage, figures, forced, library="open_clip")
            (draft / "README.md").write_text(card, encoding="utf-8")
    finally:
        with torch.no_grad():
            weight.copy_(original)
    return out


def _base_of(patch: Patch, clip: Clip, earlier: Sequence[Kept], force: bool) -> tuple[list[str], list[str]]:
    """Concepts that were gone when the patch was made, and what was forced."""
    gone = [kept.header["concept"] for kept in earlier]
    twice = any(kept.update is not None and torch.equal(kept.update, patch.update) for kept in earlier)
    if earlier and not twice and not _made_on(patch, clip.model):
        with _before_all(clip.model, earlier):
            if _made_on(patch, clip.model):
                return [], []
    return gone, patch.check(clip.model, force)


def _made_on(patch: Patch, model: nn.Module) -> bool:
    """Whether these are the weights that a patch was made on; those of the other tower too, if it says."""
    other = json.loads(patch.header["base_fingerprint"]).get("other_tower")
    if other is not None and tower_digest(model, "text" if patch.tower == "vision" else "vision") != other:
        return False
    try:
        return not patch.check(model)
    except PatchMismatchError:
        return False


@contextmanager
def _before_all(model: nn.Module, earlier: Sequence[Kept]) -> Iterator[None]:
    """The model as it was before all patches it carries."""
    layers = {kept.header["layer"] for kept in earlier}
    saved = {layer: get_layer(model, layer).detach().clone() for layer in layers}
    try:
        with torch.no_grad():
            for kept in reversed(earlier):
                get_layer(model, kept.header["layer"]).copy_(kept.original)
        yield
    finally:
        with torch.no_grad():
            for layer, weight in saved.items():
                get_layer(model, layer).copy_(weight)


def revert_folder(folder: Path, out: Path, number: int | None = None) -> Path:
    """Write the model without one of the patches it carries: as if that had never been applied.

    Without the last one the model is as before it, bit for bit. Updates of the same layer that came later are
    added anew to the weight before it, as they were added at first.

    Args:
        folder: A folder that ``apply_to_folder`` wrote.
        out: Folder to write; must not exist yet.
        number: Which patch, from 0 in their order; the last by default.

    Returns:
        ``out``.

    Raises:
        DataNotFoundError: If the folder carries no such patch.
        PatchMismatchError: If a kept original is not the one a patch was applied to, or the weights have
            changed since the last patch.
    """
    _refuse_existing(out)
    kept = read_kept(folder)
    if not kept or (number is not None and not 0 <= number < len(kept)):
        what = f"carries no patch (no {UNDO_FOLDER}/*.safetensors); there is nothing to revert"
        if kept:
            what = f"carries {len(kept)} patches, 0 to {len(kept) - 1}; there is no {number}"
        raise DataNotFoundError(f"{str(folder)!r} {what}.")
    for one in kept:
        _check_original(one, folder)
    check_weights(folder)
    clip = load_clip(f"{LOCAL}{folder}")
    rest, weight = _without(kept, len(kept) - 1 if number is None else number)
    layer = kept[-1 if number is None else number].header["layer"]
    get_layer(clip.model, layer).data.copy_(weight)
    with atomic_folder(out) as draft:
        _copy_companions(folder, draft)
        _write_model(clip, _open_clip_config(clip, folder), draft)
        keep(draft, rest)
    return out


def _without(kept: Sequence[Kept], number: int) -> tuple[list[Kept], Tensor]:
    """The other patches, with the originals they then have, and the weight of the layer in question."""
    gone = kept[number]
    weight, rest = gone.original, list(kept[:number])
    for one in kept[number + 1 :]:
        if one.header["layer"] == gone.header["layer"]:
            if one.update is None:
                raise DataNotFoundError(
                    f"The update of {one.header['concept']!r} was not kept by the version that applied it; "
                    "revert that one first."
                )
            one = replace(one, original=weight)
            weight = one.patch.edited(weight)
        rest.append(one)
    return rest, weight


def _check_original(kept: Kept, folder: Path) -> None:
    # With --force the original is not the patch's base; folders of earlier versions name the base alone.
    base = json.loads(kept.header["base_fingerprint"])["layer"]
    tampered = tensor_digest(kept.original) != kept.header.get("original_digest", base)
    if kept.update is not None:
        tampered |= tensor_digest(kept.update) != kept.header.get("update_digest")
    if tampered:
        msg = (
            f"What is kept in {str(folder / UNDO_FOLDER)!r} was changed; restore the model from "
            f"{kept.header['base_model']!r}."
        )
        raise PatchMismatchError(msg)


def write_clip(clip: Clip, out: Path) -> Path:
    """Write a CLIP as a folder that ``load_clip("local-dir:OUT")`` loads, its tokeniser with it.

    Args:
        clip: The model, under the name that its settings are found by.
        out: Folder to write; must not exist yet.

    Raises:
        SettingError: If ``out`` exists.
    """
    _refuse_existing(out)
    source = _source_folder(clip.name)
    with atomic_folder(out) as draft:
        if source is not None and (source / MERGES_FILE).is_file():
            shutil.copyfile(source / MERGES_FILE, draft / MERGES_FILE)
        _write_model(clip, _open_clip_config(clip, source), draft)
    return out


def _refuse_existing(out: Path) -> None:
    if out.exists():
        msg = f"{str(out)!r} exists already. Choose another --out or remove it first; nothing was changed."
        raise SettingError(msg)


def _source_folder(name: str) -> Path | None:
    """Folder the model came from, if it came from one."""
    if name == MINIATURE:
        return miniature_folder()
    return Path(name.removeprefix(LOCAL)) if name.startswith(LOCAL) else None


def _copy_companions(source: Path | None, draft: Path) -> None:
    """What belongs to a folder beside config and weights: its tokeniser, and originals of earlier patches."""
    if source is None:
        return
    if (source / MERGES_FILE).is_file():
        shutil.copyfile(source / MERGES_FILE, draft / MERGES_FILE)
    if (source / UNDO_FOLDER).is_dir():
        shutil.copytree(source / UNDO_FOLDER, draft / UNDO_FOLDER)


def _write_model(clip: Clip, config: dict[str, Any], draft: Path) -> None:
    (draft / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    state = {name: tensor.contiguous() for name, tensor in clip.model.state_dict().items()}
    save_file(state, draft / WEIGHTS_FILE, metadata={"format": "pt"})
    save_tokenizer = getattr(clip.tokenize, "save_pretrained", None)
    if save_tokenizer is not None:  # one of transformers: in a folder it is looked for beside the weights
        save_tokenizer(draft)


def _open_clip_config(clip: Clip, source: Path | None) -> dict[str, Any]:
    """open_clip's own description of the model: from its folder, or from the built-in configuration."""
    import open_clip

    if source is not None:
        config: dict[str, Any] = json.loads((source / CONFIG_FILE).read_text(encoding="utf-8"))
        if (source / MERGES_FILE).is_file():
            # A program that starts in the folder finds it; elsewhere open_clip stops, not taking its own.
            text = config["model_cfg"]["text_cfg"]
            text["tokenizer_kwargs"] = {**text.get("tokenizer_kwargs", {}), "bpe_path": MERGES_FILE}
        return config
    architecture, _ = split_name(clip.name)
    return {
        "model_cfg": open_clip.get_model_config(architecture),
        "preprocess_cfg": dict(clip.model.visual.preprocess_cfg),  # type: ignore[union-attr, arg-type]
    }
