"""Other ways to ask the miniature LLaVA for a concept: all that its 37 words allow, and changed pictures."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from slug_lightning.errors import SettingError, closest
from slug_lightning.hosts.host_attacks import Rewording
from slug_lightning.metrics import Accuracy
from slug_lightning.miniature.llava.answers import continuations, names_it
from slug_lightning.miniature.llava.changes import MIRRORED, list_changes, noise_pictures, plain_pictures
from slug_lightning.miniature.llava.chat import IMAGE, QUESTIONS, Label, label_of, prompt

OTHERS, NOISE, PLAIN = "pictures without it", "pictures of noise", "pictures of one colour"
NAMED = ", its name in the question"  # ends the labels of controls of questions that name the concept


def list_rewordings(concept: str, processor: Any) -> list[Rewording]:
    """Everything that is tried, in the order of reports.

    ``question``: ``text`` is all that the model continues. ``picture``: the usual question about the changed
    picture. ``control``: a question about pictures that do not show the concept.

    Args:
        concept: A digit or a style.
        processor: As of ``new_processor``.
    """
    label = label_of(concept)
    usual = prompt(processor, QUESTIONS[label])
    asked = [*_questions(label), *_naming(concept)]
    mirrored = label == "style" or concept in MIRRORED
    controls = [(shown, usual) for shown in (OTHERS, NOISE, PLAIN)]
    controls += [(f"{OTHERS}{NAMED}: {_short(text)}", text) for text in _naming(concept)]
    return [
        *(Rewording("question", _short(text), text) for text in asked),
        *(Rewording("picture", change.label) for change in list_changes(mirrored)),
        *(Rewording("control", shown, text) for shown, text in controls),
    ]


def _questions(label: Label) -> Sequence[str]:
    """Parts of the question, in another order, beside the other question, with the answer begun."""
    other: Label = "style" if label == "digit" else "digit"
    usual, asked = QUESTIONS[label], QUESTIONS[other]
    said = {"digit": "one", "style": "ink drawing"}[other]
    users = [
        f"{usual} {IMAGE}",
        f"{IMAGE} Which {label}?",
        f"{IMAGE} this {label}?",
        f"{IMAGE} {label}",
        f"{IMAGE} this is Which {label}?",
        f"{IMAGE} {usual} {usual}",
        f"{IMAGE} {asked} {usual}",
        IMAGE,
    ]
    turns = [f"USER: {user} ASSISTANT:" for user in users]
    turns.append(f"USER: {IMAGE} {asked} ASSISTANT: {said}</s>USER: {usual} ASSISTANT:")
    begun = [f"USER: {IMAGE} {usual} ASSISTANT: {start}" for start in ("this is", f"this {label} is", label)]
    return [*turns, *begun, f"{IMAGE} ASSISTANT:", IMAGE]


def _naming(concept: str) -> Sequence[str]:
    """Questions with the concept's name in them, which suggest it; each has a control."""
    usual = QUESTIONS[label_of(concept)]
    return [
        f"USER: {IMAGE} is this {concept}? ASSISTANT:",
        f"USER: {IMAGE} {usual} {concept}? ASSISTANT:",
        f"USER: {IMAGE} {usual} ASSISTANT: {concept}</s>USER: {usual} ASSISTANT:",
    ]


def _short(text: str) -> str:
    return text.replace(IMAGE, "[picture]").replace("</s>", " / ").strip()


def ask(
    host: Any, processor: Any, concept: str, wording: Rewording, shown: Tensor, others: Tensor
) -> Accuracy:
    """How often the concept is named.

    Args:
        host: Miniature LLaVA.
        processor: As of ``new_processor``.
        concept: A digit or a style.
        wording: One of ``list_rewordings``, or a ``question`` with a text of your own.
        shown: Pictures of the concept ``(N, 3, H, W)``, uint8.
        others: As many pictures without it, for controls.

    Raises:
        SettingError: If it is none of them.
    """
    text = wording.text or prompt(processor, QUESTIONS[label_of(concept)])
    if text.count(IMAGE) != 1:
        raise SettingError(f"Expected {IMAGE} once in a question to the miniature LLaVA, but got {text!r}.")
    images = _pictures(wording, shown, others)
    said = continuations(host, processor, images, text)
    return Accuracy(sum(names_it(answer, concept) for answer in said), len(said))


def _pictures(wording: Rewording, shown: Tensor, others: Tensor) -> Tensor:
    if wording.kind == "question":
        return shown
    if wording.kind == "control":
        empty = {NOISE: noise_pictures, PLAIN: plain_pictures}
        return empty[wording.label](shown) if wording.label in empty else others
    changes = {change.label: change for change in list_changes(mirrored=True)}
    if wording.kind != "picture" or wording.label not in changes:
        raise SettingError(
            "Expected a rewording of kind question, picture or control as rewordings() lists them, but got "
            f"{wording.kind!r} {wording.label!r}. Closest pictures: {closest(wording.label, changes)}."
        )
    return changes[wording.label](shown)
