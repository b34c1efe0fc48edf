"""Climb the forget loss."""

from collections.abc import Mapping

from torch import Tensor

from slug_lightning.unlearning.descent import ByRole, Descent


class GradientAscent(Descent):
    r"""Gradient ascent (GA): pairs of the concept come apart, whatever that does to the rest.

    .. math:: \theta \leftarrow \theta + \eta \nabla L_f

    :math:`L_f = 1 - \cos`, so ascending is forgetting. For the arguments see ``Descent``.

    Source:
        The baseline GA of Thudi et al. 2022 (arXiv 2109.13398) as SLUG (arXiv 2407.11867) compares it.
    """

    method = "gradient_ascent"
    roles = ("forget",)

    def descended(self, gradients: ByRole) -> Mapping[str, Tensor]:
        """The negative forget gradient."""
        return {name: -gradient for name, gradient in gradients["forget"].items()}
