import numpy as np
import pytest
import torch

from slug_lightning.miniature.diffusion import drawings as module
from slug_lightning.miniature.diffusion.drawings import draw_part, joined


@pytest.fixture
def drawn(monkeypatch):
    """Scan numbers that were drawn."""
    numbers = []
    draw = module.draw_all_styles

    def noted(scans, rng):
        numbers.extend(scans.numbers.tolist())
        return draw(scans, rng)

    monkeypatch.setattr(module, "draw_all_styles", noted)
    return numbers


def test_every_scan_is_drawn_in_every_style(drawn):
    drawings = draw_part("final", times=2, limit=3)
    assert drawings.images.shape == (60, 3, 32, 32)
    assert drawings.images.dtype == torch.uint8
    assert torch.bincount(drawings.styles).tolist() == [6] * 10
    assert len(drawn) == 6
    pixels = drawings.pixels(torch.tensor([0, 5]))
    assert pixels.shape == (2, 3, 32, 32)
    assert float(pixels.max()) <= 1


def test_the_seed_decides_the_hands():
    first, again, other = (draw_part("final", seed=seed, limit=1).images for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_parts_share_no_scan(monkeypatch):
    class EnoughError(Exception):
        pass

    def scans_of(part):
        def stop(scans, rng):
            raise EnoughError(scans.numbers)

        monkeypatch.setattr(module, "draw_all_styles", stop)
        with pytest.raises(EnoughError) as caught:
            draw_part(part)
        return set(caught.value.args[0].tolist())

    trained, final = scans_of("train"), scans_of("final")
    assert not trained & final
    assert (len(trained), len(final)) == (1097, 500)


def test_labels_belong_to_the_images():
    from slug_lightning.miniature.styles import STYLES

    drawings = draw_part("final", limit=20)
    by_style = [drawings.pixels(drawings.styles == s).mean(dim=(0, 2, 3)) for s in range(10)]
    names = [style.name for style in STYLES]
    red, _, blue = by_style[names.index("blueprint")]
    assert blue > red + 0.2
    red, _, blue = by_style[names.index("gold leaf")]
    assert red > blue + 0.1
    assert np.ptp(torch.bincount(drawings.digits, minlength=10).numpy()) <= 20


def test_every_drawing_knows_its_scan_and_parts_can_be_joined():
    one, other = (draw_part(part, limit=2) for part in ("search", "final"))
    assert torch.bincount(one.scans).max() == 10
    assert set(one.scans.tolist()).isdisjoint(other.scans.tolist())
    both = joined(one, other)
    assert torch.equal(both.take(slice(20, None)).images, other.images)
    assert torch.equal(both.scans, torch.cat([one.scans, other.scans]))
    assert len(both) == 40
