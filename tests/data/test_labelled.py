import os
from pathlib import Path

import pytest
import torch

from slug_lightning.data.evaluation import evaluation_loader
from slug_lightning.data.labelled import Entry, LabelledImages, pick
from tests.data.tars import picture, png_bomb


def test_picking_is_stable_under_adding_images():
    entries = [Entry(Path(f"{i}.jpg"), f"{i}.jpg", i % 4) for i in range(80)]
    fewer = [entry for entry in entries if entry.label != 3 and entry.key != "79.jpg"]
    kept = pick(entries, lambda label: 5, seed=3)
    assert [e for e in kept if e.label != 3] == pick(fewer, lambda label: 5, seed=3)
    assert sorted(e.label for e in kept) == [0] * 5 + [1] * 5 + [2] * 5 + [3] * 5
    assert kept == [e for e in entries if e in kept]


def make_bad(path, kind):
    whole = picture(1, (200, 200))
    path.unlink(missing_ok=True)
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "link to nothing":
            path.symlink_to(path.parent / "nowhere.jpg")
        case "sparse file":
            with path.open("wb") as file:
                file.truncate(1 << 40)
        case _:
            path.write_bytes({"empty": b"", "cut": whole[:-500], "text": b"<html>", "bomb": png_bomb()}[kind])


BAD = {
    "folder": "no_image",
    "pipe": "no_image",
    "device": "no_image",
    "link to nothing": "no_image",
    "sparse file": "too_large",
    "empty": "not_an_image",
    "cut": "broken_image",
    "text": "not_an_image",
    "bomb": "too_large",
}


@pytest.mark.timeout(60)
def test_what_is_no_picture_is_counted_and_none_of_it_hangs_or_fills_the_memory(tmp_path):
    for kind in BAD:
        make_bad(tmp_path / f"{kind}.jpg", kind)
    (tmp_path / "good.jpg").write_bytes(picture(2))
    entries = [Entry(path, path.name, 0) for path in sorted(tmp_path.iterdir())]
    images = LabelledImages(["a"], entries, lambda image: torch.zeros(3, 2, 2))
    assert {e.path.stem: images[i].get("skipped") for i, e in enumerate(entries)} == {**BAD, "good": None}
    (batch,) = evaluation_loader(images, 100)
    assert batch["key"] == ["good.jpg"]
    assert sum(batch["skipped"].values()) == len(BAD)
