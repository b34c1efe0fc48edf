"""``slug report RUN_DIR``."""

from collections.abc import Sequence
from pathlib import Path

from slug_lightning.cli.typed_function import run_function


def report(run_dir: Path) -> int:
    """Rebuild figures and report.html of a run from its files.

    Args:
        run_dir: Folder of a run.
    """
    from slug_lightning.reports.build import build_report

    print(build_report(run_dir))
    return 0


def run(words: Sequence[str]) -> int:
    """Parse and run."""
    return run_function(report, words[1:], "slug report", as_positional=True)
