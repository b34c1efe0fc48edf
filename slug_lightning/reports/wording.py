"""How numbers and layer names are written for people."""

import math
import re
from collections.abc import Mapping

_NOT_BREAKING = "\u00a0"
_SIZES = ("B", "kB", "MB", "GB", "TB")
_BLOCK = re.compile(r"^(?:transformer\.)?(?:resblocks|layers|blocks|trunk\.blocks)\.(\d+)\.(.+)$")


def percent(value: float) -> str:
    """Write a share as a percentage with one decimal.

    Args:
        value: A share, 0 to 1.

    Example:
        >>> percent(0.5832).replace(chr(160), " ")
        '58.3 %'
    """
    return f"{100 * value:.1f}{_NOT_BREAKING}%"


def points(difference: float) -> str:
    """Write a difference of two shares in signed percentage points, zero without a sign.

    Example:
        >>> points(-0.034), points(-0.0001)
        ('\u22123.4', '0.0')
    """
    size = f"{abs(100 * difference):.1f}"
    if size == "0.0":
        return size
    return ("+" if difference > 0 else "\u2212") + size


def figures(value: float, count: int = 3) -> str:
    """Write a number with ``count`` significant figures; very large or small ones as a power of ten.

    Example:
        >>> figures(0.0123456), figures(12345.6), figures(3.2e-7)
        ('0.0123', '12300', '3.2e-07')
    """
    if value == 0 or not math.isfinite(value) or not 1e-4 <= abs(value) < 1e6:
        return f"{value:.{count}g}"
    places = count - 1 - math.floor(math.log10(abs(value)))
    return f"{round(value, places):.{max(places, 0)}f}"


def seconds(value: float) -> str:
    """Write a duration.

    Example:
        >>> [seconds(s).replace(chr(160), " ") for s in (0.21, 39.04, 312)]
        ['0.21 s', '39.0 s', '5 min 12 s']
    """
    if value >= 60:
        minutes, rest = divmod(round(value), 60)
        return f"{minutes}{_NOT_BREAKING}min {rest}{_NOT_BREAKING}s"
    return f"{value:.1f}{_NOT_BREAKING}s" if value >= 10 else f"{value:.2f}{_NOT_BREAKING}s"


def data_size(count: float) -> str:
    """Write a number of bytes in powers of 1000.

    Example:
        >>> [data_size(n).replace(chr(160), " ") for n in (812, 65_536, 9_437_184)]
        ['812 B', '65.5 kB', '9.4 MB']
    """
    for unit in _SIZES[:-1]:
        if count < 999.95 or (unit == "B" and count < 1000):
            break
        count /= 1000
    else:
        unit = _SIZES[-1]
    return f"{count:.0f}{_NOT_BREAKING}B" if unit == "B" else f"{count:.1f}{_NOT_BREAKING}{unit}"


def short_layer(name: str, tower: str) -> str:
    """Shorten a layer name for a figure: tower letter, block number, the rest without ``weight``.

    Example:
        >>> short_layer("visual.transformer.resblocks.3.attn.in_proj_weight", "vision")
        'v3.attn.in_proj'
        >>> short_layer("text_projection", "text")
        't.text_projection'
    """
    rest = re.sub(r"^(visual|text)\.", "", name)
    rest = re.sub(r"[._]weight$", "", rest)
    block = _BLOCK.match(rest)
    if block:
        return f"{tower[0]}{block[1]}.{block[2]}"
    return f"{tower[0]}.{rest}"


def shorten(text: str, length: int) -> str:
    """Cut ``text`` to at most ``length`` characters, the last of them an ellipsis when cut.

    Example:
        >>> shorten("Ada Example the Second", 12)
        'Ada Example\u2026'
    """
    return text if len(text) <= length else text[: length - 1].rstrip() + "\u2026"


def settings_text(settings: Mapping[str, float]) -> str:
    """Write the setting of a method.

    Example:
        >>> settings_text({"learning_rate": 0.003, "updates": 8.0})
        'learning rate 0.003, updates 8'
    """
    return ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in settings.items())
