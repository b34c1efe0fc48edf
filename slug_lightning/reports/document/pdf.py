"""Blocks as a PDF: tagged, with bookmarks, selectable text, embedded fonts and figures as vectors.

Typeset by Typst, which comes whole in its wheel. Everything but the template travels as data, so that no name
or caption can be read as markup. The same input gives the same bytes: the date is that of the run.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import matplotlib

from slug_lightning import __version__
from slug_lightning.errors import MissingExtraError
from slug_lightning.reports.document.blocks import Block, plain

FONTS = ("Libertinus Serif", "DejaVu Sans")  # both are embedded: Typst brings one, matplotlib the other
TEMPLATE = "report.typ"
STANDARDS = ("a-2a", "ua-1")  # for archives, and for readers that speak


def render_pdf(report: Mapping[str, Any], blocks: Sequence[Block], drawings: Mapping[str, bytes]) -> bytes:
    """The document.

    Args:
        report: A valid report; title, run and date are taken from it.
        blocks: What the document says.
        drawings: Figures as SVG by name; a picture without one is left out.

    Raises:
        MissingExtraError: If Typst is not installed.
    """
    inputs, entries = _with_images(plain(blocks), drawings)
    inputs[TEMPLATE] = files("slug_lightning.reports").joinpath("templates", TEMPLATE).read_bytes()
    return _compile(inputs, {**_about(report), "blocks": entries})


def _compile(inputs: Mapping[str, bytes], document: Mapping[str, Any]) -> bytes:
    """With the fonts that are everywhere, if they have all characters; else with those of this machine.

    The standards refuse a character that no font has; such a document says so and claims none of them.
    """
    typst = _typst()
    for own_fonts, standards in ((True, STANDARDS), (False, STANDARDS), (False, ())):
        text = json.dumps({**document, "missing-glyphs": not standards}, ensure_ascii=False)
        files = {**inputs, "document.json": text.encode("utf-8", "replace")}
        try:
            return _typeset(typst, files, own_fonts, standards)
        except typst.TypstError:
            if not standards:
                raise
    raise AssertionError


def _typst() -> Any:
    try:
        import typst
    except ImportError:
        raise MissingExtraError(
            "Expected the package typst for report.pdf, but it is not installed: pip install 'typst>=0.14'. "
            "report.html says the same."
        ) from None
    return typst


def _typeset(typst: Any, inputs: Mapping[str, bytes], own_fonts: bool, standards: Sequence[str]) -> bytes:
    with TemporaryDirectory(prefix="slug-report-") as folder:
        for name, content in inputs.items():
            Path(folder, name).write_bytes(content)
        made: bytes = typst.compile(
            str(Path(folder, TEMPLATE)),
            root=folder,
            format="pdf",
            font_paths=[str(Path(matplotlib.get_data_path(), "fonts", "ttf"))],
            ignore_system_fonts=own_fonts,
            pdf_standards=[*standards],
        )
    return made


def _about(report: Mapping[str, Any]) -> dict[str, Any]:
    made = datetime.fromisoformat(report["created"]) if report.get("created") else datetime(1970, 1, 1)
    request = f"Forget “{report['concept']}”"
    return {
        "title": request,
        "eyebrow": "Deletion report" + (f" · {made:%d %B %Y}" if report.get("created") else ""),
        "running": f"Deletion report: {request}",
        "run": report.get("run", ""),
        "author": f"slug_lightning {report['environment'].get('slug_lightning', __version__)}",
        "keywords": ["machine unlearning", report["base_model"]],
        "date": {key: getattr(made, key) for key in ("year", "month", "day", "hour", "minute", "second")},
        "fonts": list(FONTS),
    }


def _with_images(
    blocks: list[dict[str, Any]], drawings: Mapping[str, bytes]
) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    """Files of all images, and the blocks with the names of these files."""
    found: dict[str, bytes] = {}
    kept = []
    for block in blocks:
        if block["kind"] == "picture":
            if block["name"] not in drawings:
                continue
            block["file"] = f"{block['name']}.svg"
            found[block["file"]] = drawings[block["name"]]
        for number, card in enumerate(block.get("cards", ())):
            head, _, content = card.pop("image").partition(",")
            kind = head.removeprefix("data:image/").partition(";")[0]
            card["file"] = f"card-{len(found)}-{number}.{kind}"
            found[card["file"]] = base64.b64decode(content)
        kept.append(block)
    return found, kept
