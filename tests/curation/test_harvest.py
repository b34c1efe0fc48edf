import hashlib

from slug_lightning.curation.harvest import MAX_LOOKALIKES, About, FoundPair, Harvest
from tests.curation.making import elon


def pair(number, image=b"x"):
    return FoundPair(number, str(number), "caption", image, "png")


def test_a_pair_knows_the_digest_of_its_bytes():
    assert pair(0, b"bytes").sha256 == hashlib.sha256(b"bytes").hexdigest()


def test_odd_facts_about_a_pair_are_left_out():
    assert About.of(None) == About.of([]) == About.of({}) == About()
    odd = {"url": 7, "sha256": None, "original_width": -1, "original_height": 5}
    assert About.of(odd) == About()
    assert About.of({"original_width": True, "original_height": 5}) == About()
    assert About.of({"url": "a\ud800b"}).url == "a?b"


def test_json_that_is_damaged_or_endless_says_nothing():
    assert About.parse(b'{"url": "https://host/a"}').url == "https://host/a"
    assert (
        About.parse(b"[" * 100_000) == About.parse(b"\xff") == About.parse(b'"' + b"a" * 2_000_000) == About()
    )


def test_a_limit_may_count_different_images_only():
    same = Harvest(found=[pair(0), pair(1)])
    assert same.is_full(elon(limit=2))
    assert not same.is_full(elon(limit=2, distinct=True))
    assert not same.is_full(elon())
    assert Harvest(found=[pair(0), pair(1), pair(2, b"y")]).is_full(elon(limit=2, distinct=True))


def test_only_a_few_lookalikes_are_kept_and_shortened():
    harvest = Harvest()
    for _ in range(20):
        harvest.note("melon" * 100)
    assert len(harvest.lookalikes) == MAX_LOOKALIKES
    assert len(harvest.lookalikes[0]) == 200
