"""``slug report RUN_DIR``."""

import sys
from collections.abc import Sequence
from pathlib import Path

from slug_lightning.cli.typed_function import run_function


def report(run_dir: Path, reference: str | None = None) -> int:
    """Rebuild figures, report.html and report.pdf of a run from its files.

    Args:
        run_dir: Folder of a run.
        reference: What the request is called where it came from, e.g. a case number; shown in both, and kept
            in report.json for the next time. '' takes it away.
    """
    from slug_lightning.reports.build import build_report

    built = build_report(run_dir, reference)
    print(built.page)
    if built.document is None:
        print(f"slug: {built.problem}", file=sys.stderr)
        return 2
    print(built.document)
    return 0


def run(words: Sequence[str]) -> int:
    """Parse and run."""
    return run_function(report, words[1:], "slug report", as_positional=True)
