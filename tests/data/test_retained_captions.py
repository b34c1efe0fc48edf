import pytest

from slug_lightning.data.captions import concept_pattern, names_concept
from slug_lightning.data.census import take_census
from slug_lightning.data.retained_captions import retained_captions
from slug_lightning.data.sampling import sample_pairs
from slug_lightning.data.shards import iter_pairs


@pytest.fixture(scope="module")
def census(tiny_world):
    return take_census(str(tiny_world / "laion" / "*.tar"))


def test_all_captions_are_those_of_the_pairs_that_do_not_name_the_concept(tiny_world, census):
    pairs = iter_pairs(str(tiny_world / "laion" / "*.tar"))
    expected = [p.caption for p in pairs if not names_concept(p.caption, "seven")]
    assert retained_captions(census, 10**6, 0, concept_pattern("seven")) == expected


def test_a_sample_is_part_of_a_larger_one_and_its_seed_counts(census):
    some, more, other = (
        retained_captions(census, n, seed, concept_pattern("no such name"))
        for n, seed in ((20, 0), (60, 0), (20, 1))
    )
    assert len(some) == 20
    assert set(some) <= set(more)
    assert some != other


def test_of_a_sample_of_the_pairs_only_its_captions_are_drawn(census):
    pattern, few = concept_pattern("no such name"), sample_pairs(census, 5, seed=3)
    assert len(retained_captions(few, 60, 0, pattern)) == 5


def test_unusable_captions_are_left_out(tmp_path):
    import io
    import tarfile

    with tarfile.open(tmp_path / "00000.tar", "w") as shard:
        for name, data in (("0.txt", b"a cat"), ("1.jpg", b"x"), ("2.txt", b"\xff\xfe"), ("3.txt", b"a dog")):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            shard.addfile(entry, io.BytesIO(data))
    census = take_census(str(tmp_path / "*.tar"))
    assert retained_captions(census, 10, 0, concept_pattern("cat")) == ["a dog"]
