"""The document as a reader of PDF meets it: text, bookmarks, fonts, title, pages."""

import io
import re

import pytest
from pypdf import PdfReader

from slug_lightning.errors import MissingExtraError
from slug_lightning.reports.contents import read_contents
from slug_lightning.reports.document.blocks import Code, Facts, Heading, Table, Text
from slug_lightning.reports.document.compose import compose
from slug_lightning.reports.document.pdf import render_pdf

REPORT = {
    "concept": "<b>#seven $x$ \\ *_`",
    "base_model": "miniature",
    "created": "2026-01-02T03:04:05+00:00",
    "run": "20260102-030405",
    "environment": {"slug_lightning": "0.1.0"},
}


def read(content):
    return PdfReader(io.BytesIO(content))


def words(reader):
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in reader.pages).replace("\u00a0", " "))


@pytest.fixture(scope="module")
def document(built):
    return PdfReader(built / "report.pdf")


def test_title_author_date_and_language_are_set(document):
    assert document.metadata.title == "Forget “seven”"
    assert document.metadata.author == "slug_lightning 0.1.0"
    assert document.metadata.creation_date.isoformat() == "2026-01-02T03:04:05+00:00"
    assert document.trailer["/Root"]["/Lang"] == "en"
    assert document.trailer["/Root"]["/MarkInfo"]["/Marked"]


def test_sections_are_bookmarks(document, built):
    titles = [entry.title for entry in document.outline if not isinstance(entry, list)]
    chapters = [b.text for b in compose(read_contents(built), ()) if isinstance(b, Heading) and b.level == 1]
    assert titles == chapters


def test_text_can_be_selected_and_digests_copied_whole(document):
    text = words(document)
    for wanted in ("is forgotten by the criterion", "not a proof", "90.2 to 99.7", "3c" * 32, f"{3:064x}"):
        assert wanted in text
    assert "\u200b" not in text


def test_names_in_figures_are_text(document):
    assert "v3.mlp.c_proj" in words(document)


def test_pages_are_numbered(document):
    count = len(document.pages)
    for number, page in enumerate(document.pages, 1):
        assert f"Page {number} of {count}" in page.extract_text()


def test_all_fonts_are_embedded(document):
    found = set()
    for page in document.pages:
        for font in page["/Resources"]["/Font"].values():
            descriptor = font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"]
            found.add(str(descriptor["/FontName"]))
            assert any(key in descriptor for key in ("/FontFile2", "/FontFile3"))
    assert any("Libertinus" in name for name in found)


def test_the_same_input_gives_the_same_bytes():
    blocks = [Heading("Result"), Text("`a` b", "met"), Facts([("x", "`1`")])]
    assert render_pdf(REPORT, blocks, {}) == render_pdf(REPORT, blocks, {})


def test_no_name_is_read_as_markup():
    hostile = "#panic() $x^2$ *a* _b_ <c> @d \\e // f /* g [h] 1. i = j"
    table = Table([hostile], [[hostile]], "l", [1])
    blocks = [Heading(hostile), Text(hostile), table, Code(hostile)]
    text = words(read(render_pdf(REPORT, blocks, {})))
    assert text.count(hostile) == 5
    assert REPORT["concept"] in text


def test_characters_that_no_font_has_are_admitted():
    text = words(read(render_pdf({**REPORT, "concept": "\U000e0100\ue123"}, [Text("x")], {})))
    assert "Some characters could not be written" in text
    assert "Some characters" not in words(read(render_pdf(REPORT, [Text("x")], {})))


def test_without_typst_it_is_one_sentence(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "typst", None)
    with pytest.raises(MissingExtraError, match=r"Expected the package typst .* pip install 'typst"):
        render_pdf(REPORT, [], {})
