"""Climb the forget loss and descend the retain loss at once."""

from collections.abc import Mapping

from torch import Tensor

from slug_lightning.unlearning.descent import ByRole, Descent


class GradientAscentFineTune(Descent):
    r"""Gradient ascent with fine-tuning (GAFT).

    .. math:: \theta \leftarrow \theta - \eta (\nabla L_r - \nabla L_f)

    Each update sees a batch of both kinds. For the arguments see ``Descent``.

    Source:
        The baseline GAFT of SLUG (arXiv 2407.11867), after Fan et al. 2024 (arXiv 2310.12508).
    """

    method = "gaft"
    roles = ("forget", "retain")

    def descended(self, gradients: ByRole) -> Mapping[str, Tensor]:
        """The retain gradient minus the forget gradient."""
        forget = gradients["forget"]
        return {name: retain - forget[name] for name, retain in gradients["retain"].items()}
