"""Membership inference: can one tell the pairs that a model was trained on from pairs it never saw?"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from slug_lightning.errors import BadDataError, NonFiniteError, SettingError
from slug_lightning.functional import wilson_interval

FOLDS, REPEATS = 10, 10


@dataclass(frozen=True)
class Membership:
    """What the attack reaches.

    Attributes:
        accuracy: Mean accuracy on pairs that the attack was not fitted on, in ``[0, 1]``; 0.5 is ideal.
        deviation: Standard deviation over the repeats: what drawing and splitting alone change.
        pairs: Pairs per repeat, half of them members.
        repeats: How often pairs were drawn and split anew.
    """

    accuracy: float
    deviation: float
    pairs: int
    repeats: int

    @property
    def ci95(self) -> tuple[float, float]:
        """Wilson interval of one repeat in ``[0, 1]``; repeats see the same pairs and make it no narrower."""
        return wilson_interval(round(self.accuracy * self.pairs), self.pairs)

    def entry(self) -> dict[str, Any]:
        """As it stands in a report."""
        return {
            "value": self.accuracy,
            "n": self.pairs,
            "ci95": list(self.ci95),
            "deviation": self.deviation,
            "repeats": self.repeats,
        }


def pair_features(image: Tensor, text: Tensor, others: Tensor, scale: Tensor | float) -> Tensor:
    r"""What the attack sees of each pair: the cosine, and the loss of the own caption among others.

    .. math:: \langle v_i, t_i \rangle, \quad
        -\log \frac{\exp(s \langle v_i, t_i \rangle)}
        {\exp(s \langle v_i, t_i \rangle) + \sum_j \exp(s \langle v_i, o_j \rangle)}

    Args:
        image: Unit image embeddings ``(B, D)``.
        text: Unit caption embeddings ``(B, D)``.
        others: Unit embeddings ``(K, D)`` of other captions, the same for members and others.
        scale: Inverse temperature ``s``, already exponentiated.

    Returns:
        Shape ``(B, 2)``.

    Example:
        >>> pair_features(torch.eye(2)[:1], torch.eye(2)[:1], torch.eye(2)[1:], 0.0)
        tensor([[1.0000, 0.6931]])
    """
    own = (image * text).sum(dim=-1)
    every = torch.cat([own[:, None], image @ others.T], dim=1)
    return torch.stack([own, torch.logsumexp(scale * every, dim=1) - scale * own], dim=1)


def membership_inference(
    members: Tensor, others: Tensor, folds: int = FOLDS, repeats: int = REPEATS, seed: int = 0
) -> Membership:
    """Accuracy of a logistic regression that tells members from others, cross-validated.

    In every repeat as many pairs of either kind are drawn, so that guessing reaches 0.5, and split anew into
    stratified folds; features are standardised on the fitted folds alone.

    Args:
        members: Features ``(N, F)`` of pairs that the model was trained on, here the forget pairs.
        others: Features ``(M, F)`` of unseen pairs of the same kind.
        folds: Parts of the cross-validation.
        repeats: How often pairs are drawn and split anew.
        seed: Of the first repeat; the others have those that follow.

    Returns:
        The mean over all folds and repeats; 0.5 if nothing tells them apart.

    Raises:
        SettingError: If ``folds`` is below 2 or ``repeats`` below 1, or the shapes do not fit.
        BadDataError: If there are fewer pairs of a kind than folds.
        NonFiniteError: If a feature is NaN or infinite: the edit broke the model.

    Source:
        The attack on losses of Yeom et al. 2018 (arXiv 1709.01604), with a fitted threshold as in SalUn
        (Fan et al. 2024, arXiv 2310.12508).
    """
    known, unseen = _checked(members, others, folds, repeats)
    count = min(len(known), len(unseen))
    shares = [_one_repeat(known, unseen, count, folds, seed + i) for i in range(repeats)]
    return Membership(float(np.mean(shares)), float(np.std(shares)), 2 * count, repeats)


def _checked(
    members: Tensor, others: Tensor, folds: int, repeats: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if folds < 2 or repeats < 1:
        raise SettingError(f"Expected folds >= 2 and repeats >= 1, but got {folds} and {repeats}.")
    if members.ndim != 2 or others.ndim != 2 or members.shape[1] != others.shape[1]:
        raise SettingError(
            "Expected features of members (N, F) and of others (M, F), but got shapes "
            f"{tuple(members.shape)} and {tuple(others.shape)}."
        )
    if min(len(members), len(others)) < folds:
        raise BadDataError(
            f"Expected at least {folds} pairs of each kind for membership inference, but got "
            f"{len(members)} members and {len(others)} others. Use more pairs, or fewer folds."
        )
    for name, features in (("members", members), ("others", others)):
        if not torch.isfinite(features).all():
            raise NonFiniteError(
                f"Features of {name} hold NaN or infinity: the model is broken, so nothing can be inferred."
            )
    return members.detach().double().cpu().numpy(), others.detach().double().cpu().numpy()


def _one_repeat(
    members: NDArray[np.float64], others: NDArray[np.float64], count: int, folds: int, seed: int
) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(seed)
    chosen = [part[rng.permutation(len(part))[:count]] for part in (members, others)]
    labels = np.repeat([1, 0], count)
    parts = StratifiedKFold(folds, shuffle=True, random_state=seed)
    attack = make_pipeline(StandardScaler(), LogisticRegression())
    with warnings.catch_warnings():
        # Equal features (a model that maps all images to one point) are scaled by 1, which is right.
        warnings.filterwarnings("ignore", message=".*Numerical issues were encountered.*")
        return float(cross_val_score(attack, np.concatenate(chosen), labels, cv=parts).mean())


class MembershipInference(Metric):
    """Accuracy of ``membership_inference`` over all batches and processes, in ``[0, 1]``; 0.5 is ideal.

    Args:
        folds: See ``membership_inference``.
        repeats: See there.
        seed: See there.
        kwargs: Passed to ``torchmetrics.Metric``.

    Example:
        >>> metric = MembershipInference(folds=2, repeats=1)
        >>> metric.update(torch.tensor([[3.0], [4.0], [5.0], [6.0]]), member=True)
        >>> metric.update(torch.tensor([[-3.0], [-4.0], [-5.0], [-6.0]]), member=False)
        >>> metric.compute().item()
        1.0
    """

    is_differentiable = False
    higher_is_better = False
    full_state_update = False
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0

    members: list[Tensor]
    others: list[Tensor]

    def __init__(self, folds: int = FOLDS, repeats: int = REPEATS, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.folds, self.repeats, self.seed = folds, repeats, seed
        self.add_state("members", [], dist_reduce_fx="cat")
        self.add_state("others", [], dist_reduce_fx="cat")

    def update(self, features: Tensor, member: bool) -> None:
        """Take up the features ``(B, F)`` of pairs that the model was, or was not, trained on."""
        (self.members if member else self.others).append(features.detach().double())

    def result(self) -> Membership:
        """The accuracy with what it rests on; of this process, or inside ``sync_context`` of all.

        Raises:
            BadDataError: If pairs of a kind are missing.
        """
        if not len(self.members) or not len(self.others):
            raise BadDataError("Expected pairs of both kinds, but got only members or only others, or none.")
        members, others = dim_zero_cat(self.members), dim_zero_cat(self.others)
        return membership_inference(members, others, self.folds, self.repeats, self.seed)

    def compute(self) -> Tensor:
        """The accuracy, a scalar."""
        return torch.tensor(self.result().accuracy, dtype=torch.float64)
