"""The search's measure on the miniature LLaVA: what it answers about held-out pictures."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import torch

from slug_lightning.errors import ConceptNotFoundError, SettingError, closest
from slug_lightning.hosts.host_metric import FORGET, Example, HostMetric, Split
from slug_lightning.metrics import Accuracy
from slug_lightning.miniature.diffusion.drawings import Drawings, draw_part
from slug_lightning.miniature.llava.answers import Answered, answers, names_in
from slug_lightning.miniature.llava.chat import LABELS, QUESTIONS, Label, new_processor, possible_answers
from slug_lightning.miniature.llava.host import miniature_llava

SEEDS: dict[Split, int] = {"search": 3, "final": 2}  # of the hands that draw the scans


class MiniatureAnswers(HostMetric):
    """Answers of the miniature LLaVA about pictures of scans that nothing was trained on.

    ``forget``: how often it names the concept when asked about the concept's own pictures. ``digit`` and
    ``style``: right answers; pictures of the concept are left out of the question that asks for it. Decoding
    is greedy and the pictures are the same in every call, so that two points differ in the edit alone.

    Args:
        search_scans: Scans that the search is shown, each in all ten styles.
        final_scans: Scans of the final figures, none of them the search's.
    """

    def __init__(self, search_scans: int = 60, final_scans: int = 250) -> None:
        if min(search_scans, final_scans) < 10:
            raise SettingError(
                f"Expected at least 10 scans, one of each digit, but got search_scans {search_scans} and "
                f"final_scans {final_scans}."
            )
        self.scans: dict[Split, int] = {"search": search_scans, "final": final_scans}
        self._drawn: dict[Split, Drawings] = {}
        self._examples: list[Example] = []

    def load(self) -> Any:
        """The miniature LLaVA."""
        return self._host

    def retained(self, concept: str) -> Sequence[str]:
        """``digit`` and ``style``, whichever of them the concept is."""
        label_of(concept)
        return list(LABELS)

    def measure(self, concept: str, names: Sequence[str], split: Split) -> Mapping[str, Accuracy]:
        """Ask about the pictures of a split; see the class."""
        drawings, own = self._drawings(split), label_of(concept)
        shows = torch.tensor([name == concept for name in names_in(drawings, own)])
        figures, self._examples = {}, []
        for name in names:
            label = own if name == FORGET else _label(name)
            rows = shows if name == FORGET else ~shows if label == own else torch.ones_like(shows)
            some = drawings.take(rows.nonzero().flatten())
            said = answers(self._host, self._processor, some.images, QUESTIONS[label])
            answered = Answered({label: said}, {label: names_in(some, label)})
            figures[name] = answered.named(concept) if name == FORGET else answered.right(label)
            if label == own:
                self._examples += _show(some, said, label)
        return figures

    def labels(self, concept: str) -> Mapping[str, str]:
        """Words for the report."""
        own = label_of(concept)
        what = {FORGET: f"{own} named by LLaVA in pictures of the concept"}
        return what | {label: f"{label}s answered right by LLaVA" for label in LABELS}

    def account(self) -> Mapping[str, Any]:
        """Questions, pictures and decoding."""
        pictures = {split: 10 * scans for split, scans in self.scans.items()}
        return {"questions": dict(QUESTIONS), "pictures": pictures, "decoding": "greedy"}

    def examples(self) -> Sequence[Example]:
        """One picture of each digit in each style, with what was answered, of the last call."""
        first: dict[tuple[str, str], Example] = {}
        for example in self._examples:
            first.setdefault((example.row, example.column), example)
        order = {label: possible_answers(label) for label in LABELS}
        return sorted(
            first.values(), key=lambda e: (order["digit"].index(e.row), order["style"].index(e.column))
        )

    @cached_property
    def _host(self) -> Any:
        return miniature_llava()

    @cached_property
    def _processor(self) -> Any:
        return new_processor()

    def _drawings(self, split: Split) -> Drawings:
        if split not in self._drawn:
            self._drawn[split] = draw_part(split, seed=SEEDS[split], limit=self.scans[split])
        return self._drawn[split]


def _label(name: str) -> Label:
    return "digit" if name == "digit" else "style"


def _show(drawings: Drawings, said: Sequence[str], label: Label) -> list[Example]:
    digits, styles, truth = (names_in(drawings, of) for of in (*LABELS, label))
    pixels = drawings.pixels(torch.arange(len(drawings)))
    return [
        Example(digits[i], styles[i], pixels[i], said[i], said[i] == truth[i]) for i in range(len(drawings))
    ]


def label_of(concept: str) -> Label:
    """Which question asks for a concept.

    Raises:
        ConceptNotFoundError: If it is neither a digit nor a style.
    """
    for label in LABELS:
        if concept in possible_answers(label):
            return label
    known = [name for label in LABELS for name in possible_answers(label)]
    raise ConceptNotFoundError(
        f"Expected a digit or a style of the miniature world, but got {concept!r}. Closest names: "
        f"{closest(concept, known) or known}."
    )
