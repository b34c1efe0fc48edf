"""``slug report RUN_DIR``."""

from collections.abc import Sequence
from pathlib import Path

from jsonargparse import auto_cli


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
    return int(auto_cli(report, args=list(words[1:]), prog="slug report"))
