"""Shards with everything that goes wrong at scale: each thing is counted, or refused, by name."""

import gzip
import json
import shutil
import tarfile
from pathlib import Path

import pytest

from slug_lightning.cli import main
from slug_lightning.data import unlearning
from slug_lightning.reports.report_file import read_report
from tests.data.tars import extension, header, pair, picture, png_bomb, write_pairs, write_tar
from tests.data.test_inflation import bomb
from tests.helpers import fit, words

FORTY_MEGAPIXELS = (8_000, 5_000)
SETS = ["laion/*.tar", "laion/bombs/*.tar.gz", "laion/{90010..90013}.tar"]
GOING_ON = ["--data.missing_shards", "skip", "--data.max_bad_share", "0.9"]


@pytest.fixture
def world(tiny_world, tmp_path):
    copy = tmp_path / "world"
    shutil.copytree(tiny_world, copy)
    return copy


def shards(*patterns):
    return ["--data.retain_shards", json.dumps(patterns)]


def captioned(key, image, suffix="jpg", caption=b"a chalk drawing"):
    return [(f"{key}.{suffix}", image), (f"{key}.txt", caption)]


def bad_members(path):
    """One sample of each kind, and a good one before and after."""
    members = [
        *pair(1, "first"),
        *captioned("forty", picture(1, FORTY_MEGAPIXELS, "PNG"), "png"),
        *captioned("bomb", png_bomb(), "png"),
        *captioned("../outside", picture(1)),
        *captioned("/absolute", picture(1)),
        *captioned("twice", picture(1)),
        *captioned("twice", picture(2)),
        *captioned("latin", picture(1), caption=b"caf\xe9"),
        *captioned("endless", picture(1), caption=b"x" * 5_000),
        *captioned("page", b"<html>404</html>"),
        *captioned("half", picture(1, (200, 200))[:-500]),
        *captioned("empty", picture(1), caption=b" \n"),
        ("alone.txt", b"a caption without a picture"),
        *pair(2, "last"),
        *captioned("first", picture(1)),  # the key of the first sample again
    ]
    write_tar(path, members)
    with tarfile.open(path, "a") as tar:
        for name, kind in (("link.jpg", tarfile.SYMTYPE), ("hard.jpg", tarfile.LNKTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)


def build(laion: Path):
    """Everything at once, among the good shards."""
    good = sorted(laion.glob("*.tar"))[0]
    cut = laion / "90000.tar"
    cut.write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    cut.with_name("90000_stats.json").write_text(json.dumps({"successes": 400}))
    (laion / "90001.tar").write_bytes(b"")
    (laion / "90002.tar").write_bytes(b"<html>Service unavailable</html>" * 100)
    bad_members(laion / "90003.tar")
    (laion / "90003_stats.json").write_text('{"successes": 1' + "0" * 300 + "}")
    (laion / "90003.parquet").write_bytes(b"PAR1 cut")
    doubled = write_pairs(laion / "90004.tar", range(2))
    doubled.write_bytes(doubled.read_bytes() * 2)
    endless = header("x", 1 << 40, b"L") + b"a/" * 500_000
    damaged = write_pairs(laion / "90005.tar", range(3))
    damaged.write_bytes(damaged.read_bytes().rstrip(b"\0").ljust(21 * 512, b"\0")[: 14 * 512] + endless)
    digits = write_pairs(laion / "90006.tar", range(2))
    digits.write_bytes(extension(b"x", b"1" * 65_000) + digits.read_bytes())
    (laion / "bombs").mkdir()
    start = write_pairs(laion / "bombs" / "start.tar", range(2)).read_bytes()[: 14 * 512]
    (laion / "bombs" / "90007.tar.gz").write_bytes(bomb("gzip", start + header("zeros.jpg", 40 << 30)))
    (laion / "bombs" / "90008.tar.gz").write_bytes(gzip.compress(good.read_bytes())[:-5000])
    for number in (10, 13):
        write_pairs(laion / f"900{number}.tar", range(number, number + 2))
    (laion / "90011_stats.json").write_text(json.dumps({"successes": 7}))
    (laion / "90012.tar").symlink_to(laion / "gone.tar")


def test_everything_at_once_is_counted_and_named(world, tmp_path):
    build(world / "laion")
    report = read_report(fit(world, tmp_path, *shards(*SETS), *GOING_ON, status=None) / "report.json")
    data = report["data"]["retain"]
    skipped = data["skipped"]
    expected = {
        "too_large": 2,
        "unsafe_name": 2 + 2,
        "duplicate_member": 2,
        "bad_caption": 2,
        "not_an_image": 1,
        "broken_image": 1,
        "no_image": 1,
    }
    assert {reason: skipped[reason] for reason in expected} == expected
    assert skipped["missing"] > 150  # the other half of one shard, and the seven of a missing one
    assert data["pairs"] + sum(n for r, n in skipped.items() if r != "missing") == data["samples"]
    said = {sentence.split()[0]: sentence for sentence in data["problems"]}
    for name, words_ in PROBLEMS.items():
        assert words_ in said.pop(name)
    assert not said
    assert data["shards"] == len(list((world / "laion").glob("*.tar"))) + 3  # two bombs and a missing one


PROBLEMS = {
    "90000.tar": "of 400 pairs its 90000_stats.json promises: the file is truncated.",
    "90001.tar": "is empty (0 bytes).",
    "90002.tar": "is not a tar.",
    "90004.tar": "is followed by more, which is not read, after 2 samples.",
    "90005.tar": "is damaged after 2 samples.",
    "90006.tar": "is damaged.",
    "90007.tar.gz": "is a decompression bomb after 3 samples.",
    "90008.tar.gz": "is truncated after",
    "90011.tar": "holds 0 of 7 pairs its 90011_stats.json promises: the file is missing",
    "90012.tar": "is missing",
}


def refused(world, tmp_path, capsys, *more):
    """The one sentence of a run that is refused before anything is written."""
    assert main(words(world, tmp_path / "out", *more)) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("slug: ")
    assert "Traceback" not in shown
    assert not list((tmp_path / "out").glob("runs/*/*/*"))
    return shown


def test_a_gap_in_a_range_is_refused_by_name(world, tmp_path, capsys):
    for number in (0, 1, 4):
        write_pairs(world / "laion" / f"9100{number}.tar", range(2))
    pattern = "laion/{91000..91009}.tar"
    shown = refused(world, tmp_path, capsys, *shards(pattern))
    assert f"Expected 10 shards of '{world}/{pattern}' but 7 are missing: " in shown
    assert all(f"{number}.tar'" in shown for number in (91002, 91003, 91005))
    assert "and 4 more" in shown
    assert "missing_shards" in shown
    shown = refused(world, tmp_path, capsys, *shards(pattern), "--data.missing_shards", "skip")
    assert (
        "Nothing could be read of 7 of 10 shards, more than data.max_bad_share=0.1 allows. 91002.tar" in shown
    )


def test_incomplete_shards_are_refused_by_name_where_that_is_set(world, tmp_path, capsys):
    build(world / "laion")
    refuse = [*GOING_ON, "--data.incomplete_shards", "refuse"]
    shown = refused(world, tmp_path, capsys, *shards(*SETS), *refuse)
    assert "90000.tar holds" in shown
    assert "So are 7 more" in shown


def meddle(monkeypatch, happens):
    """Let something happen between the counting of the retain shards and their reading."""
    count = unlearning.take_census

    def counted(*given, **more):
        census = count(*given, **more)
        if any("laion" in shard.shard for shard in census.shards):
            happens()
        return census

    monkeypatch.setattr(unlearning, "take_census", counted)


@pytest.mark.parametrize("happens", ["it disappears", "it changes"])
def test_a_shard_that_goes_after_it_was_counted(world, tmp_path, capsys, monkeypatch, happens):
    path = write_pairs(world / "laion" / "92000.tar", range(12))

    def happen():
        path.unlink(missing_ok=True)
        if happens == "it changes":
            write_pairs(path, range(5))

    meddle(monkeypatch, happen)
    assert main(words(world, tmp_path / "refused")) == 2
    shown = capsys.readouterr().err
    assert "92000.tar' but it has changed or disappeared since they were counted" in shown
    assert "missing_shards to skip" in shown
    write_pairs(path, range(12))
    report = read_report(fit(world, tmp_path / "skipped", *GOING_ON, status=None) / "report.json")
    assert report["data"]["retain"]["skipped"]["lost"] == 12
    assert report["data"]["retain"]["problems"] == ["92000.tar disappeared or changed after it was counted."]
