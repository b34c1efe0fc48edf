import dataclasses

import pytest

from slug_lightning.errors import BadDataError, DataNotFoundError
from slug_lightning.reports.tables import read_layers, read_search, write_layers, write_search
from tests.reports.run_directory import make_layers, make_search

LAYERS = make_layers()
SEARCH = make_search(LAYERS)


def test_layers_round_trip_to_the_last_digit(tmp_path):
    write_layers(tmp_path / "layers.csv", LAYERS)
    assert read_layers(tmp_path / "layers.csv") == LAYERS


def test_search_round_trips_with_unmeasured_metrics(tmp_path):
    assert any(row.metrics["retain/imagenet_top1"] is None for row in SEARCH)
    write_search(tmp_path / "search.csv", SEARCH)
    assert read_search(tmp_path / "search.csv") == SEARCH


def test_files_have_the_columns_of_the_contract(tmp_path):
    write_layers(tmp_path / "layers.csv", LAYERS)
    write_search(tmp_path / "search.csv", SEARCH)
    assert (tmp_path / "layers.csv").read_text().splitlines()[0] == (
        "layer,tower,importance,alignment,weight_norm,forget_norm,retain_norm,front"
    )
    assert (tmp_path / "search.csv").read_text().splitlines()[0] == (
        "probe,layer,tower,step,relative_step,forget/top1,forget/top5,retain/identities_top1,"
        "retain/imagenet_top1,feasible,chosen"
    )


def test_metric_columns_are_those_of_all_rows(tmp_path):
    row = SEARCH[0]
    first = dataclasses.replace(row, metrics={"forget/top1": 1.0})
    second = dataclasses.replace(row, probe=1, metrics={"forget/top1": 0.5, "retain/birds": 0.25})
    write_search(tmp_path / "search.csv", [first, second])
    found = read_search(tmp_path / "search.csv")
    assert [dict(row.metrics) for row in found] == [
        {"forget/top1": 1.0, "retain/birds": None},
        {"forget/top1": 0.5, "retain/birds": 0.25},
    ]


def test_an_empty_search_is_an_empty_list_but_empty_layers_are_an_error(tmp_path):
    write_search(tmp_path / "search.csv", [])
    assert read_search(tmp_path / "search.csv") == []
    write_layers(tmp_path / "layers.csv", [])
    with pytest.raises(BadDataError, match="one row for each layer, but got no layer"):
        read_layers(tmp_path / "layers.csv")


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(DataNotFoundError, match=r"No file 'layers.csv'"):
        read_layers(tmp_path / "layers.csv")


HEADER = "layer,tower,importance,alignment,weight_norm,forget_norm,retain_norm,front"


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("a,vision,nan,0.1,1,1,1,true", "finite number .* 'importance' .* line 2, but got 'nan'"),
        ("a,vision,inf,0.1,1,1,1,true", "finite number .* 'importance'"),
        ("a,vision,-1,0.1,1,1,1,true", "at least 0 in column 'importance'"),
        ("a,vision,0.1,1.5,1,1,1,true", "number in 0..1 in column 'alignment'"),
        ("a,vision,0.1,much,1,1,1,true", "a number in column 'alignment' .* 'much'"),
        ("a,audio,0.1,0.1,1,1,1,true", "'vision' or 'text' in column 'tower'"),
        ("a,vision,0.1,0.1,1,1,1,1", "'true' or 'false' in column 'front'"),
        (",vision,0.1,0.1,1,1,1,true", "a name in column 'layer'"),
        ("a,vision,0.1,0.1", "8 values in layers.csv, line 2, but got 4"),
    ],
)
def test_a_bad_cell_is_named_with_its_line(tmp_path, row, sentence):
    path = tmp_path / "layers.csv"
    path.write_text(f"{HEADER}\n{row}\n")
    with pytest.raises(BadDataError, match=sentence):
        read_layers(path)


def test_a_missing_column_is_named_with_near_misses(tmp_path):
    path = tmp_path / "layers.csv"
    path.write_text(HEADER.replace("importance", "importances") + "\n")
    with pytest.raises(BadDataError, match=r"column 'importance' .* Closest: \['importances'"):
        read_layers(path)


def test_a_layer_may_not_occur_twice(tmp_path):
    write_layers(tmp_path / "layers.csv", [LAYERS[0], LAYERS[0]])
    with pytest.raises(BadDataError, match="more than once"):
        read_layers(tmp_path / "layers.csv")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"step": 0.0}, "column 'step'"),
        ({"step": -2.0}, "column 'step'"),
        ({"metrics": {"forget/top1": None}}, "column 'forget/top1'"),
        ({"metrics": {"forget/top1": 1.01}}, "0..1 in column 'forget/top1'"),
        ({"metrics": {"forget/top1": 0.1, "retain/a": float("nan")}}, "column 'retain/a'"),
    ],
)
def test_bad_points_are_refused(tmp_path, change, sentence):
    write_search(tmp_path / "search.csv", [dataclasses.replace(SEARCH[0], **change)])
    with pytest.raises(BadDataError, match=sentence):
        read_search(tmp_path / "search.csv")


def test_at_most_one_point_is_chosen(tmp_path):
    rows = [dataclasses.replace(row, chosen=True) for row in SEARCH[:2]]
    write_search(tmp_path / "search.csv", rows)
    with pytest.raises(BadDataError, match=r"at most one chosen point .* \[0, 1\]"):
        read_search(tmp_path / "search.csv")


def test_commas_and_quotes_in_names_survive(tmp_path):
    row = dataclasses.replace(LAYERS[0], layer='a,"b"')
    write_layers(tmp_path / "layers.csv", [row])
    assert read_layers(tmp_path / "layers.csv") == [row]
