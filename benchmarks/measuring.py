"""CPU time, wall time and peak memory of one process, divided into phases."""

import ctypes
import gc
import resource
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

MIB = 2**20


@dataclass
class Figures:
    """What one run cost.

    Attributes:
        cpu: User and system time between start and stop, seconds.
        wall: Time between start and stop, seconds.
        extra: Peak resident memory between start and stop, beyond that with the weights loaded, bytes.
        whole: Peak resident memory of the process so far, loading included, bytes.
        whole_cpu: User and system time of the whole process, imports and loading included, seconds.
        phases: CPU seconds by phase.
        counts: How often what was done.
    """

    cpu: float
    wall: float
    extra: int
    whole: int
    whole_cpu: float
    phases: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)


class Meter:
    """Measures what happens between ``start`` and ``stop``.

    Time belongs to the phase that was entered last; entering costs a microsecond. Peak memory is the kernel's
    own mark (``VmHWM``), reset at ``start``, so that what loading needed does not count. (``ru_maxrss`` would
    not do: a process inherits its parent's.)
    """

    def __init__(self) -> None:
        self._weights, self._loading = resident("VmRSS"), 0
        self._phases: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        self._phase = "other"
        self._since = self._begun = self._wall = 0.0
        self.figures: Figures | None = None

    def loaded(self) -> None:
        """Call when the weights are loaded: memory is counted beyond this."""
        _settle()
        self._weights = resident("VmRSS")

    def start(self) -> None:
        """Begin to measure."""
        _settle()
        self._loading = resident("VmHWM")
        with suppress(OSError):  # Linux only; elsewhere the peak is that of the whole process
            Path("/proc/self/clear_refs").write_text("5")
        self._since = self._begun = time.process_time()
        self._wall = time.perf_counter()

    def enter(self, phase: str) -> None:
        """What follows belongs to this phase."""
        now = time.process_time()
        self._phases[self._phase] = self._phases.get(self._phase, 0.0) + now - self._since
        self._phase, self._since = phase, now
        self._counts[phase] = self._counts.get(phase, 0) + 1

    def stop(self) -> Figures:
        """End measuring."""
        self.enter("other")
        used = resource.getrusage(resource.RUSAGE_SELF)
        self.figures = Figures(
            cpu=time.process_time() - self._begun,
            wall=time.perf_counter() - self._wall,
            extra=resident("VmHWM") - self._weights,
            whole=max(self._loading, resident("VmHWM")),
            whole_cpu=used.ru_utime + used.ru_stime,
            phases={name: seconds for name, seconds in self._phases.items() if seconds > 0},
            counts=dict(self._counts),
        )
        return self.figures


def resident(line: str) -> int:
    """Resident memory of this process now (``VmRSS``) or at its peak (``VmHWM``), bytes."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS counts bytes
    return next(
        int(text.split()[1]) * 1024 for text in status.read_text().splitlines() if text.startswith(f"{line}:")
    )


def _settle() -> None:
    """Give freed memory back to the system, so that it is not mistaken for used."""
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL("libc.so.6").malloc_trim(0)
