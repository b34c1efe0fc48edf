from contextlib import contextmanager

import torch

from slug_lightning.audit.host import Host, Wording
from slug_lightning.models import get_layer
from tests.audit.making import LAYER, make_host


def by_metric(figures):
    return {figure.metric: figure for figure in figures}


def test_figures_count_as_a_plain_loop_does():
    host = make_host()
    model, found = host.models["after"], host.material
    with torch.no_grad():
        image = model.encode_image(found.forget.images, normalize=True)
        text = model.encode_text(
            found.tokenize([row[0] for row in found.prompts["identities"]]), normalize=True
        )
    hits = int(((image @ text.T).argmax(dim=1) == found.label).sum())
    figures = by_metric(host.figures("after", "-"))
    assert round(figures["forget/top1"].value * len(found.forget)) == hits
    assert set(figures) == {"forget/top1", "retain/identities_top1", "retain/imagenet_top1"}


def test_a_clip_is_a_host():
    host: Host = make_host()
    edit = host.edit()
    assert edit is not None
    layer, before, after = edit
    assert layer == LAYER
    assert not torch.equal(before, after)


def test_an_attack_is_given_the_matrices_of_its_version_alone():
    host, given = make_host(), {}

    @contextmanager
    def attack(weights):
        given.update(weights)
        yield

    assert host.figures("after", "-", attack) == host.figures("after", "-")
    assert given[LAYER] is get_layer(host.models["after"], LAYER)
    assert all(weight.ndim > 1 for weight in given.values())


def test_the_usual_wording_gives_the_usual_figure():
    host = make_host()
    usual = [Wording("template", "{}.", templates=("{}.",)), Wording("paraphrase", "ben", names=("ben",))]
    for version in host.versions:
        plain = by_metric(host.figures(version, "-"))["forget/top1"]
        assert [figure.value for figure in host.reworded(version, usual)] == [plain.value] * 2


def test_a_name_replaces_the_concepts_alone():
    host = make_host()
    wording = Wording("language", "cleo", names=("cleo",))
    head = host._reworded_head("before", wording)
    usual = host.concept_head("before")
    assert torch.equal(head[[0, 2, 3]], usual[[0, 2, 3]])
    torch.testing.assert_close(head[1], usual[2])


def test_the_loss_is_the_one_the_model_was_trained_with():
    host = make_host()
    model, pairs = host.models["before"], host.material.retain_pairs
    with torch.no_grad():
        image, text = (
            model.encode_image(pairs.images, normalize=True),
            model.encode_text(pairs.tokens, normalize=True),
        )
        logits = model.logit_scale.exp() * image @ text.T
        own = -(logits.log_softmax(dim=1).diagonal() + logits.log_softmax(dim=0).diagonal()).mean() / 2
        torch.testing.assert_close(host.loss(model, pairs), own)
