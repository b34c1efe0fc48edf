import torch

from slug_lightning.miniature.diffusion.drawings import draw_part
from slug_lightning.miniature.diffusion.optimising import Schedule
from slug_lightning.miniature.llava.chat import QUESTIONS, possible_answers, prompt
from slug_lightning.miniature.llava.training import (
    answer_loss,
    draw_training,
    normalised,
    read_features,
    said,
    train_language,
)


def test_what_is_said_is_prompt_and_answer_as_the_processor_has_them(processor):
    tokens, start = said(processor)
    assert tokens.shape[:2] == (2, 10)
    drawing = draw_part("train", limit=1)
    for number, label in enumerate(QUESTIONS):
        text = prompt(processor, QUESTIONS[label])
        inputs = processor(images=drawing.images[0], text=text, return_tensors="pt")
        assert tokens[number, 3, :start].tolist() == inputs.input_ids[0].tolist()
        answer = processor.tokenizer.decode(tokens[number, 3, start:], skip_special_tokens=True)
        assert answer == possible_answers(label)[3]


def test_the_loss_is_the_hosts_own(untrained, processor):
    tokens, start = said(processor)
    some, pixels = tokens[[0, 1], [4, 1]], torch.randn(2, 3, 32, 32)
    labels = some.masked_fill(some == processor.tokenizer.pad_token_id, -100)
    labels[:, :start] = -100
    with torch.no_grad():
        expected = untrained(input_ids=some, pixel_values=pixels, labels=labels).loss
        found = answer_loss(untrained, some, start, read_features(untrained, pixels))
    torch.testing.assert_close(found, expected)


def test_training_lowers_the_loss_and_leaves_the_tower(untrained, processor):
    drawings = draw_part("train", limit=4)
    tokens, start = said(processor)
    mean, std = 0.5, 0.25
    features = read_features(untrained, (drawings.pixels(torch.arange(len(drawings))) - mean) / std)

    def loss(host):
        with torch.no_grad():
            return float(answer_loss(host, tokens[0, drawings.digits], start, features))

    before, tower = loss(untrained), untrained.model.vision_tower.state_dict()
    tower = {name: weight.clone() for name, weight in tower.items()}
    trained = train_language(untrained, processor, drawings, Schedule(8, 16, 3e-3, warmup=2))
    assert loss(trained) < 0.8 * before
    assert all(torch.equal(weight, tower[n]) for n, weight in trained.model.vision_tower.state_dict().items())


def test_drawn_once_the_training_pictures_are_the_first_of_those_drawn_twice():
    once, twice = (draw_training(times, limit=3) for times in (1, 2))
    assert len(twice) == 2 * len(once)
    assert torch.equal(twice.images[: len(once)], once.images)


def test_pictures_are_normalised_as_by_the_processor(processor):
    drawings = draw_part("train", limit=1)
    given = processor.image_processor(list(drawings.images), return_tensors="pt").pixel_values
    found = normalised(drawings.pixels(torch.arange(len(drawings))))
    torch.testing.assert_close(found, given, atol=1e-5, rtol=1e-5)
