"""Which layers are tried, at which steps, and which point wins."""

from slug_lightning.search.candidates import LayerScore, score_layers
from slug_lightning.search.evaluator import PointEvaluator
from slug_lightning.search.grid import GridSettings, Trial, grid_plan
from slug_lightning.search.host_evaluator import HostEvaluator
from slug_lightning.search.plan import Pass, SearchSettings, evaluate_points, run_plan, search_plan
from slug_lightning.search.schedule import StepSchedule
from slug_lightning.search.setting import Setting
from slug_lightning.search.trace import Measured, Point, Probe, Trace

__all__ = [
    "GridSettings",
    "HostEvaluator",
    "LayerScore",
    "Measured",
    "Pass",
    "Point",
    "PointEvaluator",
    "Probe",
    "SearchSettings",
    "Setting",
    "StepSchedule",
    "Trace",
    "Trial",
    "evaluate_points",
    "grid_plan",
    "run_plan",
    "score_layers",
    "search_plan",
]
