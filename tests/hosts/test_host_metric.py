import pytest

from slug_lightning.hosts import HostMetric


def test_only_loading_naming_and_counting_must_be_written():
    class Mine(HostMetric):
        def load(self): ...

        def retained(self, concept): ...

        def measure(self, concept, names, split): ...

    mine = Mine()
    assert (mine.labels("seven"), mine.account(), mine.examples()) == ({}, {}, ())


def test_a_metric_that_counts_nothing_is_refused():
    with pytest.raises(TypeError, match="measure"):

        class Mine(HostMetric):
            def load(self): ...

            def retained(self, concept): ...

        Mine()
