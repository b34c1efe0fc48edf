import pickle

import pytest

from slug_lightning.curation.query import Query
from slug_lightning.data.captions import names_concept
from slug_lightning.errors import SettingError
from tests.curation.making import CAPTIONS, NAMING, elon


def test_it_is_the_matcher_that_fit_excludes_retain_pairs_with():
    query = Query("Elon Musk", ("art",), "lakes?")
    for caption in CAPTIONS:
        assert query.matches(caption) == names_concept(caption, ["Elon Musk", "art"], "lakes?")


def test_captions_are_told_apart():
    assert [i for i, c in enumerate(CAPTIONS) if elon().judge(c) == "names"] == NAMING
    assert [c for c in CAPTIONS if elon().judge(c) == "resembles"] == ["melon musk perfume", "elon muskrat"]


@pytest.mark.parametrize("query", [{"concept": " "}, {"concept": "a", "aliases": ("",)}])
def test_empty_names_are_refused(query):
    with pytest.raises(SettingError, match="Expected names of the concept"):
        Query(**query)


def test_a_bad_regex_is_refused():
    with pytest.raises(SettingError, match="Expected a regular expression"):
        Query("a", regex="(")


def test_it_goes_to_other_processes():
    copy = pickle.loads(pickle.dumps(Query("Elon Musk", ("@elon",), "x+")))
    assert copy == Query("Elon Musk", ("@elon",), "x+")
    assert copy.matches("@elon")
