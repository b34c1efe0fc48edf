"""The most memory that a piece of work took.

What a process has held before and given back is used again and not seen: measure in a new process.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROCESS = Path("/proc/self")


@dataclass
class Peak:
    """Bytes beyond what the process held at the start; ``None`` where the system does not tell."""

    bytes: int | None = None


@contextmanager
def peak_memory() -> Iterator[Peak]:
    """Measure the block: on Linux the kernel forgets the peak before and is asked for it after.

    Example:
        >>> with peak_memory() as peak:
        ...     block = bytearray(64 * 2**20)
        >>> peak.bytes is None or peak.bytes > 32 * 2**20
        True
    """
    found = Peak()
    before = _resident("VmRSS") if _forget_peak() else None
    try:
        yield found
    finally:
        after = _resident("VmHWM") if before is not None else None
        if before is not None and after is not None:
            found.bytes = max(0, after - before)


def _forget_peak() -> bool:
    try:
        (PROCESS / "clear_refs").write_text("5")  # see proc(5)
    except OSError:
        return False
    return True


def _resident(entry: str) -> int | None:
    try:
        text = (PROCESS / "status").read_text()
    except OSError:
        return None
    match = re.search(rf"^{entry}:\s+(\d+) kB", text, re.MULTILINE)
    return int(match[1]) * 1024 if match else None
