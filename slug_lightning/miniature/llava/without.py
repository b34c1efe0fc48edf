"""What the miniature LLaVA learns from, had one digit never been there: for a gold standard of forgetting."""

import json
from pathlib import Path

from torch import nn

from slug_lightning.errors import SettingError
from slug_lightning.miniature.diffusion.drawings import Drawings
from slug_lightning.miniature.model_folder import RECIPE_FILE
from slug_lightning.miniature.scans import DIGIT_WORDS
from slug_lightning.miniature.without import check_digit
from slug_lightning.models import load_clip
from slug_lightning.models.loading import LOCAL


def drawings_without(drawings: Drawings, word: str) -> Drawings:
    """The pictures that do not show a digit, so that it is in no answer, either.

    Args:
        drawings: Pictures with both labels.
        word: The digit as a word.

    Raises:
        ConceptNotFoundError: If it is no digit.
    """
    check_digit(word)
    return drawings.take(drawings.digits != DIGIT_WORDS.index(word))


def clip_without(folder: Path, word: str) -> nn.Module:
    """A CLIP that never saw a digit, as its ``recipe.json`` says.

    Args:
        folder: open_clip folder, as ``python -m slug_lightning.miniature.train --without`` writes it.
        word: The digit as a word.

    Raises:
        SettingError: If it was trained with the digit, or does not say without what.
        ModelNotFoundError: If it cannot be loaded.
    """
    model = load_clip(f"{LOCAL}{folder}").model
    known = trained_without(folder)
    if known != word:
        raise SettingError(
            f"Expected a CLIP that never saw {word!r} in '{folder}', but its {RECIPE_FILE} says "
            f"{'nothing of that' if known is None else f'that it never saw {known!r}'}. Train one with "
            f"`python -m slug_lightning.miniature.train --without {word} --out DIR`."
        )
    return model


def trained_without(folder: Path) -> str | None:
    """The digit that ``recipe.json`` of a trained folder says it never saw; ``None`` if it says nothing."""
    try:
        record = json.loads((folder / RECIPE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    word = record.get("without") if isinstance(record, dict) else None
    return word if isinstance(word, str) else None
