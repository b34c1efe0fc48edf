"""Hosts by their ID on the Hub, and patched models back to it, as huggingface_hub does both."""

from pathlib import Path

from slug_lightning.errors import ModelNotFoundError, SettingError
from slug_lightning.hosts.files import Library
from slug_lightning.patch.ledger import UNDO_FOLDER

# What a host of transformers needs: no weights in other formats.
_PATTERNS = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja", "*.md", "LICENSE*", "NOTICE*"]
_CARD = ["README.md", "LICENSE*", "NOTICE*"]


def find_host(
    model: str,
    library: Library,
    revision: str | None = None,
    variant: str | None = None,
    any_format: bool = False,
) -> Path:
    """Folder of a host: the folder itself, or the Hub's copy of it, downloaded where it is not cached.

    Args:
        model: Folder, or ID on the Hub.
        library: What the host is for.
        revision: Branch, tag or commit on the Hub.
        variant: Weights of a variant such as ``fp16`` (diffusers).
        any_format: Also take weights that are not in safetensors files.

    Raises:
        ModelNotFoundError: If it is neither a folder nor to be had from the Hub.
    """
    if Path(model).is_dir():
        return Path(model)
    try:
        return _download(model, library, revision, variant, any_format)
    except Exception as error:  # the Hub and the network raise many kinds; all mean "cannot load"
        reason = str(error).strip().split("\n")[0][:300] or type(error).__name__
        msg = (
            f"{model!r} is neither a folder nor a model that could be loaded from the Hub: {reason} "
            "Check the ID, the network and, for gated models, `hf auth login`; --write pretrained also takes "
            "weights that are not in safetensors files."
        )
        raise ModelNotFoundError(msg) from error


def push_to_hub(folder: Path, repo: str, private: bool, message: str) -> str:
    """Upload a patched model; the originals in ``slug_undo/`` stay here.

    Args:
        folder: What ``slug apply`` wrote.
        repo: ``USER/NAME``; made if it is not there.
        private: Make it a private one.
        message: Commit message.

    Returns:
        Address of the repository.

    Raises:
        SettingError: If the Hub refuses.
    """
    from huggingface_hub import HfApi

    api = HfApi()
    try:
        address = api.create_repo(repo, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=repo, folder_path=folder, ignore_patterns=[f"{UNDO_FOLDER}/*"], commit_message=message
        )
    except Exception as error:  # as above
        reason = str(error).strip().split("\n")[0][:300] or type(error).__name__
        msg = (
            f"The Hub did not take {repo!r}: {reason} The patched model is in {str(folder)!r}; check the "
            "name and log in with `hf auth login`."
        )
        raise SettingError(msg) from error
    return str(address)


def _download(
    model: str, library: Library, revision: str | None, variant: str | None, any_format: bool
) -> Path:
    from huggingface_hub import snapshot_download

    if library != "diffusers":
        return Path(
            snapshot_download(model, revision=revision, allow_patterns=None if any_format else _PATTERNS)
        )
    from diffusers import DiffusionPipeline

    # Takes the files of the pipeline alone: repositories hold the weights in several formats.
    folder = DiffusionPipeline.download(
        model, revision=revision, variant=variant, use_safetensors=None if any_format else True
    )
    snapshot_download(model, revision=revision, allow_patterns=_CARD)  # into the same folder
    return Path(folder)
