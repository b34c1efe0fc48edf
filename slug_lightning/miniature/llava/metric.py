"""The search's measure on the miniature LLaVA: what it answers about held-out pictures."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from slug_lightning.errors import ModelNotFoundError, SettingError
from slug_lightning.hosts.host_attacks import Confusion, HostAttacks, Probing, Rewording
from slug_lightning.hosts.host_metric import FORGET, Example, Role, Split
from slug_lightning.metrics import Accuracy
from slug_lightning.miniature.diffusion.drawings import Drawings, draw_part, joined
from slug_lightning.miniature.llava.answers import Answered, answers, names_in
from slug_lightning.miniature.llava.chat import (
    LABELS,
    QUESTIONS,
    Label,
    label_of,
    new_processor,
    possible_answers,
)
from slug_lightning.miniature.llava.host import LANGUAGE_FILE, TOWER_FILE, WEIGHTS, miniature_llava
from slug_lightning.miniature.llava.lessons import batch_rows, lesson_losses
from slug_lightning.miniature.llava.readings import patch_features, right_answer_losses
from slug_lightning.miniature.llava.rewordings import ask, list_rewordings
from slug_lightning.miniature.llava.training import IGNORED, answer_logits, draw_training, said
from slug_lightning.miniature.llava.without import trained_without
from slug_lightning.miniature.membership import SHARED_GRID, check_own_grid, mean_by_scan
from slug_lightning.miniature.model_folder import RECIPE_FILE

LEAST = 100  # pictures
SEEDS: dict[Split, int] = {"search": 3, "final": 2}  # of the hands that draw the scans


class MiniatureAnswers(HostAttacks):
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
        self._folder, self._without = WEIGHTS, ""  # a gold standard's own, and what it never saw
        self._drawn: dict[Split | Literal["train"], Drawings] = {}
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
        drawings, own = self._drawings(split), self._asks(concept)
        shows, count = self._shows(concept, split), self.pictures[split]
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
        about = {"questions": dict(QUESTIONS), "pictures": dict(self.pictures), "decoding": "greedy"}
        return {**about, "without": self._without} if self._without else about

    def examples(self) -> Sequence[Example]:
        """At most one picture of each digit in each style, with what was answered, of the last call."""
        first: dict[tuple[str, str], Example] = {}
        for example in self._examples:
            first.setdefault((example.row, example.column), example)
        order = {label: possible_answers(label) for label in LABELS}
        return sorted(
            first.values(), key=lambda e: (order["digit"].index(e.row), order["style"].index(e.column))
        )

    def gold(self, folder: Path) -> "MiniatureAnswers":
        """The same questions and pictures, put to a LLaVA that never saw the concept.

        Args:
            folder: As ``python -m slug_lightning.miniature.llava.train --without`` writes it.

        Raises:
            ModelNotFoundError: If it is not there, has no vision tower of its own, or does not say what it
                never saw. (Asked for another concept than that, it raises a ``SettingError``.)
        """
        missing = [name for name in (LANGUAGE_FILE, TOWER_FILE) if not (folder / name).is_file()]
        word = trained_without(folder)
        if missing or word is None:
            lacks = f"{missing} are not there" if missing else f"its {RECIPE_FILE} does not say so"
            raise ModelNotFoundError(
                f"Expected a miniature LLaVA that never saw the concept in '{folder}', but {lacks}; train it "
                "by `python -m slug_lightning.miniature.llava.train --without DIGIT --clip DIR --out DIR`."
            )
        other = MiniatureAnswers(self.pictures["search"], self.pictures["final"])
        other._folder, other._without, other._drawn = folder, word, self._drawn
        return other

    def rewordings(self, concept: str) -> Sequence[Rewording]:
        """Other questions, changed pictures, and controls; see ``rewordings.list_rewordings``."""
        return list_rewordings(concept, self._processor)

    def reworded(self, concept: str, wordings: Sequence[Rewording]) -> Sequence[Accuracy]:
        """How often the concept is named in the final pictures that ``forget`` asks about.

        A control asks about as many pictures that do not show it.
        """
        self._asks(concept)
        drawings, shows = self._drawings("final"), self._shows(concept, "final")
        count = self.pictures["final"] // 4
        shown, others = (drawings.images[rows][:count] for rows in (shows, ~shows))
        return [ask(self._host, self._processor, concept, wording, shown, others) for wording in wordings]

    def lessons(self, concept: str, pairs: int, batch_size: int, seed: int) -> Iterator[Tensor]:
        """Losses of the right answers to both questions about training drawings.

        The first ``pairs`` of the concept are the attacker's; the others show, and so name, something else.
        """
        self._asks(concept)
        rows = batch_rows(self._shows(concept, "train"), pairs, batch_size, seed)
        return lesson_losses(self._host, self._processor, self._drawings("train"), rows)

    def confusion(self, concept: str) -> Confusion:
        """Answers to the concept's question about final pictures of each name, as many as of the concept."""
        label, drawings = self._asks(concept), self._drawings("final")
        truth, count = names_in(drawings, label), self.pictures["final"] // 4
        rows = {
            name: [row for row, own in enumerate(truth) if own == name] for name in possible_answers(label)
        }
        some = drawings.take(torch.tensor([row for own in rows.values() for row in own[:count]]))
        given = answers(self._host, self._processor, some.images, QUESTIONS[label])
        answered = Answered({label: given}, {label: names_in(some, label)})
        return Confusion(possible_answers(label), answered.confusion(label))

    def example_losses(self, concept: str, seen: bool) -> Tensor:
        """Loss of the concept's name as the answer, of each of its scans: the mean over its drawings.

        Drawings of one scan are alike, so the scan is what was seen or was not. Seen: the training's own
        drawings, once in each style, before their small random changes. Unseen: search and final scans.
        Mosaics are left out: their grid is at one place in each part, seen or not.

        Raises:
            SettingError: If the concept is the mosaic.
        """
        check_own_grid(concept)
        parts: tuple[Split | Literal["train"], ...] = ("train",) if seen else ("search", "final")
        chosen = {part: self._shows(concept, part) & ~self._shows(SHARED_GRID, part) for part in parts}
        own = joined(*(self._drawings(part).take(rows) for part, rows in chosen.items()))
        losses = right_answer_losses(self._host, self._processor, own, self._asks(concept))
        return mean_by_scan(losses, own.scans)

    def probing(self, concept: str) -> Probing:
        """What the projector reads of search and final pictures, by the names of the concept's kind."""
        label = self._asks(concept)
        search, final = self._drawings("search"), self._drawings("final")
        labels = [part.digits if label == "digit" else part.styles for part in (search, final)]
        features = [patch_features(self._host, part) for part in (search, final)]
        return Probing(possible_answers(label), features[0], labels[0], features[1], labels[1])

    def _asks(self, concept: str) -> Label:
        """Which question asks for a concept.

        Raises:
            SettingError: If this is the gold standard of another one.
        """
        if self._without not in ("", concept):
            raise SettingError(
                f"Expected a gold standard that never saw {concept!r}, but the one in '{self._folder}' was "
                f"trained without {self._without!r}. Train one without the concept of the run."
            )
        return label_of(concept)

    def _shows(self, concept: str, part: Split | Literal["train"]) -> Tensor:
        """Whether each drawing shows the concept."""
        names = names_in(self._drawings(part), label_of(concept))
        return torch.tensor([name == concept for name in names])

    @cached_property
    def _host(self) -> Any:
        return miniature_llava(self._folder)

    @cached_property
    def _processor(self) -> Any:
        return new_processor()

    def _drawings(self, part: Split | Literal["train"]) -> Drawings:
        if part not in self._drawn:
            self._drawn[part] = draw_training(times=1) if part == "train" else self._draw(part)
        return self._drawn[part]

    def _draw(self, split: Split) -> Drawings:
        # Enough scans for a quarter of the pictures to be the concept's own, and not the same ones.
        return draw_part(split, seed=SEEDS[split], limit=self.pictures[split] // 2)


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
