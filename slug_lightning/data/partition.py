"""Which images the step search may look at, and which only the final figures use."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from slug_lightning.data.lists import read_lines
from slug_lightning.errors import BadDataError, SettingError

Split = Literal["search", "final"]


@dataclass(frozen=True)
class Partition:
    """Gives each image name to the search, to the final figures, or to neither; never to both.

    Without a list, the split is by a seeded hash of the name: adding files moves none of the others.

    Args:
        share: Share of images for the search, in (0, 1); without a list only.
        seed: Seed of the hash.
        listed: Split by image name; names that are not listed belong to neither.

    Raises:
        SettingError: If ``share`` is out of range.

    Example:
        >>> Partition(listed={"000001.jpg": "search"}).split_of("000001.jpg")
        'search'
    """

    share: float = 0.2
    seed: int = 0
    listed: Mapping[str, Split] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise SettingError(f"Expected a search share between 0 and 1 but got {self.share}.")

    @classmethod
    def read(cls, path: Path | str) -> "Partition":
        """Read a list of lines ``name 1`` (search), ``name 2`` (final) or ``name 0`` (neither).

        This is the format of CelebA's ``list_eval_partition.txt``. Beware that the official list gives every
        *person* to one side only, so it holds no final images of a person who is in the search.

        Args:
            path: The list.

        Raises:
            DataNotFoundError: If the list is missing.
            BadDataError: If a line is not in this format, or a name occurs with two numbers.
        """
        seen: dict[str, str] = {}
        for number, line in read_lines(Path(path), "leave the setting out to split by hash."):
            name, digit = line[:-1].rstrip(), line[-1]
            well_formed = len(name) + 1 < len(line) and name and digit in "012"
            if not well_formed or seen.setdefault(name, digit) != digit:
                raise BadDataError(
                    f"Expected 'name 0', 'name 1' or 'name 2', once a name, but line {number} of '{path}' "
                    f"is '{line}'."
                )
        splits: dict[str, Split] = {"1": "search", "2": "final"}
        return cls(listed={name: splits[digit] for name, digit in seen.items() if digit in splits})

    def split_of(self, name: str) -> Split | None:
        """Split of an image, ``None`` for neither.

        Args:
            name: File name, or path relative to the data's root with ``/``.
        """
        if self.listed is not None:
            return self.listed.get(name)
        return "search" if hashed(name, self.seed) < self.share else "final"


def hashed(name: str, seed: int) -> float:
    """A number in [0, 1) that depends on the name and the seed alone, evenly spread."""
    digest = hashlib.sha256(f"{seed}:{name}".encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
