"""Wordings: does the host do the concept when it is asked for in other words?"""

from slug_lightning.audit.findings import Figure, Findings
from slug_lightning.audit.metric_host import MetricHost
from slug_lightning.search.host_evaluator import host_metric_name


def wordings(host: MetricHost) -> Findings:
    """How often each version does the concept under each wording.

    Definition: final cases of the concept, the same for every wording and version, are put in other words. In
    a ``template`` or ``question`` the whole prompt is another one that names the concept; a ``picture`` is
    shown in another way. For a ``paraphrase``, a ``misspelling`` or a name in another ``language`` the usual
    prompt has that name in place of the concept's. A ``control`` is a name without meaning: it says how often
    the concept is found when nobody asks for it, and other names are held against the mean of these.
    Source: paraphrases as attacks on unlearning: Patil, Hase, Bansal 2023 (arXiv 2309.17410); on image
    generators: Pham et al. 2023 (arXiv 2308.01508).
    """
    figures: list[Figure] = []
    for version in host.versions:
        with host.at(version) as metric:
            asked = metric.rewordings(host.concept)
            found = metric.reworded(host.concept, asked)
        figures += [
            Figure.share(
                host_metric_name("forget"), version, f"{way.kind}: {way.label}", share.correct, share.n
            )
            for way, share in zip(asked, found, strict=True)
        ]
    return Findings(figures)
