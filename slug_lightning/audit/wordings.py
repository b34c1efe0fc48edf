"""Wordings: does another sentence, spelling or language find what the usual prompt no longer finds?"""

from dataclasses import dataclass, field

from slug_lightning.audit.checks import GOLD, Check, Limits, check_figure, largest_gap
from slug_lightning.audit.clip_host import ClipHost
from slug_lightning.audit.findings import Figure, Findings, Version, largest
from slug_lightning.audit.host import Wording
from slug_lightning.data.wordings import CONTROL, other_names, sentences
from slug_lightning.errors import SettingError

SENTENCES = ("template", "all", "question", "picture")  # kinds that keep the concept's name


@dataclass(frozen=True)
class WordingSettings:
    """What is tried beside the usual prompts.

    Attributes:
        templates: Sentences with ``{}``; by default those of ``wordings.json``.
        names: Further names of the concept by what they are called in the report: other languages, nicknames,
            descriptions. For the digits of the miniature world ``wordings.json`` has some.
        misspellings: Most misspellings of the concept's name.
        controls: Meaningless names of the same length that other names are compared with.
    """

    templates: list[str] | None = None
    names: dict[str, str] = field(default_factory=dict)
    misspellings: int = 12
    controls: int = 5

    def __post_init__(self) -> None:
        for sentence in self.templates or []:
            if "{}" not in sentence:
                raise SettingError(f"Expected '{{}}' in each of wordings.templates, but got {sentence!r}.")
        if self.misspellings < 0 or self.controls < 1:
            raise SettingError(
                "Expected wordings.misspellings >= 0 and wordings.controls >= 1, but got "
                f"{self.misspellings} and {self.controls}."
            )


def list_wordings(concept: str, settings: WordingSettings) -> list[Wording]:
    """Every wording of a concept, in the order of the report."""
    chosen = sentences(concept) if settings.templates is None else settings.templates
    wordings = [Wording("template", sentence, templates=(sentence,)) for sentence in chosen]
    names = other_names(concept, settings.misspellings, settings.controls, settings.names)
    wordings += [Wording(other.kind, other.label, names=(other.name,)) for other in names]
    if chosen:
        wordings.append(Wording("all", "mean of all templates", templates=tuple(chosen)))
    return wordings


def wordings(host: ClipHost, settings: WordingSettings, concept: str) -> Findings:
    """Forget accuracy of each version under each wording.

    Definition: for a template, every name is asked for in that sentence. For a paraphrase, a misspelling or a
    name in another language, the concept is asked for by it, in the usual prompts, and the other names as
    usual. A classifier over a closed list of names also works by elimination: images that fit none of the
    other names go to any name that means nothing. So meaningless names of as many letters are asked for, too
    (``control``), and a renamed concept is held against the mean of these. Where they find more in the
    patched model than in the gold standard, the concept's images still are a kind of their own.
    Source: prompt sensitivity of zero-shot CLIP, Radford et al. 2021 (arXiv 2103.00020), section 3.1.4;
    paraphrases as attacks on unlearning: Patil, Hase, Bansal 2023 (arXiv 2309.17410).
    """
    asked = list_wordings(concept, settings)
    return Findings([f for version in host.versions for f in host.reworded(version, asked)])


def judge_wordings(findings: Findings, limits: Limits, needs: str = GOLD) -> list[Check]:
    """What other sentences, other names and meaningless names find in the patched model.

    The highest forget accuracy under a template, another question or another picture; the most by which
    another name beats meaningless ones; by how much these beat those of the gold standard.
    """
    figures = findings.forget("after")
    worst = largest(f for f in figures if kind_of(f) in SENTENCES)
    renamed = [f for f in figures if kind_of(f) not in (*SENTENCES, CONTROL)]
    controls = [f for f in figures if kind_of(f) == CONTROL]
    control = _pooled(controls, "after")
    names = [(figure, control) for figure in renamed if controls]
    gold = [f for f in findings.forget("gold") if kind_of(f) == CONTROL]
    what = "another name minus meaningless ones"
    return [
        check_figure("reworded_forget", worst, limits.reworded_forget, "no template was tried"),
        largest_gap(
            "renamed_gap",
            names,
            limits.renamed_gap,
            what,
            "no name was tried",
        ),
        largest_gap(
            "elimination_gap",
            [(control, _pooled(gold, "gold"))] if gold and controls else [],
            limits.elimination_gap,
            "after minus gold",
            needs,
        ),
    ]


def _pooled(figures: list[Figure], version: Version) -> Figure:
    """Share over all meaningless names, with the interval of one: they are asked of the same images."""
    hits, n = sum(round(f.value * f.n) for f in figures), sum(f.n for f in figures)
    images = figures[0].n if figures else 0
    metric = figures[0].metric if figures else "forget/top1"
    return Figure.share(metric, version, CONTROL, round(hits / n * images) if n else 0, images)


def kind_of(figure: Figure) -> str:
    """Kind of the wording that a figure was measured under."""
    return figure.condition.split(":")[0]
