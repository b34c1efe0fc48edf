import csv
import json
import sys

import pytest
from PIL import Image

from slug_lightning.cli import main
from tests.curation.making import CAPTIONS, NAMING, files, png, write_shards


@pytest.fixture
def shards(tmp_path):
    write_shards(tmp_path / "laion")
    return f"{tmp_path}/laion/{{00000..00002}}.tar"


def curate(out, *words, concept="Elon Musk"):
    return main(["curate", "--concept", concept, "--out", str(out), *map(str, words)])


def facts(out, folder="Elon_Musk"):
    return json.loads((out / folder / "manifest.json").read_text())


def test_shards_to_forget_set(shards, tmp_path, capsys):
    assert curate(tmp_path / "out", "--shards", shards, "--retain", 3) == 0
    said = capsys.readouterr()
    assert "4 pairs name 'Elon Musk', out of 13 captions in 3 sources." in said.out
    assert "Not taken for it, for example: 'melon musk perfume'; 'elon muskrat'" in said.out
    assert "Retain sample: 3 of 3 pairs." in said.out
    assert f"digest {facts(tmp_path / 'out')['digest'][:12]}" in said.out
    assert said.err == ""


def test_every_choice_reaches_the_search(shards, tmp_path):
    words = [
        "--aliases",
        "art",
        "Bart Simpson",
        "--regex",
        "lakes?",
        "--limit",
        6,
        "--deduplicate",
        "--workers",
        1,
    ]
    more = ["--retain", 2, "--retain-sources", 1, "--seed", 7, "--max_pixels", 1000, "--index", "false"]
    assert curate(tmp_path / "out", "--shards", shards, *words, *more) == 0
    found = facts(tmp_path / "out")
    assert found["matcher"] == {"names": ["Elon Musk", "art", "Bart Simpson"], "regex": "lakes?"}
    assert [pair["url"].rpartition("/")[2] for pair in found["pairs"]] == ["0", "1", "3", "4", "5", "6"]
    assert found["settings"] | {
        "limit": 6, "deduplicate": True, "retain": 2, "retain_sources": 1, "seed": 7, "max_pixels": 1000,
    } == found["settings"]  # fmt: skip
    assert {source["searched"] for source in found["sources"]} == {"tar"}
    assert len(found["retain"]["sources"]) == 1


def test_clip_filter(tiny_world, tmp_path, capsys):
    words = ["--clip_model", "miniature", "--min_similarity", 0.7]
    assert curate(tmp_path, "--shards", tiny_world / "laion" / "00000.tar", *words, concept="seven") == 0
    found = facts(tmp_path, "seven")
    assert min(pair["similarity"] for pair in found["pairs"]) >= 0.7
    assert (
        f"Left out: {found['counts']['left_out']['low_similarity']} low_similarity."
        in capsys.readouterr().out
    )


def test_dry_run(shards, tmp_path, capsys):
    assert curate(tmp_path / "out", "--shards", shards, "--dry-run") == 0
    picture = tmp_path / "out" / "Elon_Musk_dry_run.png"
    assert f"{picture}: look at it; nothing else was written." in capsys.readouterr().out
    assert list(files(tmp_path / "out")) == [picture.name]
    Image.open(picture).close()


def test_folder_and_table(tmp_path, capsys):
    (tmp_path / "images").mkdir()
    with (tmp_path / "captions.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "text"])
        for number, caption in enumerate(CAPTIONS):
            (tmp_path / "images" / f"{number}.png").write_bytes(png(number))
            writer.writerow([f"{number}.png", caption])
    place = ["--images", tmp_path / "images", "--table", tmp_path / "captions.csv"]
    assert curate(tmp_path / "out", *place) == 2
    assert "Name the right one with --image_column" in capsys.readouterr().err
    assert (
        curate(tmp_path / "out", *place, "--image-column", "path", "--caption-column", "text", "--retain", 2)
        == 0
    )
    assert [pair["source_key"] for pair in facts(tmp_path / "out")["pairs"]] == [f"{n}.png" for n in NAMING]


def test_saved_data_set(tmp_path):
    import datasets

    datasets.disable_progress_bars()
    table = {"image": [{"bytes": png(n), "path": None} for n in range(len(CAPTIONS))], "caption": CAPTIONS}
    saved = datasets.Dataset.from_dict(table).cast_column("image", datasets.Image())
    saved.save_to_disk(tmp_path / "saved")
    assert curate(tmp_path / "out", "--dataset", tmp_path / "saved") == 0
    assert [pair["source_key"] for pair in facts(tmp_path / "out")["pairs"]] == [str(n) for n in NAMING]


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ([], "Expected one of --shards, --images with --table, or --dataset"),
        (["--shards", "a.tar", "--dataset", "b"], "Expected one of --shards"),
        (["--images", "a"], "Expected one of --shards"),
        (["--shards", "none/*.tar"], "No shard matches 'none/*.tar'"),
        (["--shards", "none/{0..2}.tar"], "Expected 3 shards"),
        (["--shards", "a.tar", "--limit", "0"], "limit of at least 1 but got 0"),
        (["--shards", "a.tar", "--regex", "("], "Expected a regular expression"),
        (["--shards", "a.tar", "--clip_model", "miniature"], "clip_model and min_similarity together"),
        (["--shards", "a.tar", "--concept", " "], "Expected names of the concept"),
    ],
)
def test_wrong_input_is_one_sentence(tmp_path, capsys, words, match):
    assert curate(tmp_path / "out", *words) == 2
    said = capsys.readouterr().err
    assert match in said
    assert said.startswith("slug: ")
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_no_match_is_one_sentence_with_near_misses(shards, tmp_path, capsys):
    assert curate(tmp_path / "out", "--shards", shards, concept="Elon Mosk") == 2
    assert "Closest: ['elon musk'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_problems_are_said_the_first_three(shards, tmp_path, capsys):
    for number in range(3):
        (tmp_path / "laion" / f"0000{number}.parquet").write_bytes(b"rubbish")
    write_shards(tmp_path / "more")
    (tmp_path / "more" / "00000.parquet").write_bytes(b"rubbish")
    assert curate(tmp_path / "out", "--shards", shards, f"{tmp_path}/more/*.tar") == 0
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 4
    assert said[0].startswith("00000.parquet cannot be searched")
    assert said[3] == "1 more problems are in the manifest."


def test_a_concept_that_looks_like_yaml_is_a_name(shards, tmp_path, capsys):
    for concept in ("7", "null", "[a]", "a: b", "true"):
        assert curate(tmp_path / "out", "--shards", shards, concept=concept) == 2
        assert f"name {concept!r} but none" in capsys.readouterr().err


def test_help_imports_nothing_heavy(capsys):
    with pytest.raises(SystemExit):
        main(["curate", "--help"])
    said = capsys.readouterr().out
    for option in ("--shards", "--aliases", "--regex", "--limit", "--retain", "--dry_run", "--executor"):
        assert option in said
    import subprocess

    code = (
        "import sys, slug_lightning.cli.curate; print([m for m in ('torch', 'duckdb') if m in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )


def test_a_folder_that_cannot_be_written_is_one_sentence(shards, tmp_path, capsys):
    (tmp_path / "file").write_text("x")
    assert curate(tmp_path / "file" / "out", "--shards", shards) == 2
    said = capsys.readouterr().err
    assert "Expected a folder to write to but got" in said
    assert said.count("\n") == 1


def test_underscores_are_spaces_as_in_fit(shards, tmp_path):
    assert curate(tmp_path / "out", "--shards", shards, concept="Elon_Musk") == 0
    assert curate(tmp_path / "out", "--shards", shards, concept=" Elon  Musk") == 0
    assert facts(tmp_path / "out")["concept"] == "Elon Musk"


def test_a_terminal_gets_a_bar(shards, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert curate(tmp_path / "out", "--shards", shards) == 0
    assert "pairs" in capsys.readouterr().out
