import torch

from slug_lightning.miniature.captions import BOTH
from slug_lightning.miniature.diffusion.prompts import (
    PROMPT,
    WORDINGS,
    all_prompts,
    encode_prompts,
    training_states,
)
from slug_lightning.miniature.hosting import miniature_text_encoder, miniature_tokenizer


def test_the_prompt_is_a_caption_of_the_training_shards():
    assert PROMPT in BOTH


def test_prompts_are_ordered_by_digit_and_style():
    prompts = all_prompts()
    assert len(set(prompts)) == 100
    assert (prompts[0], prompts[99]) == ("a ink drawing of a zero", "a sand drawing of a nine")


def test_states_are_those_of_each_wording_and_of_no_prompt():
    tokenizer, encoder = miniature_tokenizer(), miniature_text_encoder().eval()
    states = training_states(tokenizer, encoder)
    assert states.shape == (len(WORDINGS) + 1, 100, 24, 96)
    one = encode_prompts([all_prompts(BOTH[3])[42]], tokenizer, encoder)
    torch.testing.assert_close(states[3, 42], one[0], atol=1e-5, rtol=1e-5)
    assert torch.equal(states[-1, 0], states[-1, 99])
