import os

import pytest

from slug_lightning.curation import folder_source
from slug_lightning.curation.folder_source import folder_sources
from slug_lightning.errors import BadDataError, DataNotFoundError
from tests.curation.making import CAPTIONS, NAMING, elon, png


@pytest.fixture
def table(tmp_path):
    folder = tmp_path / "images"
    (folder / "sub").mkdir(parents=True)
    names = [f"sub/{i}.png" for i in range(len(CAPTIONS))]
    for i, name in enumerate(names):
        (folder / name).write_bytes(png(i))
    lines = ["file_name,caption", *(f'{name},"{c}"' for name, c in zip(names, CAPTIONS, strict=True))]
    path = tmp_path / "captions.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def add(table, *names):
    table.write_text(
        table.read_text(encoding="utf-8") + "".join(f"\n{n},Elon Musk" for n in names), encoding="utf-8"
    )


def test_pairs_of_a_folder_are_found_with_their_bytes(table):
    (source,) = folder_sources(table.parent / "images", table)
    harvest = source.find(elon())
    assert [(pair.key, pair.image) for pair in harvest.found] == [(f"sub/{i}.png", png(i)) for i in NAMING]
    assert source.name == f"{table}[0:{len(CAPTIONS)}]"
    assert len(source.others(elon())) == len(CAPTIONS) - len(NAMING)
    assert [pair.position for pair in source.fetch(elon(), ["sub/1.png"]).found] == [1]
    assert source.captions(2) == CAPTIONS[:2]


def test_long_tables_are_several_sources(table, monkeypatch):
    monkeypatch.setattr(folder_source, "CHUNK", 5)
    sources = folder_sources(table.parent / "images", table)
    assert [source.name.partition("[")[2] for source in sources] == ["0:5]", "5:10]", "10:13]"]
    found = [pair.key for source in sources for pair in source.find(elon()).found]
    assert found == [f"sub/{i}.png" for i in NAMING]


def test_only_files_in_the_folder_are_read(table, tmp_path):
    (tmp_path / "secret.png").write_bytes(png(0))
    os.mkfifo(tmp_path / "images" / "pipe.png")
    inside = tmp_path / "images" / "sub" / "0.png"
    add(
        table,
        "../secret.png",
        str(tmp_path / "secret.png"),
        "",
        "sub",
        "pipe.png",
        "none.png",
        "a\0b",
        str(inside),
    )
    (source,) = folder_sources(tmp_path / "images", table)
    harvest = source.find(elon())
    assert harvest.counts == {"unsafe_name": 3, "no_image": 4}
    assert harvest.found[-1].key == str(inside)


def test_a_relative_folder_is_found_from_here(table, monkeypatch):
    monkeypatch.chdir(table.parent)
    from pathlib import Path

    (source,) = folder_sources(Path("images"), Path("captions.csv"))
    assert len(source.find(elon()).found) == len(NAMING)


def test_the_state_changes_with_the_table(table):
    (source,) = folder_sources(table.parent / "images", table)
    before = source.state
    add(table, "x.png")
    assert source.state != before


def test_missing_folder_and_empty_table_are_refused(table, tmp_path):
    with pytest.raises(
        DataNotFoundError, match="Expected a folder of images but .*none' is none; check --images"
    ):
        folder_sources(tmp_path / "none", table)
    table.write_text("file_name,caption\n")
    with pytest.raises(BadDataError, match="Expected rows in .*captions.csv' but it has none"):
        folder_sources(tmp_path / "images", table)
