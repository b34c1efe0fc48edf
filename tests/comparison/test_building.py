import pytest

from slug_lightning.comparison.building import build_cell, check_request
from slug_lightning.comparison.request import GOLD, ORIGINAL, Cell
from slug_lightning.errors import SettingError
from slug_lightning.unlearning import SLUG, SSD, Unlearner


def test_modules_have_their_settings_and_the_seed(request_of):
    methods = {"SSD": {"selections": [3]}, "Ours": {"class_path": "SLUG", "direction": "retain_aware"}}
    request = request_of(methods)
    module, data = build_cell(request, Cell("SSD", "three", 5))
    assert isinstance(module, SSD)
    assert (module.selections, module.seed) == ([3], 5)
    assert (data.concept, data.sample_seed, data.samples_of["retain"]) == ("three", 5, 64)
    module, _ = build_cell(request, Cell("Ours", "three", 0))
    assert isinstance(module, SLUG)
    assert module.update_direction == "retain_aware"
    assert not module.reuse_gradients  # or a cell would be cheaper for the cells before it


def test_references_are_models_that_nothing_is_done_to(request_of):
    request = request_of(gold={"seven": "local-dir:somewhere"})
    original, _ = build_cell(request, Cell(ORIGINAL, "seven", 0))
    gold, _ = build_cell(request, Cell(GOLD, "seven", 0))
    assert type(original) is type(gold) is Unlearner
    assert (original.model_name, gold.model_name) == ("miniature", "local-dir:somewhere")


def test_reading_a_request_does_not_change_it_or_its_keys(request_of):
    request = request_of({"SSD": {"selections": [1, 2]}})
    key = request.key(Cell("SSD", "seven", 0))
    check_request(request)
    build_cell(request, Cell("SSD", "seven", 0))
    assert request.key(Cell("SSD", "seven", 0)) == key
    assert repr(request.methods["SSD"]["selections"]) == "[1, 2]"


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ({"SLUGG": {}}, "Settings of 'SLUGG' cannot be read"),
        ({"SLUG": {}, "SSD": {"selection": [1]}}, "Settings of 'SSD' cannot be read.*selection"),
        ({"SalUn": {"share": "half"}}, "Settings of 'SalUn' cannot be read.*share"),
        (
            {"SSD": {"dampenings": [0.1, float("nan")]}},
            "Settings of 'SSD' cannot be read.*above 0.*dampenings",
        ),
        ({"FineTune": {"learning_rates": [-1.0]}}, "Settings of 'FineTune' cannot.*above 0.*learning_rates"),
        ({"FineTune": {"updates": []}}, "at least one value of each of .*updates"),
    ],
)
def test_settings_that_cannot_be_read_are_refused_by_name(request_of, methods, message):
    with pytest.raises(SettingError, match=message):
        check_request(request_of(methods))
