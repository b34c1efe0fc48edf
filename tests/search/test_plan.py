"""The plan is run on formulas: layers with known thresholds and known damage."""

import random
from dataclasses import dataclass

import pytest

from slug_lightning.errors import SettingError
from slug_lightning.metrics import Accuracy
from slug_lightning.search import LayerScore, Measured, SearchSettings, run_plan, search_plan


@dataclass
class World:
    """Layer -> (threshold, damage per relative step); forget accuracy is a step function unless wavy."""

    layers: dict
    wavy: bool = False
    asked: int = 0
    passes: int = 0

    def measure(self, point, datasets):
        self.asked += 1
        threshold, harm = (1e9, 0.0) if point is None else self.layers[point.layer]
        step = 0.0 if point is None else point.step
        gone = step >= threshold and not (self.wavy and step > 2 * threshold)
        metrics = {}
        if "forget" in datasets:
            metrics["forget/top1"] = Accuracy(0 if gone else 9, 10)
        for name in set(datasets) - {"forget"}:
            metrics[f"retain/{name}_top1"] = Accuracy(max(0, round(1000 * (0.9 - harm * step))), 1000)
        return Measured(metrics)

    def run(self, settings):
        scores = [LayerScore(n, "vision", 1, 1, 1.0, 1.0, 1.0, True) for n in self.layers]
        plan, answer = search_plan(scores, settings, ["identities", "imagenet"]), None
        while True:
            try:
                ask = plan.send(answer)
            except StopIteration as stop:
                return stop.value
            self.passes += 1
            assert len(ask.points) <= settings.points_per_pass
            answer = [self.measure(p, ask.datasets) for p in ask.points]


def test_the_least_harmful_feasible_point_wins():
    trace = World({"a": (0.5, 0.2), "b": (0.3, 0.1), "c": (0.05, 0.8)}).run(SearchSettings(evaluations=12))
    assert trace.feasible
    # harm at the threshold: a 0.1, b 0.03, c 0.04
    assert trace.best.point.layer == "b"
    assert trace.best.point.step == pytest.approx(0.3, rel=0.02)


def test_every_point_is_kept_and_the_best_is_not_the_last():
    trace = World({"a": (0.35, 0.1)}).run(SearchSettings(evaluations=6))
    assert [p.point.step for p in trace.probes] == pytest.approx([0.1, 0.2, 0.4, 0.3, 0.35, 0.325])
    assert trace.best.number == 4
    assert not trace.probes[-1].feasible


@pytest.mark.parametrize("bound", [1, 5, 8, 100])
def test_a_bound_on_all_points_cuts_the_last_round_and_nothing_else(bound):
    layers = {"a": (0.5, 0.2), "b": (0.3, 0.1), "c": (0.05, 0.8)}
    free = World(layers).run(SearchSettings(evaluations=6))
    cut = World(layers).run(SearchSettings(evaluations=6, most_points=bound))
    assert len(cut.probes) == min(bound, len(free.probes))
    rounds = {name: [p.point.step for p in free.probes if p.point.layer == name] for name in layers}
    kept = {name: [p.point.step for p in cut.probes if p.point.layer == name] for name in layers}
    for number, name in enumerate(layers):
        assert kept[name] == rounds[name][: (bound - number + 2) // 3]


def test_a_criterion_that_is_not_monotone_still_gives_a_feasible_point():
    trace = World({"a": (0.15, 0.1)}, wavy=True).run(SearchSettings(evaluations=8))
    assert trace.feasible
    assert trace.best.measured.metrics["forget/top1"].correct == 0


def test_no_feasible_point_is_said_and_the_least_bad_is_measured():
    trace = World({"a": (1e9, 0.1), "b": (1e9, 0.0001)}).run(SearchSettings(evaluations=3))
    assert not trace.feasible
    assert trace.best.point.layer == "b"
    assert "retain/imagenet_top1" in trace.best.measured.metrics


@pytest.mark.parametrize("points_per_pass", [1, 3, 64])
def test_bounding_the_passes_changes_nothing(points_per_pass):
    layers = {"a": (0.5, 0.2), "b": (0.3, 0.1), "c": (0.05, 0.8)}
    world = World(layers)
    trace = world.run(SearchSettings(points_per_pass=points_per_pass))
    assert trace == World(layers).run(SearchSettings())


def test_measuring_everywhere_finds_the_same_point_with_more_work():
    layers = {"a": (0.5, 0.2), "b": (0.3, 0.1)}
    lean, full = World(layers), World(layers)
    chosen = lean.run(SearchSettings())
    complete = full.run(SearchSettings(measure="all"))
    assert complete.best == chosen.best
    assert all(len(p.measured.metrics) == 3 for p in complete.probes)
    assert any(len(p.measured.metrics) == 1 for p in chosen.probes)


@pytest.mark.parametrize("measure", ["feasible", "all"])
def test_one_pass_over_the_retained_data_serves_all_layers(measure):
    world = World({name: (0.3, 0.1) for name in "abcdefgh"})
    world.run(SearchSettings(evaluations=10, measure=measure, points_per_pass=128))
    assert world.passes == 10 + 1


@dataclass
class Chances(World):
    """Retained counts drawn by point and data set, coarse enough for ties, some of them broken."""

    seed: int = 0
    level: float = 0.0

    def measure(self, point, datasets):
        self.asked += len(set(datasets) - {"forget"})
        metrics, broken = {}, 0
        if "forget" in datasets:
            metrics["forget/top1"] = Accuracy(0 if point.step >= self.layers[point.layer][0] else 9, 10)
        for name in set(datasets) - {"forget"}:
            draw = random.Random(f"{self.seed} {name} {point}")
            right = 10 if point is None else draw.choice([9, 10, 11, *range(5)])
            metrics[f"retain/{name}_top1"] = Accuracy(right, 12)
            broken += int(point is not None and draw.random() < self.level)
        return Measured(metrics, broken)


@pytest.mark.parametrize("seed", range(60))
def test_contenders_have_the_winner_of_all_feasible_points_and_its_figures(seed):
    draw = random.Random(seed)
    layers = {name: (draw.choice([0.05, 0.3, 2.0, 1e9]), 0.0) for name in "abcd"[: 1 + seed % 4]}
    broken = (0.0, 0.2, 0.9)[seed % 3]
    runs = {}
    for measure in ("contenders", "feasible"):
        world = Chances(dict(layers), seed=seed, level=broken)
        runs[measure] = world.run(SearchSettings(evaluations=6, measure=measure)), world.asked
    (lean, few), (full, many) = runs["contenders"], runs["feasible"]
    assert lean.best == full.best
    assert lean.before == full.before
    assert few <= many
    for mine, theirs in zip(lean.probes, full.probes, strict=True):
        assert mine.point == theirs.point
        assert mine.measured.metrics.items() <= theirs.measured.metrics.items()


def test_a_point_that_has_lost_on_the_first_data_is_not_measured_on_the_others():
    world = World({"keeps": (0.05, 0.01), "ruins": (0.05, 4.0)})
    trace = world.run(SearchSettings(evaluations=4))
    told = {p.point: len(p.measured.metrics) for p in trace.probes if p.feasible}
    assert trace.best.point.layer == "keeps"
    assert told[trace.best.point] == 3
    assert all(count == 2 for point, count in told.items() if point.layer == "ruins")
    assert world.passes == 4 + 2


def test_a_point_that_starts_badly_and_wins_is_measured_on_all():
    class Turned(World):
        def measure(self, point, datasets):
            found = super().measure(point, datasets)
            if point is not None and "imagenet" in datasets:
                kept = {"good first": 0.2, "bad first": 0.75}[point.layer]
                more = {"retain/imagenet_top1": Accuracy(int(1000 * kept), 1000)}
                return Measured({**found.metrics, **more})
            return found

    world = Turned({"good first": (0.05, 0.01), "bad first": (0.05, 3.0)})
    trace = world.run(SearchSettings(evaluations=3))
    assert trace.best.point.layer == "bad first"
    assert world.passes == 3 + 3


def test_an_edit_that_ruins_one_metric_does_not_win_by_the_other():
    world = World({"keeps": (0.3, 0.05), "ruins": (0.1, 0.0)})
    honest = world.measure

    def measure(point, datasets):
        result = honest(point, datasets)
        if point is not None and point.layer == "ruins" and "imagenet" in datasets:
            metrics = {**result.metrics, "retain/imagenet_top1": Accuracy(500, 1000)}
            return Measured(metrics)
        return result

    world.measure = measure
    assert world.run(SearchSettings()).best.point.layer == "keeps"


def test_broken_scores_are_never_feasible():
    world = World({"a": (0.1, 0.0)})
    honest = world.measure
    world.measure = lambda p, d: Measured(honest(p, d).metrics, broken=int(p is not None))
    assert not world.run(SearchSettings()).feasible


@pytest.mark.parametrize(
    "bad",
    [
        {"layers": "frnt"},
        {"forget_target": 1.0},
        {"evaluations": 0},
        {"most_points": 0},
        {"start": 0.0},
        {"towers": []},
        {"margin": -0.1},
    ],
)
def test_bad_settings_are_refused(bad):
    with pytest.raises(SettingError, match=r"Expected search\."):
        SearchSettings(**bad)


def test_a_wording_without_a_place_for_the_name_is_refused():
    with pytest.raises(SettingError, match=r"Expected '{}' for the name in each template but got 'a photo'"):
        SearchSettings(wordings=["a photo"])


def test_a_plan_can_be_answered_by_a_function():
    world, layers = World({"a": (0.5, 0.2), "b": (0.3, 0.1)}), ["identities", "imagenet"]
    scores = [LayerScore(n, "vision", 1, 1, 1.0, 1.0, 1.0, True) for n in world.layers]

    def measure(asked):
        return [world.measure(point, asked.datasets) for point in asked.points]

    found = run_plan(search_plan(scores, SearchSettings(), layers), measure)
    assert found == World(world.layers).run(SearchSettings())
