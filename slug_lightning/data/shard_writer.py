"""Writing shards as img2dataset does: a tar of pairs, a parquet table and a count of outcomes per shard."""

import hashlib
import io
import json
import sys
import tarfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from slug_lightning.atomic import atomic_path, write_text
from slug_lightning.data.samples import IMAGE_SUFFIXES
from slug_lightning.errors import BadDataError, SettingError

LARGEST_SHARD = 10_000  # keys are 5 digits of shard and 4 of pair


class ShardWriter:
    """Write pairs to ``folder/{00000.tar,00000.parquet,00000_stats.json}``, ``00001...``, and so on.

    A shard appears under its name only when it is complete, its tar last; when the block raises, the
    unfinished shard is dropped and the complete ones stay. Equal pairs give equal bytes: headers and the
    times in the stats are fixed. No pairs, no shard.

    Args:
        folder: Where the shards go; it may exist but must hold no tar yet.
        pairs_per_shard: Rows per shard, failures included; at most 10,000.

    Raises:
        BadDataError: If the folder already holds tars, which would mix with the new ones.
        SettingError: If ``pairs_per_shard`` is out of range.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> buffer = io.BytesIO()
        >>> Image.new("RGB", (8, 8)).save(buffer, "PNG")
        >>> folder = Path(tempfile.mkdtemp())
        >>> with ShardWriter(folder) as writer:
        ...     writer.add(buffer.getvalue(), "png", "a black square")
        '000000000'
        >>> sorted(path.name for path in folder.iterdir())
        ['00000.parquet', '00000.tar', '00000_stats.json']
    """

    def __init__(self, folder: Path | str, pairs_per_shard: int = LARGEST_SHARD) -> None:
        if not 1 <= pairs_per_shard <= LARGEST_SHARD:
            raise SettingError(f"Expected pairs_per_shard in 1..{LARGEST_SHARD}, but got {pairs_per_shard}.")
        self.folder = Path(folder)
        self.pairs_per_shard = pairs_per_shard
        self.pairs = 0
        self._shard = 0
        self._rows: list[dict[str, Any]] = []
        self._draft = ExitStack()
        self._tar: tarfile.TarFile | None = None
        present = sorted(path.name for path in self.folder.glob("*.tar"))
        if present:
            raise BadDataError(
                f"Expected a folder without shards, but '{self.folder}' holds {present[0]} and "
                f"{len(present) - 1} more. Name another folder, or remove them first."
            )

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._draft.__exit__(kind, error, trace)
        elif self._rows:
            try:
                self._finish()
            except BaseException:
                self._draft.__exit__(*sys.exc_info())
                raise

    def add(
        self,
        image: bytes,
        extension: str,
        caption: str,
        url: str = "",
        original_size: tuple[int, int] | None = None,
    ) -> str:
        """Append one pair.

        Args:
            image: The encoded image, stored as it is.
            extension: One of ``IMAGE_SUFFIXES``: ``jpg``, ``png`` and so on.
            caption: Its text.
            url: Where it came from.
            original_size: Width and height before resizing, pixels; by default those of ``image``.

        Returns:
            The pair's key, nine digits.

        Raises:
            SettingError: If the extension is not one that readers of shards know.
            BadDataError: If ``image`` is not an image.
        """
        if extension not in IMAGE_SUFFIXES:
            raise SettingError(f"Expected an image extension out of {IMAGE_SUFFIXES}, but got '{extension}'.")
        size = _size(image)
        row = self._row(caption, url, "success", None)
        row["width"], row["height"] = size
        row["original_width"], row["original_height"] = original_size or size
        row["exif"] = "{}"
        row["sha256"] = hashlib.sha256(image).hexdigest()
        key: str = row["key"]
        # All bytes first: what cannot be encoded must not leave half a pair in the tar.
        members = {extension: image, "json": json.dumps(row, indent=4).encode(), "txt": caption.encode()}
        tar = self._open()
        for ending, data in members.items():
            _add_member(tar, f"{key}.{ending}", data)
        self._append(row)
        self.pairs += 1
        return key

    def add_failure(self, caption: str, url: str, error: str) -> None:
        """Record a pair whose image could not be fetched: a row of the table, nothing in the tar."""
        self._open()
        self._append(self._row(caption, url, "failed_to_download", error))

    def _row(self, caption: str, url: str, status: str, error: str | None) -> dict[str, Any]:
        key = f"{self._shard:05d}{len(self._rows):04d}"
        row: dict[str, Any] = dict.fromkeys(_SCHEMA.names)
        row.update(key=key, caption=caption, url=url, status=status, error_message=error)
        return row

    def _append(self, row: dict[str, Any]) -> None:
        self._rows.append(row)
        if len(self._rows) == self.pairs_per_shard:
            self._finish()

    def _open(self) -> tarfile.TarFile:
        if self._tar is None:
            draft = self._draft.enter_context(atomic_path(self._name(".tar")))
            self._tar = self._draft.enter_context(
                tarfile.open(draft, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115
            )
        return self._tar

    def _finish(self) -> None:
        """Write the table and the counts, then let the tar appear under its name."""
        with atomic_path(self._name(".parquet")) as draft:
            pq.write_table(pa.Table.from_pylist(self._rows, schema=_SCHEMA), draft)
        write_text(self._name("_stats.json"), json.dumps(_stats(self._rows), indent=4))
        self._draft.close()
        self._tar, self._rows, self._shard = None, [], self._shard + 1

    def _name(self, ending: str) -> Path:
        return self.folder / f"{self._shard:05d}{ending}"


_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("key", "caption", "url", "status", "error_message")]
    + [(name, pa.int32()) for name in ("width", "height", "original_width", "original_height")]
    + [(name, pa.string()) for name in ("exif", "sha256")]
)


def _stats(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Outcomes of a shard, with the fields that img2dataset writes; times are fixed at zero."""
    outcomes: dict[str, int] = {}
    for row in rows:
        outcome = row["error_message"] or row["status"]
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    successes = outcomes.get("success", 0)
    return {
        "count": len(rows),
        "successes": successes,
        "failed_to_download": len(rows) - successes,
        "failed_to_resize": 0,
        "duration": 0.0,
        "start_time": 0.0,
        "end_time": 0.0,
        "status_dict": outcomes,
    }


def _size(image: bytes) -> tuple[int, int]:
    """Width and height from the header."""
    try:
        with Image.open(io.BytesIO(image)) as opened:
            return opened.size
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise BadDataError(
            f"Expected an encoded image, but got {len(image)} bytes that are none: {error}."
        ) from error


def _add_member(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)  # its defaults: time 0, no owner
    member.size = len(data)
    member.mode = 0o444
    tar.addfile(member, io.BytesIO(data))
