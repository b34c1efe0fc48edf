"""What is drawn and asked: themes, objects, prompts, seeds and file names of a benchmark, as data."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from slug_lightning.errors import BadDataError, ConceptNotFoundError, DataNotFoundError, closest

Kind = Literal["style", "object"]
FOLDER = Path(__file__).parent / "protocols"


class Cell(NamedTuple):
    """One image of the benchmark, by its place in the lists of themes and objects, and its seed."""

    theme: int
    object: int
    seed: int


@dataclass(frozen=True)
class Protocol:
    """A grid of styles and objects, and how each of its images is drawn.

    Attributes:
        name: ``unlearncanvas``, ``miniature``, or that of your own.
        source: Where its facts come from.
        template: The prompt, with ``{theme}`` and ``{object}``; underscores of a theme become spaces.
        themes: All that the style classifier knows, in the order of its classes.
        objects: All that the object classifier knows, in the order of its classes.
        seeds: One image for each, of every theme with every object.
        steps: Of the sampler.
        guidance: Scale of the classifier-free guidance.
        size: Height and width of an image, in pixels.
        references: Real images of each theme with each object that FID compares with.
        no_style: Themes that are drawn and counted but are no target: photographs.
    """

    name: str
    source: str
    template: str
    themes: tuple[str, ...]
    objects: tuple[str, ...]
    seeds: tuple[int, ...]
    steps: int
    guidance: float
    size: int
    references: int
    no_style: tuple[str, ...] = ()

    @property
    def styles(self) -> tuple[str, ...]:
        """Themes that can be unlearned."""
        return tuple(theme for theme in self.themes if theme not in self.no_style)

    @property
    def targets(self) -> tuple[str, ...]:
        """All that can be unlearned: styles, then objects."""
        return (*self.styles, *self.objects)

    def kind(self, target: str) -> Kind:
        """Whether a target is a style or an object.

        Raises:
            ConceptNotFoundError: If it is neither; the sentence has near misses.
        """
        if target in self.styles:
            return "style"
        if target in self.objects:
            return "object"
        near = closest(target, self.targets) or list(self.targets[:3])
        raise ConceptNotFoundError(
            f"Expected a style or an object of {self.name!r} but got {target!r}. Closest: {near}."
        )

    def names(self, kind: Kind) -> tuple[str, ...]:
        """Classes of the classifier of a kind, in order."""
        return self.themes if kind == "style" else self.objects

    def cells(self, without: str | None = None) -> Iterator[Cell]:
        """All images, seed by seed, theme by theme.

        Args:
            without: Leave out those that show this style or object.
        """
        skip = None if without is None else (self.kind(without), without)
        for seed in self.seeds:
            for theme, name in enumerate(self.themes):
                for number, thing in enumerate(self.objects):
                    if skip not in (("style", name), ("object", thing)):
                        yield Cell(theme, number, seed)

    def prompt(self, cell: Cell) -> str:
        """What a model is asked for."""
        theme = self.themes[cell.theme].replace("_", " ")
        return self.template.format(theme=theme, object=self.objects[cell.object].replace("_", " "))

    def file_name(self, cell: Cell) -> str:
        """Name of an image as the benchmark's scripts write it, e.g. ``Van_Gogh_Bears_seed188.jpg``."""
        return f"{self.themes[cell.theme]}_{self.objects[cell.object]}_seed{cell.seed}.jpg"


def load_protocol(name: str | Path) -> Protocol:
    """A protocol that ships, or one of your own.

    Args:
        name: ``unlearncanvas``, ``miniature``, or the path of a JSON file like theirs.

    Raises:
        DataNotFoundError: If there is neither.
        BadDataError: If the file is no protocol.

    Example:
        >>> protocol = load_protocol("unlearncanvas")
        >>> protocol.prompt(Cell(45, 1, 188)), len(protocol.styles), len(list(protocol.cells()))
        ('A Bears image in Van Gogh style.', 50, 5100)
    """
    shipped = {path.stem: path for path in sorted(FOLDER.glob("*.json"))}
    path = shipped.get(str(name), Path(name))
    if not path.is_file():
        near = closest(str(name), shipped) or list(shipped)
        raise DataNotFoundError(
            f"Expected a protocol, {' or '.join(shipped)}, or a JSON file, but got {str(name)!r}. "
            f"Closest: {near}."
        )
    try:
        return _parse(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise BadDataError(
            f"Expected {str(path)!r} to be a protocol like canvas/protocols/miniature.json but got: {error}."
        ) from None


def _parse(content: Any) -> Protocol:
    if not isinstance(content, dict):
        raise TypeError(f"a {type(content).__name__}")
    lists: dict[str, Any] = {
        key: tuple(content.pop(key, ())) for key in ("themes", "objects", "seeds", "no_style")
    }
    protocol = Protocol(**content, **lists)
    for key in ("themes", "objects", "seeds"):
        names = lists[key]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"{key} that are none or come twice")
    if set(protocol.objects) & set(protocol.themes):
        raise ValueError("a name that is both a theme and an object")
    if "{theme}" not in protocol.template or "{object}" not in protocol.template:
        raise ValueError(f"a template without {{theme}} or {{object}}: {protocol.template!r}")
    return protocol
