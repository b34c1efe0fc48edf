import pytest

from slug_lightning.data.evaluation_sets import collecting
from slug_lightning.errors import ConceptNotFoundError, DataNotFoundError
from tests.data.test_unlearning import prepared


def test_parts_are_those_of_a_split_in_their_order(tiny_world, tmp_path):
    sets = prepared(tiny_world, tmp_path).evaluation
    assert list(sets.parts) == [
        (split, name) for split in ("search", "final") for name in ("forget", "identities", "imagenet")
    ]
    for split in ("search", "final"):
        people = sets.images[split, "identities"]
        assert len(sets.parts[split, "forget"]) + len(sets.parts[split, "identities"]) == len(people)


def test_further_concepts_are_in_neither_part(tiny_world, tmp_path):
    sets = prepared(tiny_world, tmp_path, "--data.others", "[three]").evaluation
    three = sets.images["final", "identities"].label_of("three")
    for name in ("forget", "identities"):
        assert three not in sets.parts["final", name].labels


def test_an_unknown_further_concept_is_named(tiny_world, tmp_path):
    with pytest.raises(ConceptNotFoundError, match="thre"):
        prepared(tiny_world, tmp_path, "--data.others", "[thre]")


def test_what_is_missing_is_collected():
    missing = []
    with collecting(missing):
        raise DataNotFoundError("no such folder")
    assert missing == ["no such folder"]
