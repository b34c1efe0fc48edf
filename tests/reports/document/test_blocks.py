import json

from slug_lightning.reports.document.blocks import Bullets, Card, Cards, Heading, Table, Text, plain


def test_blocks_become_values_that_json_can_hold():
    card = Card("data:image/png;base64,", "seven", "identities", [("one", "9 %")], [], "seven")
    blocks = [Heading("A"), Text("b"), Table(["x"], [["1"]], "r", [0]), Bullets(["c"]), Cards([card])]
    told = json.loads(json.dumps(plain(blocks)))
    assert [entry["kind"] for entry in told] == ["heading", "text", "table", "bullets", "cards"]
    assert told[1] == {"kind": "text", "text": "b", "tone": "plain"}
    assert told[4]["cards"][0]["before"] == [["one", "9 %"]]
