from slug_lightning.reports.tables import read_layers
from slug_lightning.search.candidates import LayerScore
from tests.helpers import fit


def test_each_tower_has_a_front_and_only_front_layers_are_searched(tiny_run):
    from slug_lightning.reports.tables import read_search

    rows = read_layers(tiny_run / "layers.csv")
    front = {row.layer for row in rows if row.front}
    assert {row.tower for row in rows if row.front} == {"vision", "text"}
    assert {row.layer for row in read_search(tiny_run / "search.csv")} == front
    assert len(front) < len(rows)


def test_saved_gradients_give_the_same_scores(tiny_run, tiny_world, tmp_path):
    again = fit(
        tiny_world, tmp_path, "--gradients", str(tiny_run / "gradients.safetensors"), command="validate"
    )
    assert (again / "layers.csv").read_text() == (tiny_run / "layers.csv").read_text()


def test_columns_are_the_fields_of_a_score(tiny_run):
    header = (tiny_run / "layers.csv").read_text().splitlines()[0]
    assert header.split(",") == list(LayerScore.__dataclass_fields__)
