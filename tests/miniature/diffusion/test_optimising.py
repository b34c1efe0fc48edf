import torch
from torch import nn

from slug_lightning.miniature.diffusion.optimising import Schedule, draw_rows, optimise


def fit(**changes):
    """Fit y = 3 x; returns the averaged network and the trained one."""
    torch.manual_seed(0)
    model = nn.Linear(1, 1, bias=False)

    def loss(generator):
        x = torch.randn(8, 1, generator=generator)
        return (model(x) - 3 * x).square().mean()

    settings = {"steps": 200, "batch_size": 8, "learning_rate": 0.1, "warmup": 5, "decay": 0.0}
    return optimise(model, loss, Schedule(**{**settings, **changes})), model


def test_it_learns_and_repeats_itself_bit_for_bit():
    (first, _), (second, _) = fit(), fit()
    assert abs(first.weight.item() - 3) < 0.01
    assert torch.equal(first.weight, second.weight)
    assert not first.training


def test_another_seed_draws_other_batches():
    assert not torch.equal(fit()[0].weight, fit(seed=1)[0].weight)


def test_the_average_lags_behind_and_none_is_the_last_weights():
    averaged, trained = fit(steps=20, average=0.9)
    assert abs(averaged.weight.item() - 3) > abs(trained.weight.item() - 3)
    last, trained = fit(steps=20, average=0.0)
    assert torch.equal(last.weight, trained.weight)


def test_every_update_can_be_watched():
    seen = []
    torch.manual_seed(0)
    model = nn.Linear(1, 1)
    schedule = Schedule(steps=3, batch_size=1, learning_rate=0.1, warmup=1)
    optimise(model, lambda g: model(torch.ones(1)).square().mean(), schedule, lambda *a: seen.append(a[:2]))
    assert [step for step, _ in seen] == [1, 2, 3]
    assert seen[0][1] > seen[-1][1]


def test_rows_are_in_range():
    rows = draw_rows(5, 1000, torch.Generator().manual_seed(0))
    assert set(rows.tolist()) == set(range(5))
