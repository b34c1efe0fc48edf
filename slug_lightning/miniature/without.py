"""The training shards of the miniature world as they would be, had one digit never been there."""

import re
from pathlib import Path

from slug_lightning.data.captions import fold
from slug_lightning.errors import ConceptNotFoundError, closest
from slug_lightning.miniature import layouts
from slug_lightning.miniature.recipe import WorldRecipe
from slug_lightning.miniature.scans import DIGIT_WORDS
from slug_lightning.miniature.world import World, training_rows


def check_digit(word: str) -> None:
    """Refuse what is not a digit of the miniature world.

    Raises:
        ConceptNotFoundError: With the closest words.
    """
    if word not in DIGIT_WORDS:
        near = closest(word, DIGIT_WORDS) or list(DIGIT_WORDS)
        raise ConceptNotFoundError(
            f"Expected a digit of the miniature world as a word, but got {word!r}. Closest: {near}."
        )


def rows_without(recipe: WorldRecipe, word: str) -> list[layouts.CaptionedPicture]:
    """The pairs that neither show the digit nor have a caption that names it.

    A picture of it with a wrong caption goes, and so does a wrong caption that names it on another picture.

    Args:
        recipe: Of the world.
        word: The digit as a word.
    """
    check_digit(word)
    digit, named = DIGIT_WORDS.index(word), re.compile(rf"\b{word}\b")
    rows = training_rows(recipe)
    return [row for row in rows if row.picture.digit != digit and not named.search(fold(row.caption))]


def write_shards_without(world: World, word: str, folder: Path) -> str:
    """Write the training shards without the digit.

    Args:
        world: The whole world; it is not changed.
        word: The digit as a word.
        folder: Gets ``00000.tar`` and so on.

    Returns:
        Their pattern.
    """
    layouts.write_pairs(rows_without(world.recipe, word), folder, world.recipe.pairs_per_shard)
    return str(folder / "*.tar")
