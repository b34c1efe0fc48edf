from pathlib import Path

import pytest

from slug_lightning.cli.typed_function import run_function, spelled_out


def tidy(
    concept: str,
    shards: list[str] | None = None,
    patches: list[Path] | None = None,
    dry_run: bool = False,
    index: bool = True,
) -> int:
    """Put things in order.

    And say so.

    Args:
        concept: What to tidy.
        shards: Where.
        patches: With what.
        dry_run: Only look.
        index: Whether to search.
    """
    print(concept, shards, patches, dry_run, index)
    return 0


@pytest.mark.parametrize(
    ("words", "spelled"),
    [
        (["--dry-run", "--index", "true"], ["--dry_run=true", "--index", "true"]),
        (["--index", "false", "--dry-run"], ["--index", "false", "--dry_run=true"]),
        (["--dry-run", "--concept", "a-b"], ["--dry_run=true", "--concept", "a-b"]),
        (["--index=false"], ["--index=false"]),
        (["--shards", "a", "b", "--shards", "c"], ['--shards=["a", "b", "c"]']),
        (["--shards+", "a", "--shards=b", "--shards", '["c", "d"]'], ['--shards=["a", "b", "c", "d"]']),
        (["--shards", "[7"], ['--shards=["[7"]']),
        (["--patches", "[a/b, 'c']"], ['--patches=["a/b", "c"]']),
        (["--help"], ["--help"]),
        (["a-b"], ["a-b"]),
    ],
)
def test_options_may_be_written_as_people_do(words, spelled):
    assert spelled_out(words, tidy) == spelled


def test_calls_the_function_with_typed_values(capsys):
    words = ["--concept", "ada", "--patches", "[a, b]", "--shards", "x", "y", "--dry-run"]
    assert run_function(tidy, words, "slug tidy") == 0
    said = capsys.readouterr().out
    assert said.startswith("ada ['x', 'y'] [")
    assert said.endswith(" True True\n")
    assert run_function(tidy, ["ada"], "slug tidy", as_positional=True) == 0


def test_the_help_is_the_docstring(capsys):
    with pytest.raises(SystemExit) as stop:
        run_function(tidy, ["--help"], "slug tidy", epilog="examples:\n  slug tidy --concept x")
    said = capsys.readouterr().out
    assert stop.value.code == 0
    for line in ("usage: slug tidy", "And say so.", "Only look.", "examples:\n  slug tidy --concept x"):
        assert line in said
    assert "Args:" not in said
