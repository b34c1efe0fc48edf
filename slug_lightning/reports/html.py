"""``report.html``: one self-contained page that makes no request and runs no script."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slug_lightning.reports.audit_page import audit_view
from slug_lightning.reports.contents import Contents
from slug_lightning.reports.document.blocks import plain
from slug_lightning.reports.document.provenance import provenance
from slug_lightning.reports.document.sections import change, repeat
from slug_lightning.reports.limits import limits
from slug_lightning.reports.pages import page_environment
from slug_lightning.reports.report_file import metric_label, metric_rows
from slug_lightning.reports.verdict import criterion, is_met, remarks, verdict


@dataclass(frozen=True)
class PageFigure:
    """A figure as PNG bytes, drawn for light and for dark pages, and as SVG for the document."""

    light: bytes
    dark: bytes
    vector: bytes = b""

    @property
    def light_uri(self) -> str:
        """Data URI of the light drawing."""
        return _data_uri(self.light)

    @property
    def dark_uri(self) -> str:
        """Data URI of the dark drawing."""
        return _data_uri(self.dark)


def render_html(
    contents: Contents,
    figures: Mapping[str, PageFigure],
) -> str:
    """Write the page; all names and captions are escaped.

    Args:
        contents: Files of the run; without evidence the page says so.
        figures: Any of ``layers``, ``search``, ``similarity`` and ``host``, and of the audit's.

    Returns:
        The HTML document; the same input gives the same text.
    """
    environment = page_environment(
        ("percent", "points", "figures", "seconds", "data_size", "short_layer", "settings_text")
    )
    report, search = contents.report, contents.search
    metric, target = criterion(report)
    labels = report.get("labels", {})
    trials = [probe for probe in report["search"] if "settings" in probe]
    searched = dict.fromkeys(name for row in search for name in row.metrics)
    searched |= dict.fromkeys(name for trial in trials for name in trial if "/" in name)
    return environment.get_template("report.html").render(
        report=report,
        verdict=verdict(report),
        met=is_met(report),
        remarks=remarks(report),
        criterion={"label": metric_label(metric, labels), "target": target},
        measured_on=report.get("criterion", {}).get("measured_on", ""),
        metrics=metric_rows(report),
        layers=sorted(contents.layers, key=lambda row: (not row.front, row.tower, -row.importance)),
        search=search,
        trials=trials,
        searched={name: metric_label(name, labels) for name in searched},
        evidence=contents.evidence,
        drawn=figures,
        reference=contents.reference,
        change=plain(change(contents)),
        provenance=plain(provenance(contents)),
        audit=None if contents.audit is None else audit_view(contents.audit),
        limits=limits(report, contents.audit is not None),
        repeat=plain(repeat(contents)),
        environment=_facts(report["environment"]),
        host=_facts(report.get("host", {})),
    )


def _facts(environment: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in environment.items()
    ]


def _data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
