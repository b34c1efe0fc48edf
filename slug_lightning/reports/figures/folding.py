"""Dozens of retained metrics in one figure: a few lines of their own, one for all others."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from slug_lightning.reports.tables import SearchRow

OTHERS = "retain/others"
_FIRST = ("retain/identities_", "retain/imagenet_")


def fold_metrics(
    rows: Sequence[SearchRow], baseline: Mapping[str, float], most: int
) -> tuple[list[SearchRow], dict[str, float], dict[str, str]]:
    """Put retained metrics beyond the first few together as the smallest share that is kept of any.

    Args:
        rows: Points of the search.
        baseline: Values before the edit by metric name, 0 to 1.
        most: Retained metrics that have a line; the last of them is for the others, if there are more.

    Returns:
        Rows and baseline with ``retain/others`` in place of what was folded, and the label of that; no label
        if nothing was. Metrics without a value before the edit, or with 0, have no share.

    Example:
        >>> row = SearchRow(0, "a", "text", 1.0, 0.1, True, True, {"retain/b": 0.9, "retain/c": 0.2})
        >>> rows, baseline, labels = fold_metrics([row], {"retain/b": 1.0, "retain/c": 0.4}, most=1)
        >>> rows[0].metrics, labels["retain/others"]
        ({'retain/others': 0.5}, '2 others, smallest share kept')
    """
    names = dict.fromkeys(name for row in rows for name in row.metrics if name.startswith("retain/"))
    ordered = sorted(names, key=lambda name: not name.startswith(_FIRST))
    if len(ordered) <= most:
        return list(rows), dict(baseline), {}
    folded = ordered[most - 1 :]
    kept = {name: value for name, value in baseline.items() if name not in folded}
    label = f"{len(folded)} others, smallest share kept"
    return [_fold(row, folded, baseline) for row in rows], {**kept, OTHERS: 1.0}, {OTHERS: label}


def _fold(row: SearchRow, folded: Sequence[str], baseline: Mapping[str, float]) -> SearchRow:
    measured = [(row.metrics.get(name), baseline.get(name)) for name in folded]
    shares = [value / before for value, before in measured if value is not None and before]
    metrics = {name: value for name, value in row.metrics.items() if name not in folded}
    return replace(row, metrics={**metrics, OTHERS: min([1.0, *shares]) if shares else None})
