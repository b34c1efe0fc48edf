from slug_lightning.data.phased import PhasedLoader


def test_each_batch_once_in_order_with_the_end_of_each_phase_marked():
    loader = PhasedLoader([{"n": 1}, {"n": 2}], [{"n": 3}, {"n": 4}, {"n": 5}])
    for _ in range(2):  # each epoch anew
        assert [(b["n"], b["last"]) for b in loader] == [
            (1, False), (2, True), (3, False), (4, False), (5, True)
        ]  # fmt: skip
    assert len(loader) == 5


def test_batches_are_not_changed():
    batch = {"n": 1}
    list(PhasedLoader([batch]))
    assert batch == {"n": 1}
