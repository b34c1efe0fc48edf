"""Image bytes to RGB, refusing what is no image, is broken, or would fill the memory."""

import io
import os
import stat
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from slug_lightning.data.reasons import BadMemberError, SkipReason

MAX_PIXELS = 32_000_000  # above any camera picture of the data sets; 96 MB as RGB, for each loader process
MAX_ASPECT = 100.0
MAX_FILE_BYTES = 128 * 1024 * 1024
MAX_SCANS = 100  # of a progressive JPEG, which has about 10; each costs a pass over all pixels and 50 bytes

# Only decoders that parse pixels in process: others (EPS) start programs.
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
_MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"GIF8", b"BM")


def decode_image(data: bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode image bytes to an RGB image.

    Palette, CMYK, alpha and grey images are converted as ``open_clip``'s transforms do: alpha is
    dropped, EXIF orientation is not applied. 16-bit grey keeps its upper byte.

    Args:
        data: The encoded file: JPEG, PNG, WebP, GIF (first frame) or BMP.
        max_pixels: Largest width times height, read from the header before any pixel is decoded. Above
            about 179 million pixels Pillow's own limit holds.

    Returns:
        The image in mode RGB, loaded.

    Raises:
        BadMemberError: With reason ``not_an_image``, ``broken_image``, ``too_large`` or ``absurd_shape``.

    Example:
        >>> buffer = io.BytesIO()
        >>> Image.new("L", (4, 3), 200).save(buffer, "PNG")
        >>> decode_image(buffer.getvalue()).mode
        'RGB'
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of odd EXIF, palettes and size; we judge ourselves
        with _open(data) as image:
            _check_shape(image.width, image.height, max_pixels)
            if image.format == "JPEG" and (scans := data.count(b"\xff\xda")) > MAX_SCANS:
                raise BadMemberError(SkipReason.TOO_LARGE, f"{scans} scans")
            try:
                return _to_rgb(image)
            except Exception as error:  # Pillow's decoders raise many kinds on damaged data
                raise BadMemberError(SkipReason.BROKEN_IMAGE, str(error)) from error


def read_image_file(path: Path) -> bytes:
    """Read an image file without decoding it.

    Args:
        path: The file. Links are followed.

    Raises:
        BadMemberError: ``no_image`` if it is a folder, a pipe or a device, is not there or may not be read;
            ``too_large`` above 128 MiB.
    """
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise BadMemberError(SkipReason.NO_IMAGE, "not a file")
            if about.st_size > MAX_FILE_BYTES:
                raise BadMemberError(SkipReason.TOO_LARGE, f"{about.st_size:,} bytes")
            return file.read(MAX_FILE_BYTES)
    except BadMemberError:  # a ValueError, too
        raise
    except (OSError, ValueError) as error:  # removed, a folder, not permitted; a name with a NUL
        raise BadMemberError(SkipReason.NO_IMAGE, str(error)) from error


def _without_waiting(path: str, flags: int) -> int:
    """Opening a pipe would otherwise wait for a writer, for ever."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _open(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=_FORMATS)
    except Image.DecompressionBombError as error:
        raise BadMemberError(SkipReason.TOO_LARGE, str(error)) from error
    except UnidentifiedImageError as error:
        reason = (
            SkipReason.BROKEN_IMAGE if data.startswith(_MAGIC) else SkipReason.NOT_AN_IMAGE
        )  # a known signature with an unreadable header is damage
        raise BadMemberError(reason, "no decoder accepts it") from error
    except Exception as error:  # as above: header parsing of damaged data
        raise BadMemberError(SkipReason.BROKEN_IMAGE, str(error)) from error


def _check_shape(width: int, height: int, max_pixels: int) -> None:
    if min(width, height) < 1 or max(width, height) > MAX_ASPECT * min(width, height):
        raise BadMemberError(SkipReason.ABSURD_SHAPE, f"{width} x {height} pixels")
    if width * height > max_pixels:
        raise BadMemberError(SkipReason.TOO_LARGE, f"{width} x {height} pixels")


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey: convert() would clip at 255, not scale
        upper = np.asarray(image).astype(np.int64) >> 8
        image = Image.fromarray(np.clip(upper, 0, 255).astype(np.uint8))
    return image.convert("RGB")
