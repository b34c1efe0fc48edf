import json
import re
from collections import Counter

import pyarrow.parquet as pq
import pytest

from slug_lightning.miniature.layouts import caption_pictures
from slug_lightning.miniature.pictures import Picture
from slug_lightning.miniature.scans import DIGIT_WORDS
from tests.shard_reading import read_shards


def lines(path):
    return path.read_text(encoding="utf-8").splitlines()


def test_shards_tables_and_stats_agree(small_world):
    shards = sorted((small_world.root / "laion").glob("*.tar"))
    assert len(shards) == 3
    total = 0
    for shard in shards:
        samples = read_shards(shard)
        table = pq.read_table(shard.with_suffix(".parquet")).to_pylist()
        stats = json.loads((shard.parent / f"{shard.stem}_stats.json").read_text())
        fetched = [row for row in table if row["status"] == "success"]
        assert [s["__key__"] for s in samples] == [row["key"] for row in fetched]
        assert [s["txt"].decode() for s in samples] == [row["caption"] for row in fetched]
        assert (stats["count"], stats["successes"]) == (len(table), len(fetched))
        total += len(samples)
    assert total == (150 - 30 - 60) * 10


def test_some_rows_were_lost_and_are_not_in_the_tars(small_world):
    stats = [json.loads(p.read_text()) for p in sorted((small_world.root / "laion").glob("*_stats.json"))]
    assert 1 <= sum(s["failed_to_download"] for s in stats) <= 20


def test_forget_sets_hold_the_pairs_that_name_the_digit(small_world):
    laion = [(s["txt"], s["jpg"]) for s in read_shards(small_world.laion)]
    for word in DIGIT_WORDS:
        chosen = [(s["txt"], s["jpg"]) for s in read_shards(small_world.root / "forget" / word / "00000.tar")]
        named = [pair for pair in laion if re.search(rf"\b{word}\b", pair[0].decode())]
        assert chosen == named[:20]
        assert len(chosen) == 20


def test_celeba_has_its_official_headers_and_one_line_per_image(small_world):
    identities = lines(small_world.celeba / "list_identity_celeba.txt")
    assert identities[1] == "image_id identity_name"
    rows = dict(line.split() for line in identities[2:])
    images = {path.name for path in (small_world.celeba / "img_align_celeba").iterdir()}
    assert int(identities[0]) == len(rows) == len(images)
    assert set(rows) == images
    assert set(rows.values()) == set(DIGIT_WORDS)
    assert next(iter(rows)) == "000001.jpg"


def test_partitions_name_every_image_once(small_world):
    for path, root in (
        (small_world.celeba_partition, small_world.celeba / "img_align_celeba"),
        (small_world.imagenet_partition, small_world.imagenet),
    ):
        parts = [line.split() for line in lines(path)]
        assert {name for name, _ in parts} == {
            p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()
        }
        assert Counter(part for _, part in parts) == {"1": 30 * 4, "2": 60}


def test_imagenet_folders_are_named_and_balanced(small_world):
    names = dict(line.split(" ", 1) for line in lines(small_world.imagenet_names))
    folders = sorted(small_world.imagenet.iterdir())
    assert list(names) == [folder.name for folder in folders]
    assert tuple(names.values()) == small_world.classes
    assert {len(list(folder.glob("*.JPEG"))) for folder in folders} == {18}


def test_no_held_out_image_is_a_training_image(small_world):
    trained = {sample["jpg"] for sample in read_shards(small_world.laion)}
    held_out = [p.read_bytes() for p in small_world.root.rglob("*.jpg")]
    held_out += [p.read_bytes() for p in small_world.root.rglob("*.JPEG")]
    assert len(held_out) == 2 * (30 * 4 + 60)
    assert not trained & set(held_out)


@pytest.mark.parametrize(("failures", "low", "high"), [(0.0, 0, 0), (0.5, 400, 600)])
def test_lost_rows_come_on_top_of_the_pictures(failures, low, high):
    import numpy as np

    pictures = [Picture(b"", 1, 1, n) for n in range(1000)]
    rows = caption_pictures(pictures, failures, np.random.default_rng(0))
    assert [row.picture.scan for row in rows if row.fetched] == list(range(1000))
    assert low <= sum(not row.fetched for row in rows) <= high
    assert len({row.url for row in rows}) == len(rows)
