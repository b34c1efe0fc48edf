"""What searching a million captions costs, against reading the tars and against decoding every image.

    python -m benchmarks.curate [--shards 100] [--rows 10000] [--tars 10] [--matches 10]

Captions are made up of random words, some of which are not ASCII; a few name the concept, in the first TARS
shards only. These have real tars of 256 x 256 JPEGs; the other tars are files of 0 bytes, since they are not
opened. Each figure comes from a process of its own. Reading all tars and decoding all images is not done:
both are measured on a part, which is said, and multiplied.
"""

import argparse
import io
import json
import random
import tarfile
from dataclasses import asdict
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from benchmarks.measuring import MIB, Meter
from slug_lightning.atomic import write_text
from slug_lightning.curation.curate import curate
from slug_lightning.curation.index import search_index
from slug_lightning.curation.query import Query
from slug_lightning.curation.tar_source import TarSource
from slug_lightning.data.shards import iter_pairs

CONCEPT = "Ada Example"
DECODED = 2_000
PARTS = ("search", "curate", "captions", "decode")


def main() -> None:
    options = _options()
    with TemporaryDirectory(dir=options.scratch) as scratch:
        folder = Path(scratch)
        _make(folder, options)
        parts = {part: _in_process(part, folder, options) for part in PARTS}
    print(_table(parts, options))
    if options.out is not None:
        write_text(options.out, json.dumps(parts, indent=1))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shards", type=int, default=100)
    parser.add_argument("--rows", type=int, default=10_000, help="in each shard")
    parser.add_argument("--tars", type=int, default=10, help="shards that hold matches")
    parser.add_argument("--matches", type=int, default=10, help="in each of these")
    parser.add_argument("--scratch", type=Path, help="where to write the data, 1.5 GB by default")
    parser.add_argument("--out", type=Path, help="JSON of all figures")
    return parser.parse_args()


def _make(folder: Path, options: argparse.Namespace) -> None:
    rng = random.Random(0)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 10))) for _ in range(20_000)]
    words += [f"{word}é" for word in words[:200]]
    images = [_picture(number) for number in range(16)]
    for shard in range(options.shards):
        captions = [" ".join(rng.choices(words, k=rng.randint(4, 16))) for _ in range(options.rows)]
        if shard < options.tars:
            for row in rng.sample(range(options.rows), options.matches):
                captions[row] = f"{captions[row]} {CONCEPT.upper()}"
        keys = [f"{shard:05d}{row:04d}" for row in range(options.rows)]
        _write_index(folder / f"{shard:05d}.parquet", keys, captions)
        if shard < options.tars:
            _write_tar(folder / f"{shard:05d}.tar", keys, captions, images)
        else:
            (folder / f"{shard:05d}.tar").touch()


def _picture(seed: int) -> bytes:
    """A smooth random picture with some grain, as large as a photograph of that size: about 15 kB."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 255, (16, 16, 3), np.uint8)).resize(
        (256, 256), Image.Resampling.BICUBIC
    )
    pixels = np.asarray(coarse).astype(int) + rng.normal(0, 8, (256, 256, 3)).astype(int)
    buffer = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def _write_index(path: Path, keys: list[str], captions: list[str]) -> None:
    count = len(keys)
    table = {
        "key": keys,
        "caption": captions,
        "url": [f"https://example.com/{key}.jpg" for key in keys],
        "status": ["success"] * count,
        "sha256": [f"{number:064x}" for number in range(count)],
    }
    sizes = {name: [256] * count for name in ("width", "height", "original_width", "original_height")}
    pq.write_table(pa.table({**table, **sizes}), path)


def _write_tar(path: Path, keys: list[str], captions: list[str], images: list[bytes]) -> None:
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for number, (key, caption) in enumerate(zip(keys, captions, strict=True)):
            facts = json.dumps({"key": key, "url": f"https://example.com/{key}.jpg"}).encode()
            members = {"jpg": images[number % len(images)], "json": facts, "txt": caption.encode()}
            for ending, data in members.items():
                member = tarfile.TarInfo(f"{key}.{ending}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))


def _in_process(part: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (part, str(folder), options))


def _measure(part: str, folder: str, options: argparse.Namespace) -> dict[str, Any]:
    shards = [f"{folder}/{number:05d}.tar" for number in range(options.shards)]
    indices = [shard.replace(".tar", ".parquet") for shard in shards]
    query = Query(CONCEPT)
    search_index(indices[0], query)  # imports and connects
    meter = Meter()
    meter.loaded()
    meter.start()
    if part == "search":
        done = sum(search_index(index, query).pairs for index in indices)
    elif part == "curate":
        done = len(curate(query, [TarSource(shard) for shard in shards], Path(folder, "out")).forget.kept)
    elif part == "captions":
        done = TarSource(shards[0], use_index=False).find(query).pairs
    else:
        done = sum(1 for _ in islice(iter_pairs(shards[0]), DECODED))
    return {"done": done, **asdict(meter.stop())}


def _table(parts: dict[str, dict[str, Any]], options: argparse.Namespace) -> str:
    rows = options.shards * options.rows
    search, whole, captions, decode = (parts[name] for name in PARTS)
    lines = [
        f"| {rows:,} captions in {options.shards:,} shards, one process | CPU | rows/s | memory |",
        "|---|--:|--:|--:|",
    ]
    for name, figures, share in (
        ("search the parquet files", search, 1.0),
        (f"slug curate: search, read and write {whole['done']:,} pairs", whole, 1.0),
        (
            f"read all captions from the tars ({captions['done']:,} measured)",
            captions,
            rows / captions["done"],
        ),
        (f"decode every image ({decode['done']:,} measured)", decode, rows / decode["done"]),
    ):
        cpu = figures["cpu"] * share
        lines.append(f"| {name} | {cpu:,.1f} s | {rows / cpu:,.0f} | {figures['extra'] / MIB:,.0f} MiB |")
    ratio = decode["cpu"] * rows / decode["done"] / whole["cpu"]
    return "\n".join(
        [*lines, "", f"Decoding everything would take {ratio:,.0f} times what slug curate takes."]
    )


if __name__ == "__main__":
    main()
