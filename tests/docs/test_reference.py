"""Reference pages say all that the command line takes, and no page is out of reach."""

import inspect
import re
import sys
from pathlib import Path

import pytest

from slug_lightning.cli import COMMANDS
from slug_lightning.data.settings import IdentitySettings
from slug_lightning.data.unlearning import UnlearningDataModule
from slug_lightning.search import SearchSettings
from slug_lightning.unlearning import SLUG

DOCS = Path(__file__).parent.parent.parent / "docs"


@pytest.fixture(scope="module")
def reference():
    sys.path.insert(0, str(DOCS))
    try:
        import reference

        yield reference
    finally:
        sys.path.remove(str(DOCS))


@pytest.fixture(scope="module")
def commands(reference):
    return reference.commands_page()


@pytest.fixture(scope="module")
def config(reference):
    return reference.config_page()


def test_every_command_has_its_section_with_options(commands):
    for name, (_, line) in COMMANDS.items():
        section = commands.partition(f"## slug {name}\n")[2].partition("\n## ")[0]
        assert line[1:] in section
        assert "| Option |" in section
    assert "`--clip_benchmark` | `bool` | `false`" in commands
    assert "`RUN_DIR` | `Path` | required" in commands


@pytest.mark.parametrize(
    ("kind", "prefix"),
    [(SLUG, ""), (SearchSettings, "search."), (UnlearningDataModule, ""), (IdentitySettings, "")],
)
def test_every_key_is_listed(config, kind, prefix):
    skipped = {"self", "search"} if kind is SLUG else {"self"}
    for name in set(inspect.signature(kind.__init__).parameters) - skipped:
        assert f"| `{prefix}{name}` |" in config


def test_defaults_are_spelled_as_in_yaml(config):
    assert "| `search.forget_target` | `float` | `0.0` |" in config
    assert "| `search.towers` | `list[vision \\| text]` | `[vision, text]` |" in config
    assert "| `concept` | `str` | required |" in config
    assert "==SUPPRESS==" not in config


def test_every_page_is_in_the_navigation():
    listed = set(re.findall(r"^[a-z_/]+$", (DOCS / "index.md").read_text("utf-8"), re.MULTILINE))
    pages = {path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.glob("*.md")} - {"index"}
    assert pages <= listed
