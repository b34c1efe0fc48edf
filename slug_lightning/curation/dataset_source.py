"""A Hugging Face data set that was saved with ``save_to_disk``, to curate from."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from slug_lightning.curation.harvest import Harvest
from slug_lightning.curation.query import Query
from slug_lightning.curation.rows import CHUNK, Row, fetch_rows, find_rows, other_rows
from slug_lightning.curation.table import Columns, check_columns
from slug_lightning.data.images import read_image_file
from slug_lightning.data.reasons import BadMemberError, SkipReason
from slug_lightning.errors import BadDataError, DataNotFoundError, SettingError


@dataclass(frozen=True)
class DatasetSource:
    """Some rows of a data set, whose encoded images are kept as they are.

    Attributes:
        path: Folder that ``save_to_disk`` wrote.
        start: Number of the first row.
        stop: Number behind the last.
        columns: Names of its columns.
    """

    path: Path
    start: int
    stop: int
    columns: Columns

    @property
    def name(self) -> str:
        """Folder and rows, ``data/prints[0:5000]``."""
        return f"{self.path}[{self.start}:{self.stop}]"

    @property
    def state(self) -> str:
        """Size and time of the file that lists the data set's parts."""
        about = (self.path / "state.json").stat()  # written anew by every save_to_disk
        return repr((about.st_size, about.st_mtime_ns))

    def find(self, query: Query) -> Harvest:
        """Pairs that name the concept, in order."""
        return find_rows(self._rows(), query, self._image, self.path.name)

    def others(self, query: Query) -> list[str]:
        """Keys of the pairs that have a caption and do not name the concept, in order, each once."""
        return other_rows(self._rows(), query)

    def fetch(self, query: Query, keys: Sequence[str]) -> Harvest:
        """Usable pairs out of ``keys``, in order; those that name the concept after all are ``excluded``."""
        return fetch_rows(self._rows(), query, keys, self._image, self.path.name)

    def captions(self, count: int) -> list[str]:
        """The first captions."""
        return [row.caption for row in self._rows()[:count] if row.caption is not None]

    def _rows(self) -> list[Row]:
        """Rows by number; captions alone are read."""
        texts = _open(str(self.path), self.columns).select_columns(
            [
                name
                for name in (self.columns.caption, self.columns.url)
                if name in _names(self.path, self.columns)
            ]
        )[self.start : self.stop]
        captions = texts[self.columns.caption]
        urls = texts.get(self.columns.url, [None] * len(captions))
        return [
            Row(
                str(self.start + i),
                caption if isinstance(caption, str) else None,
                url if isinstance(url, str) else "",
            )
            for i, (caption, url) in enumerate(zip(captions, urls, strict=True))
        ]

    def _image(self, row: Row) -> bytes:
        value = _open(str(self.path), self.columns)[int(row.key)][self.columns.image]
        if isinstance(value, dict):  # {"bytes": ..., "path": ...}, bytes or path alone may be there
            if value.get("bytes") is None and isinstance(value.get("path"), str):
                return read_image_file(Path(value["path"]))
            value = value.get("bytes")
        if not isinstance(value, bytes):
            raise BadMemberError(SkipReason.NO_IMAGE, row.key)
        return value


def dataset_sources(path: Path, columns: Columns) -> list[DatasetSource]:
    """A saved data set as sources of a few thousand rows each.

    Args:
        path: Folder that ``datasets.Dataset.save_to_disk`` wrote.
        columns: Names of its columns; the image column holds images (``datasets.Image``) or their bytes.

    Raises:
        SettingError: If ``datasets`` is not installed.
        DataNotFoundError: If there is no data set; one of several splits is to be named.
        BadDataError: If it is damaged or lacks a column.
    """
    if (path / "dataset_dict.json").is_file():
        splits = sorted(p.parent.name for p in path.glob("*/state.json"))
        raise DataNotFoundError(
            f"'{path}' holds the splits {splits}; name one: '{path / (splits or ['train'])[0]}'."
        )
    if not (path / "state.json").is_file():
        raise DataNotFoundError(
            f"Expected a data set that save_to_disk of datasets wrote, but '{path}' is none; check --dataset."
        )
    size = len(_open(str(path), columns))
    return [DatasetSource(path, start, min(start + CHUNK, size), columns) for start in range(0, size, CHUNK)]


def _names(path: Path, columns: Columns) -> list[str]:
    return list(_open(str(path), columns).column_names)


@lru_cache(maxsize=2)
def _open(path: str, columns: Columns) -> Any:
    """The data set, memory-mapped; its images stay encoded."""
    try:
        import datasets
    except ImportError as error:
        raise SettingError(
            "Expected the package datasets for --dataset; install it: pip install 'slug_lightning[datasets]'"
        ) from error
    try:
        opened = datasets.load_from_disk(path)
    except Exception as error:  # pyarrow and datasets raise many kinds on damaged files
        reason = str(error).split("\n")[0][:200]
        raise BadDataError(
            f"Expected a whole data set in '{path}' but it cannot be loaded: {reason}."
        ) from error
    check_columns(list(opened.column_names), columns, path)
    if isinstance(opened.features[columns.image], datasets.Image):
        opened = opened.cast_column(columns.image, datasets.Image(decode=False))
    return opened
