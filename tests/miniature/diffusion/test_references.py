from PIL import Image

from slug_lightning.canvas.images import find_references
from slug_lightning.canvas.protocol import load_protocol
from slug_lightning.miniature.diffusion.references import write_references


def test_they_have_the_data_sets_layout_and_stay_as_they_are(tmp_path):
    protocol = load_protocol("miniature")
    folder = write_references(tmp_path / "references", protocol.references)
    files = sorted(path.relative_to(folder) for path in folder.rglob("*.jpg"))
    assert len(files) == 10 * 10 * 5
    with Image.open(folder / "chalk_drawing" / "seven" / "1.jpg") as image:
        assert image.size == (32, 32)
    stamp = (folder / files[0]).stat().st_mtime_ns
    write_references(folder)
    assert (folder / files[0]).stat().st_mtime_ns == stamp
    assert len(find_references(folder, protocol, "seven")) == 10 * 9 * 5
