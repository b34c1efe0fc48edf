import pytest
import torch
import torch.nn.functional as F

from slug_lightning.errors import ConceptNotFoundError, ModelNotFoundError, SettingError
from slug_lightning.hosts.host_attacks import ABILITIES, Rewording, abilities
from slug_lightning.miniature.diffusion.drawings import draw_part
from slug_lightning.miniature.llava.host import save_language, save_tower
from slug_lightning.miniature.llava.metric import MiniatureAnswers
from slug_lightning.miniature.llava.training import draw_training
from slug_lightning.miniature.styles import STYLES


@pytest.fixture(scope="module")
def metric():
    metric = MiniatureAnswers(search=100, final=100)
    metric._drawn["train"] = draw_training(times=1, limit=30)  # not all 1,097 scans
    return metric


@pytest.fixture
def state(metric):
    """The host's weights; what was asked must have left them, and whether they are trained, as they were."""
    host = metric.load()
    before = {name: weight.clone() for name, weight in host.state_dict().items()}
    trained = {name: weight.requires_grad for name, weight in host.named_parameters()}
    yield before
    assert all(torch.equal(weight, before[name]) for name, weight in host.state_dict().items())
    assert trained == {name: weight.requires_grad for name, weight in host.named_parameters()}
    assert not host.training


NAMES = ["forget", "digit", "style"]


def test_every_picture_is_asked_about_where_it_belongs(metric):
    for concept in ("seven", "mosaic"):
        found = metric.measure(concept, NAMES, "search")
        assert [found[name].n for name in NAMES] == [25, 100, 100]
    metric.measure("mosaic", NAMES, "search")
    assert sum(example.column == "mosaic" for example in metric.examples()) > 5
    metric.measure("mosaic", ["style"], "search")
    assert not any(example.column == "mosaic" for example in metric.examples())


def test_the_same_call_gives_the_same_figures_and_examples(metric):
    first = metric.measure("two", ["forget", "digit"], "search"), metric.examples()
    again = metric.measure("two", ["forget", "digit"], "search"), metric.examples()
    assert first[0] == again[0]
    assert [(e.row, e.column, e.said) for e in first[1]] == [(e.row, e.column, e.said) for e in again[1]]
    assert 50 <= len(first[1]) <= 100  # one per digit and style


def test_search_and_final_share_no_picture(metric):
    metric.measure("two", ["forget"], "search")
    search = metric.examples()
    metric.measure("two", ["forget"], "final")
    assert not any((a.image == b.image).all() for a in search for b in metric.examples())


def test_it_measures_the_very_host_that_it_loads(metric):
    before = metric.measure("two", NAMES, "search")
    head = metric.load().lm_head.weight
    saved = head.detach().clone()
    try:
        head.data.zero_()
        after = metric.measure("two", NAMES, "search")
    finally:
        head.data.copy_(saved)
    assert before["digit"].value > 0.5
    assert all(share.correct == 0 for share in after.values())
    assert not any(example.right for example in metric.examples())
    assert metric.measure("two", NAMES, "search") == before


def test_what_it_cannot_judge_is_refused():
    with pytest.raises(ConceptNotFoundError, match="'seven'"):
        MiniatureAnswers().retained("sevn")
    with pytest.raises(SettingError, match="at least 100 pictures"):
        MiniatureAnswers(search=3)


def test_what_shows_the_concept_is_nothing_to_keep(metric):
    """In the retain loss pictures that the host takes for the concept count for the other question alone."""
    drawings = draw_part("train", limit=30)
    pixels = (drawings.pixels(torch.arange(len(drawings))) - 0.5) / 0.25
    own = pixels[drawings.digits == 7][:10]
    with torch.no_grad():
        states = metric.load().model.vision_tower(own, output_hidden_states=True).hidden_states[-2]
        kept = metric.loss("two", "retain", states) - metric.loss("seven", "retain", states)
        digits = F.cross_entropy(
            metric._first_token(states, "digit"), torch.full((10,), metric._names["seven"]), reduction="sum"
        )
    torch.testing.assert_close(kept, digits)


def test_it_offers_all_that_an_audit_can_ask_for(metric):
    assert abilities(metric) == ABILITIES


@pytest.mark.parametrize("concept", ["seven", "mosaic"])
def test_confusion_asks_about_as_many_pictures_of_each_name(metric, state, concept):
    found = metric.confusion(concept)
    assert concept in found.names
    assert found.counts.shape == (10, 11)
    assert found.counts.sum(dim=1).tolist() == [25] * 10
    own = list(found.names).index(concept)
    assert found.counts[own, own] == metric.measure(concept, ["forget"], "final")["forget"].correct


def test_rewordings_are_asked_about_the_pictures_of_the_final_figure(metric, state):
    wordings = metric.rewordings("seven")
    assert {wording.kind for wording in wordings} == {"question", "picture", "control"}
    usual = Rewording("question", "as ever", "USER: <image>\nWhich digit is this? ASSISTANT:")
    control = next(wording for wording in wordings if wording.kind == "control")
    found = metric.reworded("seven", [usual, control, usual])
    assert found[0] == found[2] == metric.measure("seven", ["forget"], "final")["forget"]
    assert found[1].n == 25
    assert found[1].value < 0.2 < found[0].value


def test_lessons_are_the_same_whatever_the_weights_are(metric, state, monkeypatch):
    seen = []

    def lesson_losses(host, processor, drawings, rows):
        for some in rows:
            seen.append(drawings.take(some))
            yield torch.zeros(())

    monkeypatch.setattr("slug_lightning.miniature.llava.metric.lesson_losses", lesson_losses)
    stream = metric.lessons("seven", 4, 16, seed=5)
    next(stream)
    head = metric.load().lm_head.weight
    saved = head.detach().clone()
    try:
        head.data.zero_()
        next(stream)
        again = metric.lessons("seven", 4, 16, seed=5)
        next(again)
        next(again)
    finally:
        head.data.copy_(saved)
    assert torch.equal(seen[0].images, seen[2].images)
    assert torch.equal(seen[1].images, seen[3].images)
    assert not torch.equal(seen[0].images, seen[1].images)


@pytest.mark.parametrize("concept", ["seven", "mosaic"])
def test_no_more_than_pairs_examples_name_the_concept(metric, monkeypatch, concept):
    """In either question, so no other example names it."""
    seen = []

    def answer_loss(host, tokens, start, features):
        seen.append([text.split("ASSISTANT :")[1] for text in metric._processor.batch_decode(tokens)])
        return torch.zeros(())

    monkeypatch.setattr("slug_lightning.miniature.llava.lessons.answer_loss", answer_loss)
    for pairs, expected in ((0, 0), (3, 3)):
        stream = metric.lessons(concept, pairs, 16, seed=5)
        for _ in range(5):
            seen.clear()
            next(stream)
            assert [len(answers) for answers in seen] == [16, 16]
            assert sum(concept in answer for answers in seen for answer in answers) == expected


def test_example_losses_are_of_the_concepts_own_scans(metric, state):
    seen, unseen = (metric.example_losses("seven", known) for known in (True, False))

    def scans(part):
        drawings = metric._drawings(part)
        return set(drawings.scans[drawings.digits == 7].tolist())

    assert len(seen) == len(scans("train")) > 0
    assert len(unseen) == len(scans("search")) + len(scans("final"))
    assert not scans("train") & (scans("search") | scans("final"))
    assert torch.equal(seen, metric.example_losses("seven", True))
    assert (seen >= 0).all()


def test_mosaics_say_nothing_of_membership(metric, monkeypatch):
    asked = []

    def right_answer_losses(host, processor, drawings, label):
        asked.append(drawings)
        return torch.zeros(len(drawings))

    monkeypatch.setattr("slug_lightning.miniature.llava.metric.right_answer_losses", right_answer_losses)
    metric.example_losses("seven", seen=False)
    mosaic = [style.name for style in STYLES].index("mosaic")
    assert (asked[0].digits == 7).all()
    assert set(asked[0].styles.tolist()) == set(range(10)) - {mosaic}
    with pytest.raises(SettingError, match="another concept than 'mosaic'"):
        metric.example_losses("mosaic", seen=True)


def test_probing_has_features_and_labels_of_both_splits(metric, state):
    for concept, labels in (("seven", "digits"), ("mosaic", "styles")):
        found = metric.probing(concept)
        assert concept in found.names
        assert torch.equal(found.labels, getattr(metric._drawings("search"), labels))
        assert torch.equal(found.final_labels, getattr(metric._drawings("final"), labels))
        assert found.features.shape == (len(found.labels), 2048)
        assert found.final.shape == (len(found.final_labels), 2048)


def test_a_gold_standard_is_asked_the_same_about_the_same_pictures(metric, untrained, tmp_path):
    with torch.no_grad():
        untrained.lm_head.weight.zero_()
    save_language(untrained, tmp_path)
    save_tower(untrained, tmp_path)
    (tmp_path / "recipe.json").write_text('{"without": "seven"}')
    gold = metric.gold(tmp_path)
    assert gold._drawings("final") is metric._drawings("final")
    assert gold.account() == {**metric.account(), "without": "seven"}
    found, own = (one.measure("seven", NAMES, "final") for one in (gold, metric))
    assert [found[name].n for name in NAMES] == [own[name].n for name in NAMES]
    assert not any(found[name].correct for name in NAMES)
    assert own["digit"].value > 0.5


def test_a_gold_standard_that_is_not_there_is_one_sentence(metric, untrained, tmp_path):
    with pytest.raises(ModelNotFoundError, match=r"never saw the concept in '.*none'.*--without DIGIT"):
        metric.gold(tmp_path / "none")
    save_language(untrained, tmp_path)  # on the shipped tower, which saw it
    with pytest.raises(ModelNotFoundError, match=r"\['tower.safetensors'\] are not there"):
        metric.gold(tmp_path)
    save_tower(untrained, tmp_path)
    with pytest.raises(ModelNotFoundError, match="its recipe.json does not say so"):
        metric.gold(tmp_path)


def test_the_gold_standard_of_another_concept_is_refused(metric, untrained, tmp_path):
    save_language(untrained, tmp_path)
    save_tower(untrained, tmp_path)
    (tmp_path / "recipe.json").write_text('{"without": "two"}')
    gold = metric.gold(tmp_path)
    for ask in (
        lambda: gold.measure("seven", NAMES, "final"),
        lambda: gold.reworded("seven", []),
        lambda: gold.lessons("seven", 4, 16, seed=0),
        lambda: gold.confusion("seven"),
        lambda: gold.example_losses("seven", True),
        lambda: gold.probing("seven"),
    ):
        with pytest.raises(SettingError, match="never saw 'seven'.*trained without 'two'"):
            ask()
