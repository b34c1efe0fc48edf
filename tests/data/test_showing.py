import base64
import io

import torch
from PIL import Image

from slug_lightning.data.labelled import Entry, LabelledImages
from slug_lightning.data.showing import data_uri, pick_samples


def images_in(folder, count):
    entries = []
    for i in range(count):
        path = folder / f"{i}.png"
        Image.new("RGB", (20, 10), (i, 0, 0)).save(path)
        entries.append(Entry(path, path.name, i % 3))
    return LabelledImages(["a", "b", "c"], entries, lambda image: torch.zeros(3, 4, 4))


def test_samples_are_spread_over_the_data_set(tmp_path):
    samples = pick_samples(images_in(tmp_path, 12), "forget", 3)
    assert [s.label for s in samples] == [2, 0, 1]
    assert len(pick_samples(images_in(tmp_path, 2), "forget", 5)) == 2


def test_unreadable_images_are_not_shown(tmp_path):
    images = images_in(tmp_path, 3)
    images.entries[1].path.write_bytes(b"junk")
    assert len(pick_samples(images, "forget", 3)) == 2


def test_a_picture_is_a_small_png():
    uri = data_uri(Image.new("RGB", (1000, 500)), side=160)
    kind, data = uri.split(",")
    assert kind == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        assert image.size == (160, 80)
