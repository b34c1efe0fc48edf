import pytest
import yaml

from slug_lightning.cli import main
from slug_lightning.cli.lightning import build
from tests.helpers import words


def test_overlays_and_flags_win_in_their_order(tiny_world, tmp_path, capsys):
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("data:\n  init_args:\n    concept: three\n    group_size: 32\n")
    line = words(tiny_world, tmp_path, "--config", str(overlay), "--data.group_size", "16", "--print_config")
    with pytest.raises(SystemExit):
        main(line)
    shown = yaml.safe_load(capsys.readouterr().out)
    assert shown["data"]["init_args"]["concept"] == "three"
    assert shown["data"]["init_args"]["group_size"] == 16
    assert shown["data"]["init_args"]["retain_shards"] == "laion/*.tar"
    assert shown["model"]["class_path"].endswith("SLUG")


def test_the_saved_configuration_repeats_the_run(tiny_run):
    saved = yaml.safe_load((tiny_run / "config.yaml").read_text())
    assert saved["data"]["init_args"]["concept"] == "seven"
    cli = build(["--config", str(tiny_run / "config.yaml")], run=False)
    assert cli.datamodule.concept == "seven"


def test_settings_are_read_from_flags(tiny_world, tmp_path):
    flags = ["--model.search.forget_target", "0.05", "--model.search.towers", "[text]"]
    flags += ["--model.include", "['transformer.resblocks.*']"]
    module = build(words(tiny_world, tmp_path, *flags, command=""), run=False).model
    assert module.search.forget_target == 0.05
    assert module.search.towers == ["text"]
    assert module.include == ("transformer.resblocks.*",)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--data.concept", "sevn"], "seven"),
        (["--data.root", "nowhere"], "nowhere"),
        (["--model.model", "ViT-B-23"], "ViT-B-32"),
        (["--model.search.layers", "[visual.projj]"], "visual.proj"),
        (["--model.include", "[nothing.*]"], "at least one candidate layer"),
        (["--trainer.max_epochs", "3"], "max_epochs"),
        (["--data.max_bad_share", "2"], "slug: Expected data.max_bad_share in [0, 1], but got 2"),
        (["--model.save_every", "0"], "slug: Expected model.save_every to be at least 1"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_status_2(tiny_world, tmp_path, capsys, flags, said):
    concept = ["--data.forget_shards", "forget/seven/*.tar"]
    try:
        status = main(words(tiny_world, tmp_path, *concept, *flags))
    except SystemExit as stop:  # jsonargparse reports what does not parse by itself
        status = stop.code
    shown = capsys.readouterr().err
    assert status == 2
    assert said in shown
    assert "Traceback" not in shown


def test_real_data_that_are_not_there_are_named_with_where_to_get_them(tmp_path, capsys):
    from tests.helpers import CONFIG

    config = CONFIG.parent / "clip_vit_b_32_laion400m.yaml"
    line = ["fit", "--config", str(config), "--data.root", str(tmp_path), "--trainer.accelerator", "cpu"]
    assert main([*line, "--trainer.devices", "1", "--trainer.default_root_dir", str(tmp_path)]) == 2
    shown = capsys.readouterr().err
    for part in ("Elon_Musk", "slug curate", "laion400m", "mmlab.ie.cuhk.edu.hk", "image-net.org"):
        assert part in shown
    assert not (tmp_path / "runs").exists()
