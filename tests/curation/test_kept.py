from slug_lightning.curation.harvest import About, FoundPair
from slug_lightning.curation.kept import Kept


def test_it_says_of_a_pair_all_but_its_bytes():
    pair = FoundPair(3, "a", "x", b"image", "jpg", About("https://host/a", "12"))
    kept = Kept.of(pair, 7, "forget-7", 0.25)
    assert kept == Kept(7, 3, "forget-7", "a", "https://host/a", pair.sha256, "12", 0.25)


def test_they_are_ordered_by_source_and_position():
    order = [(0, 5), (1, 0), (1, 10), (10, 2)]
    pairs = [Kept(source, position, "s", "a", "", "", "") for source, position in reversed(order)]
    assert [(pair.source, pair.position) for pair in sorted(pairs)] == order
