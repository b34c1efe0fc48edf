"""What a model of a request is: its name, or what its files hold, wherever they lie."""

import hashlib
from functools import cache
from pathlib import Path

LOCAL = "local-dir:"  # as open_clip has it; this file is read in processes that load no model


def identity(model: str, pretrained: str | None = None) -> list[str | None]:
    """Name and tag of a model, with SHA-256 for a folder or file that is here.

    Weights that were trained anew at the same place are another model; those that were moved are the same.

    Args:
        model: As ``load_clip`` reads it.
        pretrained: Its tag or weights file.
    """
    if model.startswith(LOCAL):
        folder = Path(model.removeprefix(LOCAL))
        lines = [f"{file.name} {_sha256(file)}" for file in sorted(folder.glob("*")) if file.is_file()]
        return [LOCAL + hashlib.sha256("\n".join(lines).encode()).hexdigest() if lines else model, None]
    if pretrained is not None and Path(pretrained).is_file():
        return [model, _sha256(Path(pretrained))]
    return [model, pretrained]


def absolute(model: str) -> str:
    """The same model for a process that stands elsewhere.

    Example:
        >>> absolute("ViT-B-32"), absolute("local-dir:/a/b")
        ('ViT-B-32', 'local-dir:/a/b')
    """
    return f"{LOCAL}{Path(model.removeprefix(LOCAL)).absolute()}" if model.startswith(LOCAL) else model


def _sha256(path: Path) -> str:
    state = path.stat()
    return _sha256_of(path, state.st_mtime_ns, state.st_size)


@cache
def _sha256_of(path: Path, changed: int, size: int) -> str:
    """Read once per process as long as the file does not change."""
    del changed, size
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
