from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from slug_lightning.data.prompts import templates
from slug_lightning.data.settings import IdentitySettings, ImageNetSettings


def test_defaults_are_the_folders_of_the_data_readme():
    told = (Path(__file__).parent.parent.parent / "data" / "README.md").read_text()
    for folder in (IdentitySettings().root, ImageNetSettings().root):
        assert str(folder).split("/")[1] in told


def test_default_templates_exist():
    assert templates(IdentitySettings().templates) == ("{}.",)
    assert templates(ImageNetSettings().templates) == ("a photo of a {}.",)


def test_settings_do_not_change():
    with pytest.raises(FrozenInstanceError):
        IdentitySettings().most = 3
