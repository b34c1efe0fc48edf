import pytest
import torch
from torch import nn

from slug_lightning.audit.restoring import restored


def test_weights_gradients_and_what_is_trained_are_as_before_even_after_an_error():
    model = nn.Linear(3, 3)
    model.bias.requires_grad_(False)
    saved = {name: weight.clone() for name, weight in model.state_dict().items()}

    def train():
        with restored(model.parameters()):
            model.requires_grad_(True)
            model(torch.ones(1, 3)).sum().backward()
            torch.optim.SGD(model.parameters(), lr=1.0).step()
            assert not torch.equal(model.bias, saved["bias"])
            raise RuntimeError("in between")

    with pytest.raises(RuntimeError, match="in between"):
        train()
    assert all(torch.equal(weight, saved[name]) for name, weight in model.state_dict().items())
    assert [weight.requires_grad for weight in model.parameters()] == [True, False]
    assert all(weight.grad is None for weight in model.parameters())
