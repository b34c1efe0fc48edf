import re
from html.parser import HTMLParser

import pytest

VOID = {"meta", "img", "br", "source", "link", "input", "hr"}


class Page(HTMLParser):
    """Collects tags, addresses and text; fails on tags that do not close in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.addresses, self.words = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [v for k, v in attrs if k in ("src", "href", "srcset", "action", "data")]
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def page(built):
    return Page((built / "report.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def hostile_page(hostile):
    return Page((hostile / "report.html").read_text(encoding="utf-8"))


def words(page):
    return re.sub(r"\s+", " ", " ".join(page.words).replace("\u00a0", " "))


def test_the_page_requests_nothing_and_runs_nothing(page, hostile_page):
    for parsed in (page, hostile_page):
        assert parsed.addresses
        assert all(address.startswith("data:image/") for address in parsed.addresses)
        assert not {"script", "link", "iframe", "object", "form"} & set(parsed.tags)


def test_style_sheets_have_no_outside_addresses(built):
    assert "url(" not in (built / "report.html").read_text(encoding="utf-8")
    assert "@import" not in (built / "report.html").read_text(encoding="utf-8")


def test_a_policy_forbids_what_the_page_does_not_need(built):
    assert "default-src 'none'; img-src data:;" in (built / "report.html").read_text("utf-8")


def test_a_concept_that_is_markup_is_shown_as_text(hostile, hostile_page):
    assert "<script>alert(1)</script>" in words(hostile_page)
    assert "<script" not in (hostile / "report.html").read_text(encoding="utf-8")


def test_everything_a_reader_asks_is_there(page):
    text = words(page)
    for wanted in (
        *("Forget “seven”", "is forgotten by the criterion", "98.1 %", "90.2 to 99.7"),
        *("n = 54", "n = 1200", "transformer.resblocks", "patch.safetensors", "65.7 kB"),
        *("2 no caption, 1 broken image", "9a8b9a8b", "412.0 MB", "slug fit --config"),
        *("2.15.0", "not a proof", "mean image embedding per name", "styles (ImageNet"),
    ):
        assert wanted in text


def test_figures_come_for_light_and_dark_pages(page, hostile_page):
    assert page.tags.count("figure") == page.tags.count("source") == 3
    assert hostile_page.tags.count("figure") == 2


def test_what_was_wrong_with_shards_is_shown_openly(built, page):
    assert "00001.tar is truncated after 31 samples." in words(page)
    listed = (built / "report.html").read_text("utf-8").partition("00001.tar is truncated")[0]
    assert listed.rfind("<details>") < listed.rfind("</details>")  # not folded away


def test_what_changed_comes_with_sizes_and_fingerprints(page, hostile_page):
    text = words(page)
    for wanted in ("50.0 % of the weight", "1a1a1a1a", "3c3c3c3c", "2b2b2b2b", "4d4d4d4d"):
        assert wanted in text
    assert "Nothing. No evaluated step" in words(hostile_page)


def test_without_evidence_the_page_says_so(page, hostile_page):
    assert "kept no evidence.json" in words(hostile_page)
    assert "kept no evidence.json" not in words(page)


def test_without_a_feasible_point_nothing_is_offered_to_apply(hostile_page):
    text = words(hostile_page)
    assert "No feasible point" in text
    assert "Patch.load" not in text
    assert "not edited" in text
    assert "cannot be removed" in text


def test_every_sample_shows_both_rankings(page):
    assert page.tags.count("article") == 6
    assert page.tags.count("ol") == 12
