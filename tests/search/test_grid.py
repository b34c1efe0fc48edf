import random

import pytest

from slug_lightning.errors import SettingError
from slug_lightning.metrics import Accuracy
from slug_lightning.search import GridSettings, Measured, Setting, Trial, grid_plan

SETTINGS = [Setting.of(rate=rate) for rate in (1, 2, 3, 4)]


def run(forget, retain, settings=GridSettings(), datasets=("identities",)):
    """Drive the plan with figures by setting; returns trace, passes and what was kept, in order."""
    kept, passes, answer = [], [], None
    trials = (Trial(setting, 0.1 * n) for n, setting in enumerate(SETTINGS, start=1))
    plan = grid_plan(trials, settings, datasets, kept.append)
    while True:
        try:
            current = plan.send(answer)
        except StopIteration as done:
            return done.value, passes, kept
        passes.append(current)
        (point,) = current.points
        metrics = {}
        if "forget" in current.datasets:
            metrics["forget/top1"] = Accuracy(forget[point.values["rate"]], 100)
        else:
            rate = 0 if point is None else point.values["rate"]
            metrics["retain/identities_top1"] = Accuracy(retain[rate], 100)
        answer = [Measured(metrics)]


def test_the_feasible_trial_with_the_smallest_drop_wins_and_is_the_last_that_was_kept():
    trace, _, kept = run({1: 50, 2: 0, 3: 0, 4: 0}, {0: 90, 2: 60, 3: 85, 4: 70})
    assert trace.best.point == SETTINGS[2]
    assert trace.feasible
    assert kept == SETTINGS[:3]  # each was the best so far; the fourth is not


def test_retained_figures_are_measured_where_a_trial_can_win():
    _, passes, _ = run({1: 50, 2: 0, 3: 20, 4: 0}, {0: 90, 2: 60, 4: 70})
    measured = [p.points[0] for p in passes if p.datasets == ("identities",)]
    assert measured == [None, SETTINGS[1], SETTINGS[3]]
    _, passes, _ = run(
        dict.fromkeys((1, 2, 3, 4), 50), dict.fromkeys(range(5), 50), GridSettings(measure="all")
    )
    assert len(passes) == 1 + 2 * 4


def run_on_two(small, large, measure):
    """Every trial has forgotten; what each retains on a small and a large data set, in percent."""
    passes, answer = [], None
    trials = [Trial(Setting.of(rate=n), 0.1 * n) for n in range(1, len(small))]
    plan = grid_plan(trials, GridSettings(measure=measure), ["small", "large"], lambda setting: None)
    while True:
        try:
            current = plan.send(answer)
        except StopIteration as done:
            return done.value, passes
        passes.append(current)
        number = 0 if current.points[0] is None else int(current.points[0].values["rate"])
        known = {
            "forget": ("forget/top1", Accuracy(0, 100)),
            "small": ("retain/small_top1", Accuracy(small[number], 100)),
            "large": ("retain/large_top1", Accuracy(large[number], 100)),
        }
        answer = [Measured(dict(known[name] for name in current.datasets))]


def test_a_trial_that_lost_more_on_the_first_data_than_the_best_on_any_is_measured_no_further():
    trace, passes = run_on_two([90, 80, 60, 85], [90, 85, 90, 89], "contenders")
    assert [int(p.points[0].values["rate"]) for p in passes if p.datasets == ("large",)] == [1, 3]
    assert trace.best.point == Setting.of(rate=3)


@pytest.mark.parametrize("seed", range(50))
def test_measuring_less_chooses_the_same(seed):
    draw = random.Random(seed)
    small, large = ([draw.choice((0, 50, 80, 89, 90, 91)) for _ in range(6)] for _ in range(2))
    kinds = ("contenders", "feasible", "all")
    assert len({run_on_two(small, large, kind)[0].best.point for kind in kinds}) == 1


def test_without_a_feasible_trial_the_least_bad_is_kept_and_said_to_be_infeasible():
    trace, _, kept = run({1: 50, 2: 20, 3: 30, 4: 20}, {0: 90})
    assert not trace.feasible
    assert trace.best.point == SETTINGS[1]  # 4 is as low, but a larger edit
    assert kept[-1] == SETTINGS[1]


def test_the_target_decides():
    trace, _, _ = run({1: 10, 2: 0, 3: 0, 4: 0}, dict.fromkeys(range(5), 90), GridSettings(forget_target=0.1))
    assert trace.best.point == SETTINGS[0]


def test_a_target_out_of_range_is_refused():
    with pytest.raises(SettingError, match="forget_target in .0, 1"):
        GridSettings(forget_target=1.0)
