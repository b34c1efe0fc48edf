"""The closing table of an audit for the terminal: every check with its limit."""

from collections.abc import Mapping
from typing import Any

from slug_lightning.reports.audit_file import CLIP, attacks_of

WORDS = {True: "met", False: "not met", None: "no value"}


def audit_summary(document: Mapping[str, Any]) -> str:
    """One line for each check: verdict, value, interval, limit, and what was measured.

    Args:
        document: A valid ``audit.json``.
    """
    checks = [
        (check["name"] if host == CLIP else f"{host}/{check['name']}", check)
        for host, _, attack in attacks_of(document)
        for check in attack["checks"]
    ]
    wide = 2 + max([22, *(len(name) for name, _ in checks)])
    lines = [f"{'limit':<{wide}}{'value':>8}  {'95 % interval':<16}{'at most':>8}  {'':<9}what"]
    for name, check in checks:
        lines.append(
            f"{name:<{wide}}{_number(check['value']):>8}  {_interval(check['ci95']):<16}"
            f"{_number(check['limit']):>8}  {WORDS[check['met']]:<9}{check['what']}"
        )
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _interval(bounds: list[float] | None) -> str:
    return "" if bounds is None else f"[{bounds[0]:.3f}, {bounds[1]:.3f}]"
