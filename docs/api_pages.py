"""One page of Python reference for each package, from its docstrings."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from slug_lightning.atomic import write_text


def write_api(package: str, folder: Path) -> None:
    """Write a page for each package and an index of them; pages of packages that are gone are removed."""
    names = list(packages(package))
    texts = {f"{name}.rst": page(name) for name in names}
    texts["index.rst"] = "\n".join(
        ["Python", "======", "", ".. toctree::", "   :titlesonly:", "", *(f"   {name}" for name in names), ""]
    )
    for path in folder.glob("*.rst") if folder.is_dir() else ():
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text:
            write_text(folder / name, text)


def packages(name: str) -> Iterator[str]:
    """A package and all packages in it."""
    yield name
    for found in pkgutil.iter_modules(import_module(name).__path__):
        if found.ispkg:
            yield from packages(f"{name}.{found.name}")


def page(package: str) -> str:
    """The package and its modules, each under a heading of its own."""
    modules = [
        found.name for found in pkgutil.iter_modules(import_module(package).__path__) if not found.ispkg
    ]
    parts = [package, "=" * len(package), "", f".. automodule:: {package}", ""]
    for name in (name for name in modules if not name.startswith("_")):
        parts += [name, "-" * len(name), "", f".. automodule:: {package}.{name}", ""]
    return "\n".join(parts)
