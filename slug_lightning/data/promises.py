"""How many pairs a shard should hold, from the files img2dataset writes beside it."""

import json
from dataclasses import dataclass
from pathlib import Path

MAX_PAIRS = 1_000_000  # no shard holds more; a larger promise is no promise
MAX_STATS_BYTES = 16 * 1024 * 1024

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
        The promise, or ``None`` if neither file is there, readable and plausible.
    """
    path = Path(shard)
    stem = next((path.name.removesuffix(end) for end in _TAR if path.name.endswith(end)), path.stem)
    return _from_stats(path.with_name(f"{stem}_stats.json")) or _from_parquet(
        path.with_name(f"{stem}.parquet")
    )


def _from_stats(path: Path) -> Promise | None:
    try:
        if not path.is_file() or path.stat().st_size > MAX_STATS_BYTES:  # a pipe would wait for ever
            return None
        successes = json.loads(path.read_text(encoding="utf-8"))["successes"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):  # not img2dataset's
        return None
    return _plausible(successes, path.name) if type(successes) is int else None


def _plausible(pairs: int, source: str) -> Promise | None:
    printable = source.encode("utf-8", "backslashreplace").decode()
    return Promise(pairs, printable) if 0 <= pairs <= MAX_PAIRS else None


def _from_parquet(path: Path) -> Promise | None:
    if not path.is_file():
        return None
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            rows = file.metadata.num_rows
            if "status" not in file.schema_arrow.names or not 0 <= rows <= MAX_PAIRS:
                return _plausible(rows, path.name)
            status = file.read(columns=["status"])["status"].to_pylist()
            return _plausible(sum(value == "success" for value in status), path.name)
    except Exception:  # as above; on damaged files pyarrow raises many kinds
        return None
