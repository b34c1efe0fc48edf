import pytest
from lightning.pytorch.strategies import DDPStrategy, ModelParallelStrategy

from slug_lightning.errors import SettingError
from slug_lightning.trainer import SlugTrainer, claim_version


@pytest.mark.parametrize(
    "wrong", [{"max_epochs": 2}, {"use_distributed_sampler": True}, {"enable_checkpointing": True}]
)
def test_settings_that_would_break_the_method_are_refused(wrong):
    with pytest.raises(SettingError, match=next(iter(wrong))):
        SlugTrainer(accelerator="cpu", logger=False, **wrong)


def test_required_settings_hold_without_being_asked():
    trainer = SlugTrainer(accelerator="cpu", logger=False)
    assert trainer.max_epochs == 1
    assert trainer.num_sanity_val_steps == 0
    assert trainer.checkpoint_callback is None


@pytest.mark.parametrize(
    "partial",
    [
        {"limit_train_batches": 3},
        {"limit_val_batches": 0.05},
        {"check_val_every_n_epoch": 2},
        {"fast_dev_run": True},
        {"overfit_batches": 1},
        {"max_time": "00:00:01:00"},
        {"max_steps": 5},
        {"precision": "bf16-true"},
    ],
)
def test_settings_that_would_leave_data_out_unsaid_are_refused(partial):
    with pytest.raises(SettingError, match=next(iter(partial))):
        SlugTrainer(accelerator="cpu", logger=False, **partial)


@pytest.mark.parametrize("same", [{"limit_train_batches": 1.0}, {"precision": "bf16-mixed"}])
def test_defaults_may_be_said(same):
    SlugTrainer(accelerator="cpu", logger=False, **same)


@pytest.mark.parametrize("strategy", ["fsdp", "deepspeed_stage_2", ModelParallelStrategy()])
def test_strategies_that_shard_the_weights_are_refused_in_one_sentence(strategy):
    with pytest.raises(SettingError, match="strategy auto or ddp, but got .*shards the weights.* Use ddp"):
        SlugTrainer(accelerator="cpu", logger=False, strategy=strategy)


@pytest.mark.parametrize("strategy", ["auto", "ddp", "ddp_spawn", DDPStrategy()])
def test_strategies_that_keep_layers_whole_are_taken(strategy):
    SlugTrainer(accelerator="cpu", logger=False, strategy=strategy, devices=2 if strategy != "auto" else 1)


def test_two_runs_of_one_second_have_two_folders(tmp_path):
    assert [claim_version(tmp_path, "now") for _ in range(3)] == ["now", "now-1", "now-2"]
    assert {p.name for p in tmp_path.iterdir()} == {"now", "now-1", "now-2"}
