"""What a report does not show, in plain words; the same on the page and in the document."""

from collections.abc import Mapping
from typing import Any


def limits(report: Mapping[str, Any], audited: bool) -> list[str]:
    """Sentences that belong to every report.

    Args:
        report: A valid report.
        audited: Whether attacks on the forgetting were measured.
    """
    return [*(_of_a_patch(audited) if report["feasible"] else _of_none()), *_of_any(report)]


def _of_a_patch(audited: bool) -> list[str]:
    attacks = (
        "The audit tried the attacks that it lists, and no others."
        if audited
        else "No attack was tried: `slug audit` does that."
    )
    return [
        "This is not a proof that the concept is gone from the model. It shows only the stated "
        "accuracies, with these prompts and these images. Other wordings, languages or pictures, and "
        f"fine-tuning, may bring it back. {attacks}",
        "The forgetting lives in the patched weights. Whoever has the original weights, or takes the "
        "patch back, has the concept. Copies elsewhere (other models, backups, caches, outputs, the data "
        "that the model was trained on) are as they were.",
    ]


def _of_none() -> list[str]:
    return [
        "This is not a proof that the concept cannot be removed. It shows only that none of the evaluated "
        "layers and steps met the criterion; other layers, more steps or other data may.",
        "Nothing was changed: the model recognises the concept as before.",
    ]


def _of_any(report: Mapping[str, Any]) -> list[str]:
    apart = report.get("evaluation") and report["evaluation"]["overlap"] != "allow"
    choice = (
        "Layer and step were chosen on the images named search under Data used; the figures are of other "
        "files. "
        "They can still be of the same kind, source or day."
        if apart
        else "The step was chosen on evaluation data. Where the table uses the same images as the search, "
        "its values are slightly favourable."
    )
    return [
        "What must be kept was measured only with the metrics above. Other abilities may have changed.",
        choice,
        "An interval says how far chance in drawing the images may have moved a figure. It does not cover "
        "how the images were chosen, nor what they do not show.",
        "A digest shows which files were used, byte for byte. It does not show that they were complete, "
        "rightly labelled or lawfully held.",
        "Whether this answers a request for erasure in law is not for this report to say.",
    ]
