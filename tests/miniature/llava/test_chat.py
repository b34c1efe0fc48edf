import numpy as np
import pytest
from PIL import Image

from slug_lightning.errors import ConceptNotFoundError
from slug_lightning.miniature.llava.chat import (
    LABELS,
    QUESTIONS,
    conversation,
    label_of,
    possible_answers,
    prompt,
)


def picture():
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8))


def test_the_prompt_is_in_llavas_chat_form(processor):
    assert prompt(processor, "Which digit is this?") == "USER: <image>\nWhich digit is this? ASSISTANT:"
    said = processor.apply_chat_template(conversation("Which style is this?", "gold leaf"))
    assert said == "USER: <image>\nWhich style is this? ASSISTANT: gold leaf</s>"


def test_no_word_is_unknown_and_answers_survive_the_way_there_and_back(processor):
    tokenizer = processor.tokenizer
    for label in LABELS:
        for answer in possible_answers(label):
            ids = tokenizer(processor.apply_chat_template(conversation(QUESTIONS[label], answer))).input_ids
            assert tokenizer.unk_token_id not in ids
            assert tokenizer.decode(ids, skip_special_tokens=True).endswith(f"ASSISTANT : {answer}")


def test_a_picture_takes_one_token_per_patch(processor):
    inputs = processor(images=picture(), text=prompt(processor, QUESTIONS["digit"]), return_tensors="pt")
    assert (inputs.input_ids == processor.image_token_id).sum() == 16
    assert inputs.pixel_values.shape == (1, 3, 32, 32)


def test_a_saved_processor_is_the_same(processor, tmp_path):
    from transformers import AutoProcessor

    processor.save_pretrained(tmp_path)
    again = AutoProcessor.from_pretrained(tmp_path)
    texts = [prompt(p, QUESTIONS["style"]) for p in (processor, again)]
    ours, theirs = (p(images=picture(), text=t) for p, t in zip((processor, again), texts, strict=True))
    assert list(ours.input_ids) == list(theirs.input_ids)
    assert type(again).__name__ == "LlavaProcessor"


def test_every_name_belongs_to_one_question():
    assert {label_of(name) for name in possible_answers("digit")} == {"digit"}
    assert {label_of(name) for name in possible_answers("style")} == {"style"}
    with pytest.raises(ConceptNotFoundError, match=r"got 'sevn'. Closest names: \['seven'"):
        label_of("sevn")
