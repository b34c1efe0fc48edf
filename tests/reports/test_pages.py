import pytest
from jinja2 import UndefinedError

from slug_lightning.reports.pages import page_environment


def test_names_are_escaped_and_unknown_ones_are_errors():
    environment = page_environment(["percent"])
    assert environment.from_string("{{ name }}").render(name="<b>") == "&lt;b&gt;"
    assert environment.from_string("{{ 0.5 | percent }}").render().replace("\u00a0", " ") == "50.0 %"
    with pytest.raises(UndefinedError):
        environment.from_string("{{ nothing }}").render()
