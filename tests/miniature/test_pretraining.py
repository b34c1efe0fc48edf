from functools import partial

import pytest
import torch
from open_clip.tokenizer import SimpleTokenizer

from slug_lightning.functional import clip_loss
from slug_lightning.miniature.bpe import learn_merges, save_merges
from slug_lightning.miniature.captions import vocabulary
from slug_lightning.miniature.model_folder import CONTEXT_LENGTH, model_config, new_model
from slug_lightning.miniature.pretraining import Pretraining, TrainingRecipe, pretrain, read_pairs

SHORT = TrainingRecipe(steps=6, warmup=2, batch_size=32, threads=1)
HALF = (0.5, 0.5, 0.5)


@pytest.fixture(scope="module")
def tokenize(tmp_path_factory):
    path = tmp_path_factory.mktemp("merges") / "bpe.gz"
    save_merges(learn_merges(vocabulary()), path)
    return SimpleTokenizer(str(path), context_length=CONTEXT_LENGTH)


@pytest.fixture(scope="module")
def config(tokenize):
    return model_config(tokenize.vocab_size)


@pytest.fixture
def pairs(small_world, tokenize):
    return read_pairs(small_world.laion, tokenize, SHORT.batch_size, SHORT.seed)


def test_all_pairs_are_read_and_an_epoch_sees_each_at_most_once(pairs):
    assert pairs.images.shape == (600, 3, 32, 32)
    batches = list(pairs)
    assert len(batches) == len(pairs) == 600 // 32
    seen = torch.cat([batch["image"] for batch in batches]).flatten(1)
    assert len(seen.unique(dim=0)) == len(seen)
    assert not torch.equal(next(iter(pairs))["image"], batches[0]["image"])  # another order


def test_texts_are_cut_after_the_longest_caption(pairs):
    assert pairs.texts.shape[1] < CONTEXT_LENGTH
    assert (pairs.texts[:, -1] > 0).any()


def test_training_lowers_the_loss_and_keeps_the_scale_in_bounds(pairs, config):
    torch.manual_seed(0)
    recipe = TrainingRecipe(steps=30, warmup=5, batch_size=32, max_logit_scale=14.0, threads=1)
    model = pretrain(partial(new_model, config), pairs, HALF, HALF, recipe)
    assert not model.training
    assert model.logit_scale.exp() <= 14.0 * 1.01
    batch = next(iter(pairs))
    loss = clip_loss(
        model.encode_image((batch["image"] - 0.5) / 0.5, normalize=True),
        model.encode_text(torch.nn.functional.pad(batch["text"], (0, 24 - pairs.texts.shape[1])), True),
        14.0,
    )
    assert loss < 3.3  # log(32) = 3.47 is chance


def test_two_trainings_are_equal_bit_for_bit(small_world, tokenize, config):
    def once():
        pairs = read_pairs(small_world.laion, tokenize, SHORT.batch_size, SHORT.seed)
        return pretrain(partial(new_model, config), pairs, HALF, HALF, SHORT).state_dict()

    first, second = once(), once()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_short_texts_give_the_embeddings_of_padded_ones(pairs, config):
    model = new_model(config)
    task = Pretraining(model, HALF, HALF, SHORT)
    task.log = lambda *args, **kwargs: None
    batch = next(iter(pairs))
    padded = torch.nn.functional.pad(batch["text"], (0, CONTEXT_LENGTH - batch["text"].shape[1]))
    loss = task.training_step(batch, 0)
    task.generator.manual_seed(SHORT.seed)
    torch.testing.assert_close(loss, task.training_step({**batch, "text": padded}, 0))


def test_the_rate_rises_then_falls_to_zero():
    task = Pretraining(torch.nn.Linear(1, 1), HALF, HALF, TrainingRecipe(steps=100, warmup=10))
    rates = [task._rate(step) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0) == rates[10]
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[100] == pytest.approx(0.0)


def test_only_matrices_decay(config):
    model = new_model(config)
    chosen = Pretraining(model, HALF, HALF, SHORT).configure_optimizers()
    decayed, kept = chosen["optimizer"].param_groups
    assert all(w.ndim >= 2 for w in decayed["params"])
    assert all(w.ndim < 2 for w in kept["params"])
    assert kept["weight_decay"] == 0 < decayed["weight_decay"]
    assert len(decayed["params"]) + len(kept["params"]) == len(list(model.parameters()))


def test_a_short_training_has_a_shorter_warm_up():
    task = Pretraining(torch.nn.Linear(1, 1), HALF, HALF, TrainingRecipe(steps=8, warmup=100))
    assert [task._rate(step) for step in (0, 1, 2)] == pytest.approx([0.5, 1.0, 1.0])
    assert task._rate(8) == pytest.approx(0.0)


def test_the_augmentation_starts_gently_and_comes_to_full_strength():
    recipe = TrainingRecipe(steps=100, gentle=0.2, full_after=0.5)
    task = Pretraining(torch.nn.Linear(1, 1), HALF, HALF, recipe)
    assert [task._strength(step) for step in (0, 25, 50, 99)] == pytest.approx([0.2, 0.6, 1.0, 1.0])


def test_training_leaves_the_settings_of_torch_as_they_were(pairs, config):
    torch.manual_seed(3)
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), torch.get_rng_state()
    pretrain(partial(new_model, config), pairs, HALF, HALF, TrainingRecipe(steps=1, batch_size=32))
    assert before[:2] == (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled())
    assert torch.equal(before[2], torch.get_rng_state())
