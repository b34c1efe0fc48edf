"""How many pairs a shard should hold, from the files img2dataset writes beside it."""

import json
from dataclasses import dataclass
from pathlib import Path

_TAR = (".tar.gz", ".tgz", ".tar")


@dataclass(frozen=True)
class Promise:
    """A number of pairs and the name of the file that says so."""

    pairs: int
    source: str


def find_promise(shard: str | Path) -> Promise | None:
    """Look up the expected number of pairs of a local shard.

    Args:
        shard: Path of a tar; ``00003_stats.json`` (``successes``) is asked first, then ``00003.parquet``
            (rows with status ``success``).

    Returns:
        The promise, or ``None`` if neither file is there and readable.
    """
    path = Path(shard)
    stem = next((path.name.removesuffix(end) for end in _TAR if path.name.endswith(end)), path.stem)
    return _from_stats(path.with_name(f"{stem}_stats.json")) or _from_parquet(
        path.with_name(f"{stem}.parquet")
    )


def _from_stats(path: Path) -> Promise | None:
    try:
        successes = json.loads(path.read_text(encoding="utf-8"))["successes"]
    except (OSError, ValueError, LookupError, TypeError):  # absent or not img2dataset's
        return None
    return Promise(successes, path.name) if type(successes) is int and successes >= 0 else None


def _from_parquet(path: Path) -> Promise | None:
    if not path.is_file():
        return None
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            if "status" not in file.schema_arrow.names:
                return Promise(file.metadata.num_rows, path.name)
            status = file.read(columns=["status"])["status"]
            return Promise(sum(value == "success" for value in status.to_pylist()), path.name)
    except (OSError, ArrowException):  # as above
        return None
