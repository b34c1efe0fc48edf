import open_clip
import pytest

from slug_lightning.data.prompts import fill, templates
from slug_lightning.errors import SettingError


def test_sets_have_their_sentences():
    assert templates("identity") == ("{}.",)
    assert templates("photo") == ("a photo of a {}.",)
    assert len(set(templates("openai-80"))) == 80
    assert templates("simple") == tuple(f("{}") for f in open_clip.SIMPLE_IMAGENET_TEMPLATES)
    assert all(sentence.count("{}") == 1 for sentence in templates("openai-80"))


def test_own_sentences_are_taken_as_they_are():
    assert templates(["a {}", "two {}"]) == ("a {}", "two {}")
    assert templates("a sketch of {}") == ("a sketch of {}",)


def test_names_are_put_in_literally():
    assert fill(("{}.", "a {0} of {}"), "x{}y {0}") == ["x{}y {0}.", "a {0} of x{}y {0}"]


def test_unknown_sets_and_useless_sentences_are_refused():
    with pytest.raises(SettingError, match=r"got 'openai-81'\. Closest sets: \['openai-80'"):
        templates("openai-81")
    with pytest.raises(SettingError, match="in each template but got 'a photo'"):
        templates(["a {}", "a photo"])
    with pytest.raises(SettingError, match="at least one template"):
        templates([])
