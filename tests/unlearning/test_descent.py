import pytest
import torch

from slug_lightning.errors import SettingError
from slug_lightning.unlearning import FineTune, GradientAscent
from tests.unlearning.baselines import by_hand, edited


def test_every_learning_rate_starts_from_the_original_weights_and_leaves_them():
    module = by_hand(
        FineTune, (1, 1, 1, 1), (1, 1, 1, 1), learning_rates=[1.0, 0.1], updates=[2], optimizer="sgd"
    )
    found = edited(module)
    assert found["learning_rate 0.1, updates 2"] == pytest.approx([0.8, 1.8, 2.8, 3.8])
    assert found["learning_rate 1, updates 2"] == pytest.approx([-1.0, 0.0, 1.0, 2.0])
    assert module.network.a.tolist() == [1.0, 2.0]


def test_a_training_goes_on_from_where_it_was_measured():
    stopped = by_hand(FineTune, (1,) * 4, (1,) * 4, learning_rates=[0.1], updates=[1, 2, 3])
    through = by_hand(FineTune, (1,) * 4, (1,) * 4, learning_rates=[0.1], updates=[3])
    last = "learning_rate 0.1, updates 3"
    assert edited(stopped)[last] == edited(through)[last]


def test_the_originals_are_on_the_model_while_a_trial_is_measured():
    module = by_hand(GradientAscent, (1,) * 4, (1,) * 4, learning_rates=[0.1], updates=[1, 2])
    for _ in module.trials():
        assert module.network.b.tolist() == [3.0, 4.0]


def test_a_training_that_diverges_ends_without_ending_the_search():
    module = by_hand(GradientAscent, (1,) * 4, (1,) * 4, learning_rates=[0.1, 0.2], updates=[1, 2])
    plain, calls = type(module).loss_sum, []

    def breaks(batch):
        calls.append(batch)
        return plain(module, batch) * (float("nan") if len(calls) == 2 else 1.0)

    module.loss_sum = breaks
    names = list(edited(module))
    assert names == [
        "learning_rate 0.1, updates 1",
        "learning_rate 0.2, updates 1",
        "learning_rate 0.2, updates 2",
    ]


def test_the_seed_decides_the_order_of_batches():
    def order(seed):
        module = by_hand(FineTune, (1,) * 4, (1,) * 4, learning_rates=[0.1], updates=[8], seed=seed)
        batch = module.pairs.batches["retain"][0]
        module.pairs.batches["retain"] = [{**batch, "number": n} for n in range(8)]
        seen, plain = [], type(module).loss_sum
        module.loss_sum = lambda b: (seen.append(b["number"]), plain(module, b))[1]
        edited(module)
        return seen

    assert order(0) == order(0)
    assert sorted(order(0)) == sorted(order(1)) == list(range(8))
    assert order(0) != order(1)


def test_the_size_is_that_of_all_weights_together():
    module = by_hand(FineTune, (0,) * 4, (1, 0, 0, 0), learning_rates=[0.3], updates=[1], optimizer="sgd")
    (trial,) = module.trials()
    assert trial.size == pytest.approx(0.3 / torch.tensor([1.0, 2.0, 3.0, 4.0]).norm().item())


@pytest.mark.parametrize(
    "options", [{"learning_rates": [0.0]}, {"learning_rates": [0.1, float("nan")]}, {"updates": [0, 1]}]
)
def test_grids_that_make_no_sense_are_refused(options):
    with pytest.raises(SettingError, match="above 0 as model.(learning_rates|updates)"):
        FineTune(**options)
