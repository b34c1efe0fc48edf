import io
import random
import resource
import time

import numpy as np
import pytest
from PIL import Image

from slug_lightning.data.images import decode_image
from slug_lightning.data.reasons import BadMemberError
from tests.data.tars import picture, png_bomb, png_header


def encoded(image: Image.Image, kind: str, **settings) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()


def reason(data: bytes, **settings) -> str:
    with pytest.raises(BadMemberError) as caught:
        decode_image(data, **settings)
    return caught.value.reason.value


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])
def test_all_modes_become_what_convert_gives(mode, kind):
    image = Image.effect_mandelbrot((32, 24), (-2, -1, 1, 1), 50).convert(mode)
    data = encoded(image, kind)
    expected = Image.open(io.BytesIO(data)).convert("RGB")
    assert decode_image(data).mode == "RGB"
    assert decode_image(data).tobytes() == expected.tobytes()


def test_cmyk_jpegs_are_read():
    data = encoded(Image.new("CMYK", (8, 8), (255, 0, 0, 0)), "JPEG")
    red, green, blue = decode_image(data).getpixel((0, 0))
    assert red < 40 < 200 < min(green, blue)


def test_sixteen_bit_grey_is_scaled_not_clipped():
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(4, 0)
    decoded = np.asarray(decode_image(encoded(Image.fromarray(ramp), "PNG")))
    assert np.abs(decoded[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_exif_orientation_is_not_applied():
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by 90 degrees
    data = encoded(Image.new("RGB", (30, 20)), "JPEG", exif=exif.tobytes())
    assert decode_image(data).size == (30, 20)


def test_each_refusal_has_its_reason():
    whole = picture(1, (200, 200))
    assert reason(b"") == "not_an_image"
    assert reason(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n") == "not_an_image"
    assert reason(whole[:8]) == "broken_image"
    assert reason(whole[:-200]) == "broken_image"
    assert reason(png_header(20, 20)) == "broken_image"
    assert reason(picture(1, (201, 2), "PNG")) == "absurd_shape"
    assert decode_image(picture(1, (200, 2), "PNG")).size == (200, 2)


@pytest.mark.parametrize("side", [8_001, 12_000, 30_000, 2_000_000_000])
def test_huge_dimensions_are_refused_from_the_header(side):
    assert reason(png_header(side, side)) == "too_large"


def test_the_limit_is_on_pixels():
    assert decode_image(picture(1, (20, 10)), max_pixels=200).size == (20, 10)
    assert reason(picture(1, (20, 10)), max_pixels=199) == "too_large"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_mutated_images_decode_or_are_refused_with_a_reason(kind):
    base = picture(5, (40, 30), kind)
    rng = random.Random(3)
    refused = 0
    for _ in range(150):
        data = bytearray(base[: rng.randrange(len(base)) if rng.random() < 0.3 else None])
        for _ in range(rng.randint(1, 4) if data else 0):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            assert decode_image(bytes(data), max_pixels=10_000).mode == "RGB"
        except BadMemberError:
            refused += 1
    assert refused > 10


@pytest.mark.parametrize(
    "data", [picture(1, (8_000, 5_000), "PNG"), png_bomb()], ids=["40 megapixels", "bomb"]
)
def test_too_large_a_png_is_refused_before_any_pixel_is_decoded(data, monkeypatch):
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", None)  # would be called to decode
    assert reason(data) == "too_large"
    assert time.perf_counter() - started < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB


def test_a_jpeg_of_thousands_of_scans_is_refused_in_no_time():
    whole = encoded(Image.new("L", (2000, 2000), 128), "JPEG", progressive=True)
    assert decode_image(whole).size == (2000, 2000)
    scan = whole[whole.rindex(b"\xff\xda") : -2]
    started = time.perf_counter()
    assert reason(whole[:-2] + scan * 20_000 + whole[-2:]) == "too_large"
    assert time.perf_counter() - started < 1  # decoding takes minutes
