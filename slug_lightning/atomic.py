"""Files and folders that appear whole or not at all.

A file is written under a temporary name in the same folder, flushed to disk and renamed; a process that is
killed at any moment leaves at most a ``.<name>.<random>.tmp`` beside the final name, never a half file under
it.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path; on success flush it to disk and rename it to ``path``.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "report.json"
        >>> with atomic_path(target) as draft:
        ...     _ = draft.write_text("{}")
        ...     target.exists()
        False
        >>> target.read_text()
        '{}'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Random: processes of several machines that share the folder may have the same number.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        yield draft
        _like_any_new_file(draft)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _like_any_new_file(path: Path) -> None:
    """Permissions as the user's umask says; some writers make files that only the owner can read."""
    path.chmod(0o666 & ~_umask())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def atomic_folder(path: Path | str) -> Iterator[Path]:
    """Yield a temporary folder; on success it replaces ``path`` as a whole.

    An older folder under ``path`` is moved aside first and removed last, so a reader finds the old one,
    for one instant none, then the new one; a killed writer leaves the old one or none, never a mixture.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
    draft.chmod(0o777 & ~_umask())
    old = draft.with_suffix(".old")
    try:
        yield draft
        if path.exists():
            path.rename(old)
        draft.rename(path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def write_text(path: Path | str, text: str) -> None:
    """Write ``text`` as UTF-8 to ``path``, whole or not at all."""
    with atomic_path(path) as draft:
        draft.write_text(text, encoding="utf-8")


def link_or_copy(source: Path, path: Path) -> None:
    """Give a finished file a second name, without its bytes a second time where that is possible."""
    with atomic_path(path) as draft:
        try:
            os.link(source, draft)
        except OSError:  # another file system, or one without links
            shutil.copyfile(source, draft)
