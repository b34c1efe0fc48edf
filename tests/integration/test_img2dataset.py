"""The actual img2dataset downloads drawn images from a local server; a run takes its shards unchanged."""

import io
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from slug_lightning.cli import main
from slug_lightning.data.captions import names_concept
from slug_lightning.data.census import take_census
from slug_lightning.data.shards import iter_pairs
from slug_lightning.reports.report_file import read_report
from tests.helpers import fit
from tests.tools import run_tool

pytestmark = pytest.mark.slow

RETAIN, FORGET, PER_SHARD = 250, 40, 100
SHAPES = [(32, 32, "JPEG", "RGB"), (300, 180, "PNG", "RGBA"), (90, 210, "WEBP", "RGB"), (64, 64, "PNG", "L")]
TAILS = ["", ", größer als üblich", " — 手書きの数字", " 🙂 naïve «été»"]


@dataclass(frozen=True)
class Listed:
    """A row of a LAION metadata file: where the image is and what the web says of it."""

    url: str
    caption: str


class Web:
    """A server on this machine that has the images, one page that is none, and nothing else."""

    def __init__(self) -> None:
        self.files = {"/page.jpg": b"<html>This image has moved.</html>"}
        files = self.files

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = files.get(self.path)
                self.send_response(404 if body is None else 200)
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def offer(self, number: int, image: Image.Image) -> str:
        """Put an image online, in a size and format that changes with its number."""
        *size, kind, mode = SHAPES[number % len(SHAPES)]
        buffer, path = io.BytesIO(), f"/{number:06d}.{kind.lower()}"
        image.convert(mode).resize(size).save(buffer, kind)
        self.files[path] = buffer.getvalue()
        return self.url(path)


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    web = Web()
    yield web
    web.server.shutdown()
    web.server.server_close()


def offered(web: Web, shards: Path, limit: int, first: int) -> list[Listed]:
    """Pairs of the miniature world, put online; captions get words that are not ASCII."""
    rows = []
    for number, pair in zip(range(first, first + limit), iter_pairs(str(shards / "*.tar")), strict=False):
        caption = pair.caption + TAILS[number % len(TAILS)]
        rows.append(Listed(web.offer(number, pair.image), caption))
    assert len(rows) == limit
    return rows


def download(rows: list[Listed], folder: Path) -> None:
    """What LAION's own instructions say, on a metadata file with LAION's columns."""
    folder.mkdir()
    columns = {
        "SAMPLE_ID": list(range(len(rows))),
        "URL": [r.url for r in rows],
        "TEXT": [r.caption for r in rows],
    }
    columns |= {
        "NSFW": ["UNLIKELY"] * len(rows),
        "similarity": [0.31] * len(rows),
        "LICENSE": ["?"] * len(rows),
    }
    pq.write_table(pa.table(columns), folder / "metadata.parquet")
    options = {
        "input_format": "parquet",
        "url_col": "URL",
        "caption_col": "TEXT",
        "output_format": "webdataset",
    }
    options |= {"output_folder": "shards", "processes_count": "1", "thread_count": "8", "image_size": "256"}
    options |= {"number_sample_per_shard": str(PER_SHARD), "enable_wandb": "False"}
    options |= {"save_additional_columns": '["NSFW","similarity","LICENSE"]'}
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    run_tool("img2dataset", "--url_list", "metadata.parquet", *words, cwd=folder)


@pytest.fixture(scope="module")
def downloaded(web, tiny_world, tmp_path_factory):
    """Rows that came, retain rows first, and the folder with ``retain/shards`` and ``forget/shards``."""
    root = tmp_path_factory.mktemp("downloaded")
    retain = offered(web, tiny_world / "laion", RETAIN, 0)
    forget = offered(web, tiny_world / "forget" / "seven", FORGET, 1000)
    lost = [
        Listed(web.url("/gone.jpg"), "a picture of a six"),
        Listed(web.url("/page.jpg"), "a picture of a two"),
    ]
    silent = Listed(retain[0].url, "")
    download([*retain[:150], *lost, silent, *retain[150:]], root / "retain")
    download(forget, root / "forget")
    return root, retain, forget


def test_its_shards_are_read_as_they_are(downloaded):
    root, retain, _ = downloaded
    shards = root / "retain" / "shards"
    pairs = sorted(iter_pairs(str(shards / "*.tar")), key=lambda pair: pair.key)  # they lie as they came in
    assert [pair.caption for pair in pairs] == [row.caption for row in retain]
    assert all(pair.image.size == (256, 256) for pair in pairs)
    stats = [json.loads(p.read_text()) for p in sorted(shards.glob("*_stats.json"))]
    assert [s["count"] for s in stats] == [100, 100, 53]
    assert sum(s["failed_to_download"] for s in stats) == sum(s["failed_to_resize"] for s in stats) == 1


def test_the_census_finds_what_stats_and_parquet_promise(downloaded, tmp_path):
    shards = downloaded[0] / "retain" / "shards"
    census = take_census(str(shards / "{00000..00002}.tar"))
    assert census.samples == RETAIN + 1
    assert (census.missing, list(census.problems)) == (0, [])
    for path in sorted(shards.iterdir()):
        if not path.name.endswith("_stats.json"):
            (tmp_path / path.name).write_bytes(path.read_bytes())
    last = tmp_path / "00002.tar"
    last.write_bytes(last.read_bytes()[: last.stat().st_size // 2])
    cut = take_census(str(tmp_path / "*.tar"))
    assert cut.missing > 0
    assert "00002.parquet promises" in " ".join(cut.problems)


def test_a_run_takes_them_unchanged_and_accounts_for_every_pair(downloaded, tiny_world, tmp_path):
    root, retain, _ = downloaded
    shards = ["--data.forget_shards", str(root / "forget/shards/*.tar")]
    shards += ["--data.retain_shards", str(root / "retain/shards/{00000..00002}.tar")]
    folder = fit(tiny_world, tmp_path, *shards)
    report = read_report(folder / "report.json")
    named = sum(names_concept(row.caption, "seven") for row in retain)
    data = report["data"]
    assert named > 0
    assert (data["forget"]["pairs"], data["forget"]["skipped"]) == (FORGET, {})
    assert data["retain"]["pairs"] == RETAIN - named
    assert data["retain"]["skipped"] == {"excluded": named, "no_caption": 1}
    assert not [*data["forget"]["problems"], *data["retain"]["problems"]]
    forget = report["metrics"]["forget/top1"]
    assert forget["before"]["value"] > 0.5
    assert forget["after"]["value"] < forget["before"]["value"] / 2


def test_curate_takes_them_unchanged_and_believes_their_parquet(downloaded, tmp_path):
    root, retain, _ = downloaded
    shards = str(root / "retain/shards/{00000..00002}.tar")
    assert (
        main(["curate", "--concept", "seven", "--shards", shards, "--out", str(tmp_path), "--retain", "50"])
        == 0
    )
    facts = json.loads((tmp_path / "seven" / "manifest.json").read_text())
    named = sorted(row.caption for row in retain if names_concept(row.caption, "seven"))
    assert sorted(pair.caption for pair in iter_pairs(f"{tmp_path}/seven/*.tar")) == named
    assert facts["counts"] == {
        "captions": RETAIN + 1, "matched": len(named), "kept": len(named), "left_out": {"no_caption": 1},
    }  # fmt: skip
    assert [source["searched"] for source in facts["sources"]] == [f"0000{n}.parquet" for n in range(3)]
    assert not any(source["problems"] for source in facts["sources"])
    assert len(facts["retain"]["pairs"]) == 50
    # It notes the digest of what it downloaded, and stores what it has resized.
    assert all(
        pair["download_sha256"] and pair["download_sha256"] != pair["sha256"] for pair in facts["pairs"]
    )
