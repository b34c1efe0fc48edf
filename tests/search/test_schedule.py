import pytest

from slug_lightning.errors import SettingError
from slug_lightning.search import StepSchedule


def run(threshold, first=1.0, evaluations=10):
    schedule, steps = StepSchedule(first, evaluations), []
    while (step := schedule.step) is not None:
        steps.append(step)
        schedule.tell(feasible=step >= threshold)
    return schedule, steps


@pytest.mark.parametrize("threshold", [0.01, 0.3, 1.0, 1.7, 5.0, 100.0])
def test_brackets_the_threshold_of_a_monotone_criterion(threshold):
    schedule, steps = run(threshold)
    assert len(steps) == 10
    assert schedule.infeasible < threshold <= schedule.feasible
    tightest = min(s for s in steps if s >= threshold)
    assert schedule.feasible == tightest


def test_first_feasible_step_is_bisected_towards_zero():
    assert run(0.0, evaluations=4)[1] == [1.0, 0.5, 0.25, 0.125]


def test_doubles_until_feasible_and_never_if_never():
    schedule, steps = run(1e9, evaluations=5)
    assert steps == [1, 2, 4, 8, 16]
    assert schedule.feasible is None


def test_published_schedule_step_by_step():
    # doubled while recognised (0.1, 0.2, 0.4, 0.8), then bisected between 0.4 and 0.8
    assert run(0.65, first=0.1, evaluations=7)[1] == pytest.approx([0.1, 0.2, 0.4, 0.8, 0.6, 0.7, 0.65])


@pytest.mark.parametrize(("first", "evaluations"), [(0.0, 5), (float("inf"), 5), (1.0, 0)])
def test_bad_settings_are_refused(first, evaluations):
    with pytest.raises(SettingError, match="first > 0"):
        StepSchedule(first, evaluations)
