"""The rows of the benchmark as a table and as a figure."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slug_lightning.reports.figures.theme import LIGHT, Theme, new_figure, style_axes, write

Row = dict[str, Any]
Key = tuple[int | None, int | None]  # forget size, retain size
FORGET, IDENTITIES, CLASSES = "forget/top1", "retain/identities_top1", "retain/imagenet_top1"


def by_size(rows: Sequence[Row]) -> dict[Key, list[Row]]:
    """Rows of equal sizes, small ones first, all pairs last."""
    groups: dict[Key, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["forget"], row["retain"]].append(row)
    return dict(sorted(groups.items(), key=lambda item: tuple(size or 10**9 for size in item[0])))


def after(row: Row, metric: str) -> float:
    """A figure of the edited model, in percent."""
    return 100 * float(row["after"][metric]["value"])


def change(row: Row, metric: str) -> float:
    """What a figure changed by, in percentage points."""
    return after(row, metric) - 100 * float(row["before"][metric]["value"])


def reference(rows: Sequence[Row]) -> dict[str, str]:
    """The layer that all pairs lead to, by concept."""
    return {row["concept"]: row["layer"] for row in rows if row["forget"] is None and row["retain"] is None}


def same_layer(rows: Sequence[Row], chosen: dict[str, str]) -> float:
    """Share of runs that choose the layer of all pairs, in ``[0, 1]``."""
    return statistics.mean(float(row["layer"] == chosen[row["concept"]]) for row in rows)


def layers_per_concept(rows: Sequence[Row]) -> float:
    """Mean number of different layers over the seeds of a concept."""
    layers: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        layers[row["concept"]].add(row["layer"])
    return statistics.mean(len(found) for found in layers.values())


def table(rows: Sequence[Row]) -> str:
    """One line per pair of sizes, over all concepts and seeds."""
    lines = [
        "| forget pairs | retain pairs | runs | layers per concept | layer of all pairs "
        "| cosine to all: forget | cosine to all: retain | feasible | FA@1: mean, worst "
        "| other identities: mean, worst | styles: mean, worst |",
        "|" + "--:|" * 11,
    ]
    chosen = reference(rows)
    for (forget, retain), group in by_size(rows).items():
        found = [after(row, FORGET) for row in group]
        cells = [
            *(size_name(forget), size_name(retain), len(group), f"{layers_per_concept(group):.1f}"),
            f"{100 * same_layer(group, chosen):.0f} %",
            *(f"{_mean(group, f'{role}_cosine'):.2f}" for role in ("forget", "retain")),
            f"{sum(row['feasible'] for row in group)} of {len(group)}",
            f"{statistics.mean(found):.1f}, {max(found):.1f}",
            *(_mean_and_worst([change(row, metric) for row in group]) for metric in (IDENTITIES, CLASSES)),
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def layer_table(rows: Sequence[Row]) -> str:
    """How often each layer was chosen, by concept."""
    lines = ["| concept | layer | runs |", "|---|---|--:|"]
    for concept in dict.fromkeys(row["concept"] for row in rows):
        counts = Counter(row["layer"] for row in rows if row["concept"] == concept)
        lines += [f"| {concept} | `{layer}` | {count} |" for layer, count in counts.most_common()]
    return "\n".join(lines) + "\n"


def size_name(size: int | None) -> str:
    """A size as it is written in tables and figures."""
    return "all" if size is None else f"{size:,}"


def _mean(rows: Sequence[Row], key: str) -> float:
    return statistics.mean(float(row[key]) for row in rows)


def _mean_and_worst(changes: Sequence[float]) -> str:
    return f"{statistics.mean(changes):+.1f}, {min(changes):+.1f}"


def figure(rows: Sequence[Row], theme: Theme = LIGHT) -> Figure:
    """Three panels over the size of the retain set, one line per size of the forget set.

    Args:
        rows: Of the benchmark.
        theme: Colours.

    Returns:
        A figure of 8 x 3.6 inches. Dots are single runs, lines their means.
    """
    drawing = new_figure(8, 3.6, theme)
    chosen, groups = reference(rows), by_size(rows)
    sizes = {place: list(dict.fromkeys(key[place] for key in groups)) for place in (0, 1)}
    colors = dict(zip(sizes[0], (theme.forget[0], theme.retain[1], theme.retain[0]), strict=False))
    panels = (
        ("layer is that of all pairs, % of runs", None),
        ("concept recognised, top-1, %", lambda row: after(row, FORGET)),
        ("other identities, points", lambda row: change(row, IDENTITIES)),
    )
    for number, (title, value) in enumerate(panels):
        axes = drawing.add_axes((0.055 + 0.325 * number, 0.235, 0.285, 0.62))
        style_axes(axes, theme, size=8)
        write(axes, 0, 1.07, title, theme.ink, size=8.5, bold=True)
        axes.set_xticks(range(len(sizes[1])), [size_name(size) for size in sizes[1]])
        axes.set_xlim(-0.4, len(sizes[1]) - 0.6)
        if value is None:
            axes.set_ylim(0, 105)
        for line, forget in enumerate(sizes[0]):
            parts = [groups[forget, retain] for retain in sizes[1]]
            places = [
                place + 0.13 * (line - 1) for place in range(len(parts))
            ]  # side by side, none is hidden
            if value is None:
                means = [100 * same_layer(part, chosen) for part in parts]
            else:
                values = [[value(row) for row in part] for part in parts]
                means = [statistics.mean(column) for column in values]
                _dots(axes, places, values, colors[forget])
            axes.plot(places, means, "-o", ms=4.5, lw=1.4, color=colors[forget], zorder=4)
    _describe(drawing, [(size_name(size), colors[size]) for size in sizes[0]], theme)
    return drawing


def _dots(axes: Axes, places: Sequence[float], values: Sequence[Sequence[float]], color: str) -> None:
    """Single runs around their mean."""
    for place, column in zip(places, values, strict=True):
        axes.plot([place] * len(column), column, "o", ms=3, color=color, alpha=0.35, mec="none", zorder=3)


def _describe(drawing: Figure, names: Sequence[tuple[str, str]], theme: Theme) -> None:
    write(drawing, 0.055, 0.105, "retain pairs from left to right; forget pairs:", theme.muted, size=8.5)
    for number, (name, color) in enumerate(names):
        write(drawing, 0.415 + 0.07 * number, 0.105, f"\u25cf {name}", color, size=8.5, bold=True)
    write(
        drawing, 0.055, 0.04, "dots: single runs on the final images; lines: their means", theme.muted, size=8
    )
