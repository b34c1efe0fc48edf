"""No attack: the figures of each version as it is, which every attack is read against."""

from slug_lightning.audit.checks import GOLD, Check, Limits, check_figure, largest_gap
from slug_lightning.audit.findings import Figure, Findings, Version, largest
from slug_lightning.audit.host import Host

PLAIN = "no attack"


def standing(host: Host) -> Findings:
    """Figures of the original, the patched and the gold-standard model.

    Definition: zero-shot accuracy on final images, which neither gradients nor search saw; of the concept's
    images among all names, and of each data set that must stay.
    Source: FA@k and retained accuracy of SLUG (Cai, Tan, Asif 2025, arXiv 2407.11867).
    """
    return Findings([figure for version in host.versions for figure in host.figures(version, PLAIN)])


def judge_standing(findings: Findings, limits: Limits, needs: str = GOLD) -> list[Check]:
    """The patched model's forget accuracy, the largest drop of what must stay, and that of the gold standard.

    A gold standard that knows less of everything else is none: gaps to it say nothing.

    Args:
        findings: Of ``standing``.
        limits: From the settings.
        needs: What to say without a gold standard.
    """
    forget = largest(findings.forget("after"))
    what = "largest drop, before minus"
    return [
        check_figure("forget", forget, limits.forget, "forget accuracy without an attack"),
        largest_gap("retained_drop", _drops(findings, "after"), limits.retained_drop, f"{what} after", what),
        largest_gap("gold_drop", _drops(findings, "gold"), limits.gold_drop, f"{what} gold", needs),
    ]


def _drops(findings: Findings, version: Version) -> list[tuple[Figure, Figure]]:
    """Retained figures of the original, each with that of another version."""
    other = {f.metric: f for f in findings.figures if f.version == version}
    before = [f for f in findings.figures if f.version == "before" and f.metric.startswith("retain/")]
    return [(figure, other[figure.metric]) for figure in before if figure.metric in other]
