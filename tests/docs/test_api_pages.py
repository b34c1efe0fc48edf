import sys
from pathlib import Path

import pytest

import slug_lightning

DOCS = Path(__file__).parent.parent.parent / "docs"


@pytest.fixture(scope="module")
def api():
    sys.path.insert(0, str(DOCS))
    try:
        import api_pages

        yield api_pages
    finally:
        sys.path.remove(str(DOCS))


def test_every_module_is_on_a_page_and_old_pages_go(api, tmp_path):
    (tmp_path / "slug_lightning.gone.rst").write_text("old")
    api.write_api("slug_lightning", tmp_path)
    assert not (tmp_path / "slug_lightning.gone.rst").exists()
    text = "".join(path.read_text() for path in tmp_path.glob("*.rst"))
    root = Path(slug_lightning.__file__).parent
    for path in root.rglob("*.py"):
        parts = ("slug_lightning", *path.relative_to(root).with_suffix("").parts)
        name = ".".join(parts).removesuffix(".__init__")
        assert "__main__" in name or f".. automodule:: {name}\n" in text
