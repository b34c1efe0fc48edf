"""A folder of images with a table of captions, to curate from."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slug_lightning.curation.harvest import Harvest
from slug_lightning.curation.query import Query
from slug_lightning.curation.rows import CHUNK, Row, fetch_rows, find_rows, other_rows
from slug_lightning.curation.table import Columns, TableRow, read_table
from slug_lightning.data.images import read_image_file
from slug_lightning.data.reasons import BadMemberError, SkipReason
from slug_lightning.errors import BadDataError, DataNotFoundError


@dataclass(frozen=True)
class FolderSource:
    """Some rows of a table whose images lie in a folder.

    Attributes:
        folder: Where the images are.
        table: The table, for its name and state.
        start: Number of the first row.
        rows: The rows.
    """

    folder: Path
    table: Path
    start: int
    rows: tuple[TableRow, ...]

    @property
    def name(self) -> str:
        """Table and rows, ``captions.csv[0:5000]``."""
        return f"{self.table}[{self.start}:{self.start + len(self.rows)}]"

    @property
    def state(self) -> str:
        """Size and time of the table."""
        about = self.table.stat()
        return repr((about.st_size, about.st_mtime_ns))

    def find(self, query: Query) -> Harvest:
        """Pairs that name the concept, in order."""
        return find_rows(self._rows(), query, self._image, self.table.name)

    def others(self, query: Query) -> list[str]:
        """Keys of the pairs that have a caption and do not name the concept, in order, each once."""
        return list(dict.fromkeys(other_rows(self._rows(), query)))

    def fetch(self, query: Query, keys: Sequence[str]) -> Harvest:
        """Usable pairs out of ``keys``, in order; those that name the concept after all are ``excluded``."""
        return fetch_rows(self._rows(), query, keys, self._image, self.table.name)

    def captions(self, count: int) -> list[str]:
        """The first captions."""
        return [row.caption for row in self.rows if row.caption is not None][:count]

    def _rows(self) -> list[Row]:
        return [Row(row.image, row.caption, row.url) for row in self.rows]

    def _image(self, row: Row) -> bytes:
        """Names come from a table, which may come from the web: only files under the folder are read."""
        root = os.path.normpath(self.folder.absolute())
        path = Path(os.path.normpath(Path(root) / row.key))
        if not row.key or not path.is_relative_to(root):
            raise BadMemberError(SkipReason.UNSAFE_NAME, row.key)
        return read_image_file(path)


def folder_sources(folder: Path, table: Path, columns: Columns = Columns()) -> list[FolderSource]:
    """A folder and its table as sources of a few thousand rows each.

    Args:
        folder: Where the images are; the table names them relative to it.
        table: See ``read_table``.
        columns: Names of its columns.

    Raises:
        DataNotFoundError: If the folder or table is not there.
        BadDataError: If the table has no rows or lacks a column.
    """
    if not folder.is_dir():
        raise DataNotFoundError(f"Expected a folder of images but '{folder}' is none; check --images.")
    rows = tuple(read_table(table, columns))
    if not rows:
        raise BadDataError(f"Expected rows in '{table}' but it has none.")
    return [
        FolderSource(folder, table, start, rows[start : start + CHUNK])
        for start in range(0, len(rows), CHUNK)
    ]
