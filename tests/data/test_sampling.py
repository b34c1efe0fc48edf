import pytest

from slug_lightning.data.census import take_census
from slug_lightning.data.sampling import sample_pairs
from slug_lightning.errors import SettingError
from tests.data.tars import write_pairs


@pytest.fixture(scope="module")
def census(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    for shard in range(4):
        write_pairs(folder / f"{shard}.tar", range(50 * shard, 50 * shard + 50))
    return take_census(str(folder / "*.tar"))


def test_a_sample_is_seeded_in_order_and_part_of_a_larger_one(census):
    samples = {n: sample_pairs(census, n, seed=3) for n in (5, 40, 200, 900)}
    for n, drawn in samples.items():
        assert drawn.samples == len(drawn.chosen) == min(n, 200)
        assert list(drawn.chosen) == sorted(set(drawn.chosen))
        assert sample_pairs(census, n, seed=3) == drawn
    assert set(samples[5].chosen) < set(samples[40].chosen) < set(samples[200].chosen)
    assert samples[200].chosen == samples[900].chosen == tuple(range(200))
    assert sample_pairs(census, 40, seed=4).chosen != samples[40].chosen


def test_every_pair_is_drawn_about_as_often(census):
    counts = dict.fromkeys(range(200), 0)
    for seed in range(400):
        for number in sample_pairs(census, 50, seed).chosen:
            counts[number] += 1
    # 400 draws at 1/4: mean 100, standard deviation 8.7; six of them lie outside once in 10^8.
    assert all(48 < count < 152 for count in counts.values())


def test_a_sample_of_a_sample_draws_from_it(census):
    small = sample_pairs(sample_pairs(census, 40, seed=1), 10, seed=2)
    assert set(small.chosen) < set(sample_pairs(census, 40, seed=1).chosen)


def test_places_and_spans_are_those_of_the_sample(census):
    drawn = sample_pairs(census, 7, seed=0)
    numbers = [number for span in drawn.spans(2, 9) for number in span]
    assert numbers == list(drawn.chosen[2:])
    assert [drawn.place(number) for number in drawn.chosen] == list(range(7))
    assert [n for span in census.spans(195, 300) for n in span] == list(range(195, 200))


def test_nothing_to_draw_is_refused(census):
    with pytest.raises(SettingError, match="at least 1 pair but got 0"):
        sample_pairs(census, 0)
