import pytest

from tests.tools import run_tool


def test_a_missing_tool_fails_and_says_what_to_do(tmp_path):
    with pytest.raises(pytest.fail.Exception, match=r"'img2datasett' is not in any of .*; run `make tools`"):
        run_tool("img2datasett", cwd=tmp_path)


def test_a_tool_that_fails_shows_what_it_said(tmp_path):
    with pytest.raises(AssertionError, match="No module named nowhere"):
        run_tool("python", "-m", "nowhere", cwd=tmp_path)
