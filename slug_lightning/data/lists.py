"""Text lists that come with data sets: one entry a line."""

from pathlib import Path

from slug_lightning.errors import BadDataError, DataNotFoundError


def read_every_line(path: Path, advice: str) -> list[str]:
    """All lines, stripped, blank ones too: for lists in which the number of a line has a meaning.

    Args:
        path: The list, UTF-8.
        advice: What to do if it is missing: the end of the error's sentence.

    Raises:
        DataNotFoundError: If there is no such file.
        BadDataError: If it is not UTF-8 text.
    """
    if not path.is_file():
        raise DataNotFoundError(f"List '{path}' is missing; {advice}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadDataError(f"Expected UTF-8 text in '{path}' but got {error}; save it as UTF-8.") from error
    except OSError as error:
        raise unreadable(path, error) from error
    return [line.strip() for line in text.splitlines()]


def read_lines(path: Path, advice: str) -> list[tuple[int, str]]:
    """Lines that are not blank, stripped, with their numbers from 1; see ``read_every_line``."""
    return [(number, line) for number, line in enumerate(read_every_line(path, advice), 1) if line]


def list_folder(folder: Path) -> list[Path]:
    """What is in a folder, sorted by name.

    Raises:
        DataNotFoundError: If it is missing or may not be read.
    """
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise unreadable(folder, error) from error


def unreadable(path: Path, error: OSError) -> DataNotFoundError:
    """The error for a file or folder that cannot be read."""
    return DataNotFoundError(
        f"'{path}' cannot be read: {error.strerror or error}; check it and its permissions."
    )
