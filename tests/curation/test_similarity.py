import pytest
import torch

from slug_lightning.curation.harvest import FoundPair
from slug_lightning.curation.settings import CurationSettings
from slug_lightning.curation.similarity import SimilarityFilter
from slug_lightning.data.shards import iter_pairs
from slug_lightning.errors import ModelNotFoundError, SettingError
from slug_lightning.models import load_clip
from tests.curation.making import png
from tests.shard_reading import read_shards

MINIATURE = CurationSettings(clip_model="miniature", min_similarity=0.1)


def test_cosines_are_those_of_the_model(tiny_world):
    shard = tiny_world / "laion" / "00000.tar"
    raw = read_shards(shard)[:70]
    pairs = [FoundPair(i, s["__key__"], s["txt"].decode(), s["jpg"], "jpg") for i, s in enumerate(raw)]
    clip = load_clip("miniature")
    expected = []
    for pair in list(iter_pairs(str(shard)))[:70]:
        with torch.no_grad():
            image = clip.model.encode_image(clip.preprocess(pair.image)[None])
            text = clip.model.encode_text(clip.tokenize([pair.caption]))
        expected.append(float(torch.cosine_similarity(image, text)))
    cosines = SimilarityFilter(MINIATURE, 10**6).cosines(pairs)
    assert cosines == pytest.approx(expected, abs=1e-4)
    assert max(cosines) - min(cosines) > 0.1


def test_nothing_is_loaded_for_no_pairs():
    settings = CurationSettings(clip_model="no such model", min_similarity=0.1)
    assert SimilarityFilter(settings, 10**6).cosines([]) == []
    with pytest.raises(ModelNotFoundError, match="no such model"):
        SimilarityFilter(settings, 10**6).cosines([FoundPair(0, "a", "x", png(0), "png")])


def test_a_device_that_is_not_there_is_refused():
    settings = CurationSettings(clip_model="miniature", min_similarity=0.1, clip_device="nowhere")
    with pytest.raises(SettingError, match="Expected a torch device but got 'nowhere'"):
        SimilarityFilter(settings, 10**6).cosines([FoundPair(0, "a", "x", png(0), "png")])


def test_it_needs_a_model():
    with pytest.raises(SettingError, match="clip_model and min_similarity"):
        SimilarityFilter(CurationSettings(), 10**6)
