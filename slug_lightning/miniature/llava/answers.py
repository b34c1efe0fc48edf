"""What a LLaVA answers about pictures, and how often that is right: the host's own measure of forgetting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from slug_lightning.metrics import Accuracy
from slug_lightning.miniature.diffusion.drawings import Drawings
from slug_lightning.miniature.llava.chat import LABELS, QUESTIONS, Label, label_of, possible_answers, prompt

LONGEST = 4  # tokens of an answer: two words and the end, and one to spare


def answers(
    model: Any, processor: Any, images: Sequence[Any] | Tensor, question: str, batch_size: int = 250
) -> list[str]:
    """Ask the same question about every picture. Greedy, so nothing is random.

    Args:
        model: A miniature LLaVA.
        processor: As of ``new_processor``.
        images: N pictures, of PIL or as pixels ``(N, 3, H, W)``, uint8.
        question: E.g. ``"Which digit is this?"``.
        batch_size: Pictures at a time.

    Returns:
        N answers, as text.
    """
    return continuations(model, processor, images, prompt(processor, question), batch_size)


@torch.inference_mode()
def continuations(
    model: Any, processor: Any, images: Sequence[Any] | Tensor, text: str, batch_size: int = 250
) -> list[str]:
    """What the model goes on to say after any text.

    Args:
        model: A miniature LLaVA.
        processor: As of ``new_processor``.
        images: As of ``answers``.
        text: Ends where the model begins; ``<image>`` stands once for the picture.
        batch_size: Pictures at a time.

    Returns:
        N texts, without what was there before.
    """
    said: list[str] = []
    for first in range(0, len(images), batch_size):
        some = list(images[first : first + batch_size])
        inputs = processor(images=some, text=[text] * len(some), return_tensors="pt").to(model.device)
        written = model.generate(**inputs, max_new_tokens=LONGEST, do_sample=False)
        said += processor.batch_decode(written[:, inputs.input_ids.shape[1] :], skip_special_tokens=True)
    return said


@dataclass(frozen=True)
class Answered:
    """Answers to both questions about pictures with known labels.

    Attributes:
        said: What was answered, by question.
        truth: The right answers.
    """

    said: Mapping[Label, Sequence[str]]
    truth: Mapping[Label, Sequence[str]]

    def right(self, label: Label, of: str | None = None, without: str | None = None) -> Accuracy:
        """Share of right answers to a question.

        Args:
            label: Which question.
            of: Only pictures of this digit or style.
            without: Not those.

        Example:
            >>> answered = Answered({"digit": ["seven", "one"]}, {"digit": ["seven", "two"]})
            >>> answered.right("digit").value, answered.right("digit", without="two").value
            (0.5, 1.0)
        """
        rows = [row for row in range(len(self.truth[label])) if self._chosen(row, of, without)]
        return Accuracy(sum(self.said[label][row] == self.truth[label][row] for row in rows), len(rows))

    def named(self, concept: str) -> Accuracy:
        """Share of the concept's own pictures whose answer has its name in it, right or with more words."""
        label = label_of(concept)
        rows = [row for row in range(len(self.truth[label])) if self.truth[label][row] == concept]
        return Accuracy(sum(names_it(self.said[label][row], concept) for row in rows), len(rows))

    def confusion(self, label: Label) -> Tensor:
        """How often each name was answered to pictures of each, ``(C, C + 1)``.

        Rows are what is shown. An answer counts for a name if it is that and no more; the last column has all
        others.

        Example:
            >>> counts = Answered({"digit": ["one", "no"]}, {"digit": ["zero"] * 2}).confusion("digit")
            >>> counts[0, [0, 1, -1]]
            tensor([0, 1, 1])
        """
        names = possible_answers(label)
        places = {name: place for place, name in enumerate(names)}
        counts = torch.zeros(len(names), len(names) + 1, dtype=torch.long)
        for given, right in zip(self.said[label], self.truth[label], strict=True):
            counts[places[right], places.get(given, -1)] += 1
        return counts

    def _chosen(self, row: int, of: str | None, without: str | None) -> bool:
        labels = [names[row] for names in self.truth.values()]
        return (of is None or of in labels) and without not in labels


def names_it(answer: str, concept: str) -> bool:
    """Whether a name is in an answer, alone or among other words.

    Example:
        >>> names_it("seven one", "seven"), names_it("sevens", "seven")
        (True, False)
    """
    return f" {concept} " in f" {answer} "


def interview(model: Any, processor: Any, drawings: Drawings) -> Answered:
    """Ask both questions about every picture.

    Args:
        model: A miniature LLaVA.
        processor: As of ``new_processor``.
        drawings: Pictures with both labels.
    """
    return Answered(
        {label: answers(model, processor, drawings.images, QUESTIONS[label]) for label in LABELS},
        {label: names_in(drawings, label) for label in LABELS},
    )


def names_in(drawings: Drawings, label: Label) -> list[str]:
    """The right answer for each picture."""
    numbers = drawings.digits if label == "digit" else drawings.styles
    return [possible_answers(label)[number] for number in numbers.tolist()]
