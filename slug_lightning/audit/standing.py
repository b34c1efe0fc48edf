"""No attack: the figures of each version as it is, which every attack is read against."""

from slug_lightning.audit.checks import Check, Limits, check_figure, largest_gap
from slug_lightning.audit.findings import Findings, largest
from slug_lightning.audit.host import Host

PLAIN = "no attack"


def standing(host: Host) -> Findings:
    """Figures of the original, the patched and the gold-standard model.

    Definition: zero-shot accuracy on final images, which neither gradients nor search saw; of the concept's
    images among all names, and of each data set that must stay.
    Source: FA@k and retained accuracy of SLUG (Cai, Tan, Asif 2025, arXiv 2407.11867).
    """
    return Findings([figure for version in host.versions for figure in host.figures(version, PLAIN)])


def judge_standing(findings: Findings, limits: Limits) -> list[Check]:
    """The patched model's forget accuracy, and the largest drop of what must stay."""
    forget = largest(findings.pick("forget/top1", "after"))
    before = {f.metric: f for f in findings.figures if f.version == "before" and f.metric[:7] == "retain/"}
    after = {f.metric: f for f in findings.figures if f.version == "after"}
    drops = [(figure, after[name]) for name, figure in before.items()]
    what = "largest drop, before minus after"
    return [
        check_figure("forget", forget, limits.forget, "forget accuracy without an attack"),
        largest_gap("retained_drop", drops, limits.retained_drop, what, what),
    ]
