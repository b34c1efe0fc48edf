"""Shards, folders and brute force for the tests of curation."""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from slug_lightning.curation.query import Query
from slug_lightning.data.shard_writer import ShardWriter
from tests.data.tars import write_tar

CAPTIONS = [
    "a photo of Elon Musk", "a lake", "melon musk perfume", "ELON-MUSK, 2019", "Bart Simpson", "Élon Müsk",
    "pop art poster", "a house", "elon muskrat", "two lakes", "Elon\u2010Musk's rocket", "a tree", "a car",
]  # fmt: skip
NAMING = [0, 3, 5, 10]  # those that name Elon Musk


def png(number: int, size: tuple[int, int] = (6, 4)) -> bytes:
    """A picture of its own for each number below 65536."""
    buffer = io.BytesIO()
    Image.new("RGB", size, (number % 256, number // 256 % 256, 90)).save(buffer, "PNG")
    return buffer.getvalue()


def write_shards(folder: Path, captions=CAPTIONS, per_shard: int = 5, first: int = 0) -> list[str]:
    """Shards with parquet and stats; ``None`` is a pair that was not downloaded."""
    with ShardWriter(folder, per_shard) as writer:
        for number, caption in enumerate(captions, first):
            if caption is None:
                writer.add_failure("Elon Musk, lost", f"https://example.com/{number}", "HTTP Error 404")
            else:
                writer.add(png(number), "png", caption, f"https://example.com/{number}", (600, 400))
    return [str(path) for path in sorted(folder.glob("*.tar"))]


def write_pair(path: Path, pairs, table=None) -> str:
    """One tar of ``(key, caption bytes, image bytes)``, and a parquet of rows if given."""
    members = []
    for key, caption, image in pairs:
        members += [(f"{key}.png", image)] if image is not None else []
        members += [(f"{key}.txt", caption)] if caption is not None else []
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tar(path, members)
    if table is not None:
        write_index(path.with_suffix(".parquet"), table)
    return str(path)


def write_index(path: Path, rows) -> Path:
    """A parquet of ``(key, caption)`` or ``(key, caption, status)``."""
    columns = list(zip(*rows, strict=True)) if rows else [[], []]
    table = {"key": pa.array(columns[0], pa.string()), "caption": pa.array(columns[1], pa.string())}
    status = columns[2] if len(columns) > 2 else ["success"] * len(rows)
    pq.write_table(pa.table({**table, "status": pa.array(status, pa.string())}), path)
    return path


def elon(**changes) -> Query:
    return Query("Elon Musk", **changes)


def files(folder: Path) -> dict[str, bytes]:
    """Every file under a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
