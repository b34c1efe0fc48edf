"""Shards as the web delivers them: the run goes on, and the report says what was left out."""

import io
import os
import shutil
import tarfile

import pytest

from slug_lightning.cli import main
from slug_lightning.reports.report_file import read_report
from tests.helpers import fit, words


def add(tar, name, data):
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


@pytest.fixture
def world(tiny_world, tmp_path):
    copy = tmp_path / "world"
    shutil.copytree(tiny_world, copy)
    return copy


def add_bad_pairs(shard, count):
    with tarfile.open(shard, "w") as tar:
        for i in range(count):
            add(tar, f"{i:04d}a.jpg", b"\xff\xd8\xff\xe0 not the rest of a JPEG")
            add(tar, f"{i:04d}a.txt", b"a chalk drawing")
            add(tar, f"{i:04d}b.txt", b"a caption alone")
            add(tar, f"{i:04d}c.jpg", b"this is text")
            add(tar, f"{i:04d}c.txt", b"a neon sign")


def test_bad_members_are_counted_by_reason_in_the_report(world, tmp_path):
    add_bad_pairs(world / "laion" / "99999.tar", 4)
    report = read_report(fit(world, tmp_path) / "report.json")
    skipped = report["data"]["retain"]["skipped"]
    assert skipped["broken_image"] == 4
    assert skipped["no_image"] == 4
    assert skipped["not_an_image"] == 4


def test_too_many_stop_the_run_with_one_sentence(world, tmp_path, capsys):
    add_bad_pairs(world / "laion" / "99999.tar", 400)
    assert main(words(world, tmp_path)) == 2
    shown = capsys.readouterr().err
    assert "max_bad_share" in shown
    assert "400 broken_image" in shown


def test_a_truncated_shard_is_said_in_the_report(world, tmp_path):
    shard = sorted((world / "laion").glob("*.tar"))[-1]
    shard.write_bytes(shard.read_bytes()[: int(shard.stat().st_size * 0.9)])
    report = read_report(fit(world, tmp_path) / "report.json")
    assert report["data"]["retain"]["skipped"]["missing"] > 0
    assert "truncated" in " ".join(report["data"]["retain"]["problems"])


def test_unreadable_evaluation_images_are_counted_and_bounded(world, tmp_path, capsys):
    images = sorted((world / "celeba" / "img_align_celeba").glob("*.jpg"))
    images[0].write_bytes(b"junk")
    report = read_report(fit(world, tmp_path / "one") / "report.json")
    assert sum(report["unreadable_images"].values()) == 1
    for path in images:
        path.write_bytes(b"junk")
    assert main(words(world, tmp_path / "all")) == 2
    assert "could not be read" in capsys.readouterr().err


@pytest.mark.timeout(120)
def test_pipes_folders_and_empty_files_among_evaluation_images_are_counted_and_hang_nothing(world, tmp_path):
    faces = sorted((world / "celeba" / "img_align_celeba").glob("*.jpg"))
    styles = sorted((world / "ImageNet" / "val").glob("*/*.JPEG"))
    for path in (*faces[:2], styles[0]):
        path.unlink()
    os.mkfifo(faces[0])
    faces[1].mkdir()
    faces[2].write_bytes(b"")
    faces[3].write_bytes(faces[3].read_bytes()[:-200])
    os.mkfifo(styles[0])
    going_on = ["--data.max_bad_share", "0.9"]
    report = read_report(fit(world, tmp_path, *going_on, status=None) / "report.json")
    assert sum(report["unreadable_images"].values()) == 5


def test_errors_of_loader_processes_are_one_sentence_too(world, tmp_path, capsys):
    shard = sorted((world / "laion").glob("*.tar"))[0]
    add_bad_pairs(world / "laion" / "99999.tar", 400)
    assert shard.exists()
    assert main(words(world, tmp_path, "--data.num_workers", "1")) == 2
    shown = capsys.readouterr().err
    assert "max_bad_share" in shown
    assert "Traceback" not in shown
