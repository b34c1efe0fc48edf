"""``slug demo``: the miniature world, from nothing to a report."""

from collections.abc import Sequence
from pathlib import Path

from slug_lightning.cli.typed_function import run_function
from slug_lightning.errors import ConceptNotFoundError, closest

CONFIG = Path(__file__).parent.parent / "miniature" / "config.yaml"  # links to configs/miniature.yaml


def demo(concept: str = "seven", data: Path = Path("data/miniature")) -> int:
    """Unlearn one digit from the miniature CLIP and prove it, offline.

    Builds the miniature world's data (once) and runs ``slug fit --config configs/miniature.yaml``.

    Args:
        concept: The digit to forget, as a word: zero ... nine.
        data: Where the miniature world is kept.
    """
    import torch

    from slug_lightning.cli.lightning import run as run_lightning
    from slug_lightning.miniature.scans import DIGIT_WORDS
    from slug_lightning.miniature.world import build_world

    if concept not in DIGIT_WORDS:
        near = closest(concept, DIGIT_WORDS) or list(DIGIT_WORDS)
        raise ConceptNotFoundError(
            f"Expected --concept to be a digit as a word, but got {concept!r}. Closest: {near}."
        )
    build_world(data)
    torch.set_num_threads(1)  # tensors are tiny: a second thread gains nothing, and loses on a busy machine
    return run_lightning(
        ["fit", "--config", str(CONFIG), "--data.root", str(data), "--data.concept", concept]
    )


def run(words: Sequence[str]) -> int:
    """Parse and run."""
    return run_function(demo, words[1:], "slug demo")
