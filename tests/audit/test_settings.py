from dataclasses import asdict, fields
from pathlib import Path

import yaml
from jsonargparse import ArgumentParser

from slug_lightning.audit.attacks import ATTACKS
from slug_lightning.audit.settings import AuditSettings

CONFIG = Path(__file__).parent.parent.parent / "configs" / "audit.yaml"


def test_every_attack_with_settings_has_its_field():
    names = {field.name for field in fields(AuditSettings)} - {"limits", "material", "host"}
    assert names == set(ATTACKS) - {"standing"}


def test_the_configuration_states_the_defaults_and_says_its_command_first():
    text = CONFIG.read_text()
    assert "slug audit --run RUN --gold DIR --config configs/audit.yaml" in text.splitlines()[0]
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--settings", type=AuditSettings, default=AuditSettings())
    parsed = parser.instantiate_classes(parser.parse_object(yaml.safe_load(text)))
    assert asdict(parsed.settings) == asdict(AuditSettings())
