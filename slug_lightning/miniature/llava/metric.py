"""The search's measure on the miniature LLaVA: what it answers about held-out pictures."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from slug_lightning.errors import ConceptNotFoundError, SettingError, closest
from slug_lightning.hosts.host_metric import FORGET, Example, HostMetric, Role, Split
from slug_lightning.metrics import Accuracy
from slug_lightning.miniature.diffusion.drawings import Drawings, draw_part
from slug_lightning.miniature.llava.answers import Answered, answers, names_in
from slug_lightning.miniature.llava.chat import LABELS, QUESTIONS, Label, new_processor, possible_answers
from slug_lightning.miniature.llava.host import miniature_llava
from slug_lightning.miniature.llava.training import IGNORED, answer_logits, said

LEAST = 100  # pictures
SEEDS: dict[Split, int] = {"search": 3, "final": 2}  # of the hands that draw the scans


class MiniatureAnswers(HostMetric):
    """Answers of the miniature LLaVA about pictures of scans that nothing was trained on.

    ``forget``: how often it names the concept when asked about the concept's own pictures. ``digit`` and
    ``style``: right answers; pictures of the concept are left out of the question that asks for it. Decoding
    is greedy and the pictures are the same in every call, so that two points differ in the edit alone.

    Args:
        search: Pictures that the search asks about for ``digit`` and for ``style``, at random from its scans
            in all styles; of the concept's own, at most a quarter of that number.
        final: The same for the final figures, of other scans.
    """

    def __init__(self, search: int = 400, final: int = 1500) -> None:
        if min(search, final) < LEAST:
            raise SettingError(
                f"Expected at least {LEAST} pictures, so that each concept is among them, but got search "
                f"{search} and final {final}."
            )
        self.pictures: dict[Split, int] = {"search": search, "final": final}
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
        count = self.pictures[split]
        chosen = {label: torch.arange(len(shows))[:count] for label in LABELS}
        chosen[own] = (~shows).nonzero().flatten()[:count]
        figures, self._examples = {}, []
        for name in names:
            label = own if name == FORGET else _label(name)
            rows = shows.nonzero().flatten()[: count // 4] if name == FORGET else chosen[label]
            some = drawings.take(rows)
            given = answers(self._host, self._processor, some.images, QUESTIONS[label])
            answered = Answered({label: given}, {label: names_in(some, label)})
            figures[name] = answered.named(concept) if name == FORGET else answered.right(label)
            if label == own:
                self._examples += _show(some, given, label)
        return figures

    def loss(self, concept: str, role: Role, states: Tensor) -> Tensor:
        r"""What LLaVA says of pictures, as a loss of the first token of its answers.

        ``forget``: log-odds :math:`\log \frac{1 - p}{p}` of the concept's name. ``retain``: cross-entropy of
        what the original itself answers to both questions, so that no labels are needed; where it answers
        with the concept, whatever the caption says, there is nothing to keep.
        """
        name = self._names[concept]
        if role == "forget":
            logits = self._first_token(states, label_of(concept))
            return (_without(logits, name).logsumexp(dim=1) - logits[:, name]).sum()
        logits = torch.cat([self._first_token(states, label) for label in LABELS])
        kept = logits.detach().argmax(dim=1)
        return F.cross_entropy(logits, kept.masked_fill(kept == name, IGNORED), reduction="sum")

    def _first_token(self, states: Tensor, label: Label) -> Tensor:
        """Logits ``(B, V)`` of the first token of the answers to a question."""
        asked = self._questions[label].to(states.device).expand(len(states), -1)
        return answer_logits(self._host, asked, states[:, 1:])[:, -1]

    @cached_property
    def _questions(self) -> dict[Label, Tensor]:
        tokens, start = said(self._processor)
        return {label: tokens[number, :1, :start] for number, label in enumerate(LABELS)}

    @cached_property
    def _names(self) -> dict[str, int]:
        """First token of each answer."""
        ids = self._processor.tokenizer
        names = [name for label in LABELS for name in possible_answers(label)]
        return {name: ids(name, add_special_tokens=False).input_ids[0] for name in names}

    def labels(self, concept: str) -> Mapping[str, str]:
        """Words for the report."""
        own = label_of(concept)
        what = {FORGET: f"{own} named by LLaVA in pictures of the concept"}
        return what | {label: f"{label}s answered right by LLaVA" for label in LABELS}

    def account(self) -> Mapping[str, Any]:
        """Questions, pictures and decoding."""
        return {"questions": dict(QUESTIONS), "pictures": dict(self.pictures), "decoding": "greedy"}

    def examples(self) -> Sequence[Example]:
        """At most one picture of each digit in each style, with what was answered, of the last call."""
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
            # Enough scans for a quarter of the pictures to be the concept's own, and not the same ones.
            limit = self.pictures[split] // 2
            self._drawn[split] = draw_part(split, seed=SEEDS[split], limit=limit)
        return self._drawn[split]


def _label(name: str) -> Label:
    return "digit" if name == "digit" else "style"


def _without(logits: Tensor, token: int) -> Tensor:
    """Logits of all other tokens."""
    return torch.cat([logits[:, :token], logits[:, token + 1 :]], dim=1)


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
