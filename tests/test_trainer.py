import pytest

from slug_lightning.errors import SettingError
from slug_lightning.trainer import SlugTrainer, folder_name, free_version


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


@pytest.mark.parametrize("concept", ["../../etc", "a/b", "Ada Example", "Zoë", "...", "7"])
def test_folder_names_stay_inside_their_folder(concept):
    name = folder_name(concept)
    assert "/" not in name
    assert name not in ("", ".", "..")


def test_two_runs_of_one_second_have_two_folders(tmp_path):
    (tmp_path / "now").mkdir()
    assert free_version(tmp_path, "now") == "now-1"
    (tmp_path / "now-1").mkdir()
    assert free_version(tmp_path, "now") == "now-2"
