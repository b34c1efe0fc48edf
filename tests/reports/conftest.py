from pathlib import Path

import pytest

from slug_lightning.reports.build import build_report
from tests.reports.run_directory import write_run


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built run that tests only read."""
    folder = write_run(tmp_path_factory.mktemp("built"))
    build_report(folder)
    return folder


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built run without a feasible point and evidence, one tower, with a concept that is markup."""
    folder = tmp_path_factory.mktemp("hostile")
    write_run(
        folder,
        concept="<script>alert(1)</script>",
        feasible=False,
        towers=("vision",),
        evidence=False,
    )
    build_report(folder)
    return folder
