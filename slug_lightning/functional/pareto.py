"""The layers that no other layer beats on both scores."""

from collections.abc import Sequence


def pareto_front(importance: Sequence[float], alignment: Sequence[float]) -> list[int]:
    """Indices that are not dominated, by falling importance.

    One layer dominates another if it is at least as important and at most as aligned, and better in one of
    the two. Layers with equal scores do not dominate each other: both stay.

    Args:
        importance: One value per layer, high is good.
        alignment: One value per layer, low is good.

    Returns:
        Indices into the arguments.

    Raises:
        ValueError: If the arguments differ in length.

    Example:
        >>> pareto_front([3.0, 2.0, 1.0], [0.5, 0.6, 0.1])
        [0, 2]
    """
    order = sorted(
        zip(importance, alignment, range(len(importance)), strict=True),
        key=lambda layer: (-layer[0], layer[1], layer[2]),
    )
    front: list[int] = []
    best = (float("inf"), float("inf"))  # alignment, importance of the last member
    for important, aligned, index in order:
        if aligned < best[0] or (aligned, important) == best:
            front.append(index)
            best = (aligned, important)
    return front
