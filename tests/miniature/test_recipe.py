from dataclasses import fields, replace

import pytest

from slug_lightning.miniature import recipe as module
from slug_lightning.miniature.recipe import WorldRecipe


@pytest.mark.parametrize("setting", [field.name for field in fields(WorldRecipe)])
def test_every_setting_is_in_the_digest(setting):
    changed = replace(WorldRecipe(), **{setting: 3})
    assert changed.digest() != WorldRecipe().digest()


def test_the_version_is_in_the_digest(monkeypatch):
    before = WorldRecipe().digest()
    assert before == WorldRecipe().digest()
    monkeypatch.setattr(module, "VERSION", module.VERSION + 1)
    assert WorldRecipe().digest() != before
