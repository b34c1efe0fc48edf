"""Who is on which image of CelebA: the list with names, or the official one with numbers."""

from pathlib import Path

from slug_lightning.data.lists import read_lines
from slug_lightning.errors import BadDataError, SettingError

NAMES = "list_identity_celeba.txt"
NUMBERS = "identity_CelebA.txt"

REQUEST = "request CelebA and its names of identities at https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"


def read_identities(root: Path, names_file: Path | str | None = None) -> dict[str, str]:
    """Name of the person on each image.

    Args:
        root: Folder with ``list_identity_celeba.txt`` (a count, a heading, then lines
            ``000001.jpg First_Last``) or the official ``identity_CelebA.txt`` (lines ``000001.jpg 2880``).
        names_file: Lines ``2880 First_Last``, where people have numbers.

    Returns:
        Name (spaces for underscores) by image file name; people whose number has no name are left out.

    Raises:
        DataNotFoundError: If a list is missing.
        SettingError: If people have numbers and there is no ``names_file``, or names and there is one.
        BadDataError: If a line is not in its format, or ``names_file`` names nobody of the list.
    """
    path = root / NAMES
    if not path.is_file() and (root / NUMBERS).is_file():
        path = root / NUMBERS
    people = _read_people(path)
    numbers = all(name.isdigit() for name in people.values())
    if names_file is None:
        if people and numbers:
            raise SettingError(
                f"Expected people's names but '{path}' has only numbers, which no prompt can ask for; "
                f"{REQUEST}, or set identities.names to a list with lines '2880 First_Last'."
            )
        return people
    if not numbers:
        raise SettingError(f"Expected no list of names beside '{path}', which has names; leave it out.")
    names = _read_names(Path(names_file))
    named = {image: names[number] for image, number in people.items() if number in names}
    if not named:
        raise BadDataError(
            f"Expected names of the numbers in '{path}' but '{names_file}' names none of them; check it."
        )
    return named


def _read_people(path: Path) -> dict[str, str]:
    people: dict[str, str] = {}
    for number, line in read_lines(path, f"{REQUEST}."):
        fields = line.split(maxsplit=1)
        if _is_image(fields):
            people[fields[0]] = spaced(fields[1])
        elif number > 2:  # the first two are a count and a heading
            raise BadDataError(f"Expected 'image.jpg First_Last' but line {number} of '{path}' is '{line}'.")
    return people


def _read_names(path: Path) -> dict[str, str]:
    names: dict[str, str] = {}
    for number, line in read_lines(path, "write it, or leave identities.names out."):
        person, _, name = line.partition(" ")
        if not person.isdigit() or not spaced(name):
            raise BadDataError(f"Expected '2880 First_Last' but line {number} of '{path}' is '{line}'.")
        names[person] = spaced(name)
    return names


def spaced(name: str) -> str:
    """A name with single spaces, also where a list has underscores.

    Example:
        >>> spaced("Ada_Example ")
        'Ada Example'
    """
    return " ".join(name.replace("_", " ").split())


def _is_image(fields: list[str]) -> bool:
    return len(fields) == 2 and fields[0].lower().endswith((".jpg", ".jpeg", ".png"))
