"""Copying a model folder file by file, in little memory."""

import hashlib
import os
import shutil
from pathlib import Path

from slug_lightning.errors import BadDataError

_SKIPPED_FOLDERS = (".git", ".cache", "__pycache__")


def copy_folder(source: Path, draft: Path, skipped: set[str], own: set[str], link: bool) -> None:
    """Copy the files of a folder.

    Args:
        source: Where from; links in it are followed.
        draft: Where to.
        skipped: Files to leave out, relative to the source.
        own: Files that need bytes of their own although ``link`` is set.
        link: Link the others.

    Raises:
        BadDataError: If a file cannot be copied.
    """
    for name in files_of(source):
        if name in skipped:
            continue
        target = draft / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            if link and name not in own:
                _link(source / name, target)
            else:
                shutil.copyfile(source / name, target)
        except OSError as error:
            reason = error.strerror or error
            msg = f"Could not copy {name!r} of {str(source)!r} ({reason}); nothing was written."
            raise BadDataError(msg) from error


def file_digest(path: Path) -> str:
    """SHA-256 of a file, as hex; memory does not grow with it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_of(folder: Path) -> list[str]:
    """Files under a folder, relative to it; version control and caches are none of them."""
    names, seen = [], {folder.resolve()}
    for root, folders, files in os.walk(folder, followlinks=True):
        found = {name: (Path(root) / name).resolve() for name in folders if name not in _SKIPPED_FOLDERS}
        folders[:] = sorted(name for name in found if found[name] not in seen)  # links may lead in a circle
        seen |= {found[name] for name in folders}
        names += [(Path(root) / name).relative_to(folder).as_posix() for name in sorted(files)]
    return names


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source.resolve(), target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)
