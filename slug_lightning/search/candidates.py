"""Layer scores, and the layers the search tries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from slug_lightning.errors import BadDataError, LayerNotFoundError, closest
from slug_lightning.functional import alignment, importance, pareto_front
from slug_lightning.models.layers import TowerName, tower_of


@dataclass(frozen=True)
class LayerScore:
    """How well one layer lends itself to the edit.

    Attributes:
        layer: Canonical name.
        tower: ``vision`` or ``text``.
        importance: ``||g_f|| / ||theta||``, high is good.
        alignment: ``|cos(g_f, g_r)|`` in ``[0, 1]``, low is good.
        weight_norm: ``||theta||``.
        forget_norm: ``||g_f||``.
        retain_norm: ``||g_r||``.
        front: Whether the layer is on its tower's Pareto front.
    """

    layer: str
    tower: TowerName
    importance: float
    alignment: float
    weight_norm: float
    forget_norm: float
    retain_norm: float
    front: bool

    @property
    def unit_step(self) -> float:
        """Step whose update is as large as the weight: ``||theta|| / ||g_f||``."""
        return self.weight_norm / self.forget_norm


def score_layers(
    forget: Mapping[str, Tensor], retain: Mapping[str, Tensor], weights: Mapping[str, Tensor]
) -> list[LayerScore]:
    """Importance, alignment and Pareto front (per tower) of all layers.

    Args:
        forget: Mean forget gradient by layer.
        retain: Mean retain gradient by layer, same names and shapes.
        weights: Weights the gradients were taken at.

    Returns:
        One score per layer, in the order of ``forget``.
    """
    values = {
        name: (importance(forget[name], weights[name]), alignment(forget[name], retain[name]))
        for name in forget
    }
    front: set[str] = set()
    for tower in ("vision", "text"):
        # A step is relative to both norms: a layer of zeros, or one without gradient, has none.
        usable = [n for n in forget if forget[n].norm() > 0 and weights[n].norm() > 0]
        names = [n for n in usable if tower_of(n) == tower]
        best = pareto_front([values[n][0] for n in names], [values[n][1] for n in names])
        front |= {names[i] for i in best}
    return [
        LayerScore(
            layer=name,
            tower=tower_of(name),
            importance=values[name][0],
            alignment=values[name][1],
            weight_norm=weights[name].double().norm().item(),
            forget_norm=forget[name].double().norm().item(),
            retain_norm=retain[name].double().norm().item(),
            front=name in front,
        )
        for name in forget
    ]


def choose_candidates(
    scores: Sequence[LayerScore], layers: str | Sequence[str], towers: Sequence[TowerName]
) -> list[LayerScore]:
    """The layers that are searched.

    Args:
        scores: All scored layers.
        layers: ``front``, ``all``, or canonical names.
        towers: Towers the host reads; layers of the other one are left out.

    Raises:
        LayerNotFoundError: If a name is not among the scores.
        BadDataError: If nothing can be searched.
    """
    if isinstance(layers, str):
        wanted = {s.layer for s in scores if layers == "all" or s.front}
    else:
        check_layers(layers, [s.layer for s in scores])
        wanted = set(layers)
    usable = [s for s in scores if s.forget_norm > 0 and s.weight_norm > 0]
    chosen = [s for s in usable if s.layer in wanted and s.tower in towers]
    if not chosen:
        msg = (
            f"Expected a layer of {list(towers)} with a forget gradient, but {len(wanted)} wanted layers "
            f"leave none. Widen search.layers or search.towers."
        )
        raise BadDataError(msg)
    return chosen


def check_layers(layers: Sequence[str], known: Sequence[str]) -> None:
    """Refuse names that are no candidates.

    Raises:
        LayerNotFoundError: With the closest names.
    """
    for name in layers:
        if name not in known:
            msg = (
                f"Layer {name!r} is not a candidate ({len(known)} candidates). "
                f"Closest: {closest(name, known)}. Widen model.include or model.exclude."
            )
            raise LayerNotFoundError(msg)
