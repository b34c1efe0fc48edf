import pytest
import torch

from benchmarks.diffusion import Outcome, Rates, labels_of, table
from slug_lightning.errors import ConceptNotFoundError
from slug_lightning.miniature.diffusion.recognition import Recognised


def recognised(**missed):
    """Everything is recognised but the digits, or styles, at these rows and columns."""
    hits = {label: torch.ones(2, 10, 10, dtype=torch.bool) for label in ("digit", "style")}
    for label, cells in missed.items():
        for seed, digit, style in cells:
            hits[label][seed, digit, style] = False
    return Recognised(hits)


@pytest.fixture
def outcome():
    everywhere = [(seed, 7, style) for seed in range(2) for style in range(10)]
    after = recognised(digit=[*everywhere, (0, 3, 1), (1, 3, 1)], style=[(0, 7, 0), (0, 1, 0)])
    before, found = Rates.of("seven", recognised(digit=[(0, 3, 1)])), Rates.of("seven", after)
    return Outcome("seven", "some.layer", 2.5, 200, before, found)


def test_the_concept_is_counted_in_its_images_and_the_others_in_theirs(outcome):
    assert (outcome.before.concept, outcome.after.concept) == (100, 0)
    assert outcome.before.others == pytest.approx(100 * 179 / 180)
    assert outcome.after.others == pytest.approx(100 * 178 / 180)
    assert outcome.after.across == pytest.approx(100 * 179 / 180)
    assert outcome.after.high == pytest.approx(16.1, abs=0.1)


def test_the_worst_of_the_others_is_relative_to_its_own_rate(outcome):
    name, kept = outcome.worst
    assert name == "three"
    assert kept == pytest.approx(100 * 18 / 19)


def test_the_table_has_a_line_per_concept(outcome):
    assert (
        table([outcome, outcome]).count("| seven | 100.0 | 0.0 (16.1) | 99.4 to 98.9 | 94.7 (three) |") == 2
    )


def test_styles_are_judged_by_the_style_classifier():
    assert labels_of("seven") == ("digit", "style")
    assert labels_of("chalk drawing") == ("style", "digit")
    with pytest.raises(ConceptNotFoundError, match="chalk drawing"):
        labels_of("chalk drwing")
