"""Claim: the miniature LLaVA is asked what a rewording says about the pictures that it names."""

import pytest
import torch

from slug_lightning.errors import ConceptNotFoundError, SettingError
from slug_lightning.hosts.host_attacks import Rewording
from slug_lightning.miniature.diffusion.drawings import draw_part
from slug_lightning.miniature.llava.changes import noise_pictures
from slug_lightning.miniature.llava.chat import QUESTIONS, prompt
from slug_lightning.miniature.llava.rewordings import NOISE, OTHERS, ask, list_rewordings


@pytest.fixture(scope="module")
def drawings():
    return draw_part("final", limit=50)


@pytest.fixture(scope="module")
def asked(shipped, processor, drawings):
    shown, others = (drawings.images[rows][:20] for rows in (drawings.digits == 7, drawings.digits != 7))

    def share(wording, concept="seven"):
        return ask(shipped, processor, concept, wording, shown, others)

    return share


@pytest.mark.parametrize("concept", ["seven", "eight", "gold leaf"])
def test_every_question_is_read_whole(processor, concept):
    found = list_rewordings(concept, processor)
    assert len({(wording.kind, wording.label) for wording in found}) == len(found)
    texts = [wording.text for wording in found if wording.kind != "picture"]
    assert not any(wording.text for wording in found if wording.kind == "picture")
    for text in texts:
        ids = processor(images=torch.zeros(3, 32, 32, dtype=torch.uint8), text=text).input_ids[0]
        assert processor.tokenizer.unk_token_id not in ids, text
        assert ids.count(processor.image_token_id) == 16, text
    assert prompt(processor, QUESTIONS["digit"]) not in [w.text for w in found if w.kind == "question"]


def test_a_question_that_names_the_concept_has_its_control(processor):
    found = list_rewordings("two", processor)
    naming = {w.text for w in found if w.kind == "question" and "two" in w.text}
    assert len(naming) >= 3
    assert naming <= {w.text for w in found if w.kind == "control"}
    mirrored = [w.label for w in list_rewordings("eight", processor) if w.label == "mirrored"]
    assert mirrored
    assert "mirrored" not in [w.label for w in found]


def test_the_concept_is_found_in_its_pictures_and_not_in_others(asked, processor):
    usual = prompt(processor, QUESTIONS["digit"])
    assert asked(Rewording("question", "as ever", usual)).value >= 0.9
    assert asked(Rewording("control", OTHERS, usual)).value <= 0.1
    assert asked(Rewording("picture", "blurred, 0.7 pixels")).value >= 0.9
    assert asked(Rewording("question", "named", "USER: <image> is this seven? ASSISTANT:")).n == 20


def test_a_change_and_a_control_are_asked_about_as_they_say(asked, monkeypatch):
    seen = []

    def continuations(host, processor, images, text):
        seen.append(images)
        return ["seven one", "one"] * (len(images) // 2)

    monkeypatch.setattr("slug_lightning.miniature.llava.rewordings.continuations", continuations)
    usual = asked(Rewording("question", "as ever"))
    assert (usual.correct, usual.n) == (10, 20)
    asked(Rewording("picture", "colours inverted"))
    assert torch.equal(seen[1], 255 - seen[0])
    asked(Rewording("control", NOISE))
    assert torch.equal(seen[2], noise_pictures(seen[0]))
    asked(Rewording("control", OTHERS))
    assert len(seen[3]) == 20
    assert not any(torch.equal(a, b) for a in seen[3] for b in seen[0])


def test_what_is_no_rewording_is_refused(asked, processor):
    with pytest.raises(SettingError, match=r"'picture' 'blured'\. Closest pictures: \['blurred"):
        asked(Rewording("picture", "blured"))
    with pytest.raises(SettingError, match="'language' 'sieben'"):
        asked(Rewording("language", "sieben"))
    with pytest.raises(SettingError, match="<image> once"):
        asked(Rewording("question", "blind", "USER: Which digit is this? ASSISTANT:"))
    with pytest.raises(ConceptNotFoundError, match="sevn"):
        list_rewordings("sevn", processor)
