"""Formulas as MathML, which browsers draw themselves: no script, no font, no image."""

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx


def inline(translator: nodes.NodeVisitor, node: nodes.Element) -> None:
    """A formula in a line."""
    translator.body.append(convert(node.astext(), display="inline"))  # type: ignore[attr-defined]
    raise nodes.SkipNode


def display(translator: nodes.NodeVisitor, node: nodes.Element) -> None:
    """A formula on a line of its own; it scrolls where it is wider than the page."""
    formula = convert(node.astext(), display="block")
    translator.body.append(f'<div class="formula">{formula}</div>')  # type: ignore[attr-defined]
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", (inline, None), (display, None))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
