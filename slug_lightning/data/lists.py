"""Text lists that come with data sets: one entry a line."""

from pathlib import Path

from slug_lightning.errors import BadDataError, DataNotFoundError


def read_lines(path: Path, advice: str) -> list[tuple[int, str]]:
    """Lines that are not blank, stripped, with their numbers from 1.

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
    return [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
