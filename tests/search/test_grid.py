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
