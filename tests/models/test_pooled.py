import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from slug_lightning.models.pooled import can_pool_early, last_block
from tests.helpers import tiny_clip


@pytest.mark.parametrize("causal", [False, True])
def test_the_block_at_one_position_equals_that_row_of_the_block(causal):
    model = tiny_clip()
    block = model.transformer.resblocks[-1]
    assert can_pool_early(block)
    x = torch.randn(3, 7, block.ln_1.normalized_shape[0], requires_grad=True)
    positions = torch.tensor([6, 0, 3])
    mask = torch.full((7, 7), float("-inf")).triu(1) if causal else None
    whole = block(x, attn_mask=mask)[torch.arange(3), positions]
    alone = last_block(block, x, positions, causal)
    torch.testing.assert_close(alone, whole, rtol=1e-5, atol=1e-6)
    weights = [x, *block.parameters()]
    for ours, theirs in zip(
        torch.autograd.grad(alone.cos().sum(), weights),
        torch.autograd.grad(whole.cos().sum(), weights),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


def test_no_product_with_a_weight_is_made_for_all_tokens():
    block, x = tiny_clip().visual.transformer.resblocks[-1], torch.randn(3, 17, 32)
    counts = []
    for run in (block, lambda x: last_block(block, x, torch.zeros(3, dtype=torch.long), causal=False)):
        with FlopCounterMode(display=False) as counter:
            run(x)
        counts.append(counter.get_total_flops())
    assert counts[1] < 0.2 * counts[0]


def test_other_blocks_are_left_whole():
    assert not can_pool_early(torch.nn.Linear(2, 2))
