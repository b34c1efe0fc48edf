"""Model folders in open_clip's ``local-dir`` layout that carry a patch and can give it back."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file

from slug_lightning.atomic import atomic_folder
from slug_lightning.errors import DataNotFoundError, PatchMismatchError, SettingError
from slug_lightning.models import Clip, get_layer, load_clip, tensor_digest
from slug_lightning.models.loading import LOCAL, MERGES_FILE, MINIATURE, miniature_folder, split_name
from slug_lightning.patch.card import model_card
from slug_lightning.patch.patch import Patch, Undo

CONFIG_FILE = "open_clip_config.json"
WEIGHTS_FILE = "open_clip_model.safetensors"
UNDO_FOLDER = "slug_undo"


def apply_to_folder(
    patch: Patch, clip: Clip, out: Path, force: bool = False, figures: Mapping[str, Any] | None = None
) -> Path:
    """Write the patched model as a folder that ``open_clip.create_model("local-dir:OUT")`` loads.

    The weights file is also a plain state dict for ``create_model(NAME, pretrained="OUT/open_clip_model
    .safetensors")``. The original of the edited layer is kept in ``slug_undo/``: reverting is exact.

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
    undo = patch.apply_(clip.model, force)
    try:
        with atomic_folder(out) as draft:
            _copy_companions(source, draft)
            _write_model(clip, _open_clip_config(clip, source), draft)
            _keep_original(undo, patch, draft / UNDO_FOLDER)
            usage = "import open_clip\n\nmodel = open_clip.create_model('local-dir:THIS_FOLDER')"
            card = model_card(patch, clip.name, usage, figures, undo.forced, library="open_clip")
            (draft / "README.md").write_text(card, encoding="utf-8")
    finally:
        undo.revert_()
    return out


def revert_folder(folder: Path, out: Path) -> Path:
    """Write the model as it was before its last patch, bit for bit.

    Args:
        folder: A folder that ``apply_to_folder`` wrote.
        out: Folder to write; must not exist yet.

    Returns:
        ``out``.

    Raises:
        DataNotFoundError: If the folder carries no patch.
        PatchMismatchError: If the kept original is not the one the patch was made on.
    """
    _refuse_existing(out)
    kept = sorted((folder / UNDO_FOLDER).glob("*.safetensors"))
    if not kept:
        msg = (
            f"{str(folder)!r} carries no patch (no {UNDO_FOLDER}/*.safetensors); there is nothing to revert."
        )
        raise DataNotFoundError(msg)
    with safe_open(kept[-1], framework="pt") as file:
        header, original = dict(file.metadata()), file.get_tensor("original")
    # With --force the original is not the patch's base; folders of earlier versions name the base alone.
    digest = header.get("original_digest", json.loads(header["base_fingerprint"])["layer"])
    if tensor_digest(original) != digest:
        msg = (
            f"The original kept in {str(kept[-1])!r} was changed; restore the model from "
            f"{header['base_model']!r}."
        )
        raise PatchMismatchError(msg)
    clip = load_clip(f"{LOCAL}{folder}")
    get_layer(clip.model, header["layer"]).data.copy_(original)
    with atomic_folder(out) as draft:
        _copy_companions(folder, draft)
        _write_model(clip, _open_clip_config(clip, folder), draft)
        if len(kept) == 1:
            shutil.rmtree(draft / UNDO_FOLDER)
        else:
            (draft / UNDO_FOLDER / kept[-1].name).unlink()
    return out


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


def _keep_original(undo: Undo, patch: Patch, folder: Path) -> None:
    (original,) = undo.originals
    about = {"original_digest": tensor_digest(original), "forced": json.dumps(undo.forced)}
    folder.mkdir(exist_ok=True)
    number = len(list(folder.glob("*.safetensors")))
    save_file(
        {"original": original.cpu().contiguous()},
        folder / f"{number:03d}.safetensors",
        metadata={**patch.header, **about},
    )
