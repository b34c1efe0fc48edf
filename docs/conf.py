"""Sphinx: pages in Markdown, the reference generated from the code, nothing fetched when built or read."""

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from api_pages import write_api  # noqa: E402
from reference import write_reference  # noqa: E402

import slug_lightning  # noqa: E402

project = "slug_lightning"
author = "the authors of slug_lightning"
project_copyright = "Apache-2.0"
release = version = slug_lightning.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "formulas",
]
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

autodoc_default_options = {"members": True, "show-inheritance": True, "ignore-module-all": True}
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_member_order = "bysource"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # attributes are in the class's docstring alone: not described twice

html_theme = "furo"
html_title = f"slug_lightning {release}"
html_static_path = ["_static"]
html_css_files = ["wide.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}
pygments_style = "tango"
pygments_dark_style = "monokai"

# Files outside of docs/ that have a page here, as links in Markdown spell them.
PAGES = {
    "../README.md": "index.md",
    "../data/README.md": "data.md",
    "../CHANGELOG.md": "changelog.md",
    "../CONTRIBUTING.md": "contributing.md",
}


def link_to_pages(app: object, name: str, source: list[str]) -> None:
    """Links that are right on GitHub point to the pages of this site."""
    for path, page in PAGES.items():
        source[0] = re.sub(rf"\]\({re.escape(path)}(#[\w-]+)?\)", rf"]({page}\1)", source[0])


def plain_docstring(
    app: object, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Docstrings are read on the terminal first: outside of code and formulas, ``* | _`` mean themselves."""
    if any(".. math::" in line for line in lines):
        return
    example = False
    for number, line in enumerate(lines):
        example = bool(line.strip()) and (example or line.lstrip().startswith(">>>"))
        if not example:
            parts = re.split(r"(``.+?``|:\w+:`[^`]+`)", line)
            parts[::2] = [re.sub(r"(?<!\\)([*|]|(?<=\w)_(?!\w))", r"\\\1", part) for part in parts[::2]]
            lines[number] = "".join(parts)


def write_pages(app: object) -> None:
    """The pages that are made from the code."""
    write_reference(HERE / "generated")
    write_api("slug_lightning", HERE / "api")


def setup(app: object) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", plain_docstring, priority=400)  # type: ignore[attr-defined]
    app.connect("builder-inited", write_pages)  # type: ignore[attr-defined]
    app.connect("source-read", link_to_pages)  # type: ignore[attr-defined]
