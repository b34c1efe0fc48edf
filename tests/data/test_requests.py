import json

import pytest

from slug_lightning.data.requests import DeletionRequest, read_requests
from slug_lightning.errors import BadDataError, DataNotFoundError

EXPECTED = [
    DeletionRequest("Ada_Example", "Ada Example", None, ("A. Example", "@ada")),
    DeletionRequest("Ben_Example", "Ben Example", "x/*.tar", (), {"data.retain_limit": 200}),
    DeletionRequest("Ada_Example-2", "Ada Example"),
    DeletionRequest("case-7", "gold leaf", None, (), {"data.concept_in": "imagenet"}),
]
ENTRIES = [
    {"concept": "Ada Example", "aliases": ["A. Example", "@ada"]},
    {"concept": "Ben Example", "forget_shards": "x/*.tar", "data.retain_limit": 200},
    "Ada Example",
    {"id": "case-7", "concept": "gold leaf", "data.concept_in": "imagenet"},
]
CSV = """\
concept,id,aliases,forget_shards,data.retain_limit,data.concept_in
Ada Example,,A. Example; @ada,,,
Ben Example,,,x/*.tar,200,
Ada Example,,,,,
gold leaf,case-7,,,,imagenet
"""


def written(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_every_format_says_the_same(tmp_path):
    assert read_requests(written(tmp_path, "a.json", json.dumps(ENTRIES))) == EXPECTED
    assert read_requests(written(tmp_path, "a.yaml", json.dumps(ENTRIES))) == EXPECTED
    lines = "\n\n".join(json.dumps(entry) for entry in ENTRIES)
    assert read_requests(written(tmp_path, "a.jsonl", lines)) == EXPECTED
    from_csv = read_requests(written(tmp_path, "a.csv", "\ufeff" + CSV))
    assert [request.words() for request in from_csv] == [request.words() for request in EXPECTED]
    assert [request.id for request in from_csv] == [request.id for request in EXPECTED]


def test_a_request_is_the_command_line_of_its_run():
    words = EXPECTED[1].words()
    assert words == [
        "--data.concept", "Ben Example", "--data.aliases", "[]", "--data.forget_shards", "x/*.tar",
        "--data.retain_limit", "200",
    ]  # fmt: skip
    assert EXPECTED[0].names == ["Ada Example", "A. Example", "@ada"]


def test_a_concept_is_spelled_as_the_data_spell_it_so_that_retain_pairs_are_the_same(tmp_path):
    (request,) = read_requests(written(tmp_path, "a.yaml", "- Ada_Example"))
    assert (request.concept, request.id) == ("Ada Example", "Ada_Example")


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.csv", "concpt\nx\n", "line 2 but got 'concpt'. Closest: .'concept'"),
        ("a.csv", "concept,aliases\nAda,x\n ,y\n", "a concept in a.csv, line 3 but got ' '"),
        ("a.csv", "concept\nAda,surplus\n", "but got 'None'"),
        ("a.jsonl", '{"concept": "Ada"}\n{"concept"', "to be a list of requests"),
        ("a.json", '{"concept": "Ada"}', "a dict where a list should be"),
        ("a.yaml", "- Ada\n- [x", "to be a list of requests"),
        ("a.yaml", "- Ada\n- 7\n", "a name or an object in a.yaml, entry 2 but got a int"),
        ("a.yaml", "- concept: Ada\n  aliases: {a: b}\n", "aliases as a list of names"),
        ("a.yaml", "- {concept: Ada, id: x}\n- {concept: Ben, id: X}\n", "comes once in a.yaml, entry 2"),
        ("a.yaml", "- {concept: Ada, id: ../x}\n", "an id of letters, digits"),
        ("a.csv", "concept,aliases\nAda,-\n", "names with letters or digits in a.csv, line 2"),
        ("a.yaml", "- '---'", "names with letters or digits in a.yaml, entry 1"),
        (
            "a.yaml",
            "- {concept: Ada, data.concept: Ben}",
            "no data.concept in a.yaml, entry 1.*write concept",
        ),
        ("a.yaml", "- {concept: Ada, data.left_out: [Ben]}", "no data.left_out in a.yaml, entry 1"),
        ("a.yaml", "- " + "x" * 101, "Expected an id in a.yaml, entry 1: the concept .* is too long"),
        ("a.yaml", "- {concept: Ada, id: " + "x" * 101 + "}", "of 100 bytes at most"),
        ("a.yaml", "[]", "Expected requests in"),
        ("a.txt", "Ada", "the ending '.txt'"),
    ],
)
def test_what_is_no_list_of_requests_is_refused_with_its_place(tmp_path, name, text, sentence):
    with pytest.raises(BadDataError, match=sentence):
        read_requests(written(tmp_path, name, text))


def test_a_missing_list_is_named(tmp_path):
    with pytest.raises(DataNotFoundError, match="a list of requests in .* but it is not there"):
        read_requests(tmp_path / "none.csv")
