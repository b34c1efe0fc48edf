"""One trial of a method that edits the whole model: what was set, in place of a layer and a step."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """Hyper-parameters by name, in their order.

    Example:
        >>> str(Setting.of(learning_rate=0.001, updates=4))
        'learning_rate 0.001, updates 4'
    """

    entries: tuple[tuple[str, float], ...]

    @classmethod
    def of(cls, **values: float) -> "Setting":
        """A setting of these values."""
        return cls(tuple(values.items()))

    @property
    def values(self) -> Mapping[str, float]:
        """As a mapping."""
        return dict(self.entries)

    def __str__(self) -> str:
        return ", ".join(f"{name} {value:g}" for name, value in self.entries)
