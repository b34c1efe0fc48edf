"""Train on what must stay and hope that the concept fades."""

from collections.abc import Mapping

from torch import Tensor

from slug_lightning.unlearning.descent import ByRole, Descent


class FineTune(Descent):
    r"""Fine-tuning (FT): descends the retain loss alone.

    .. math:: \theta \leftarrow \theta - \eta \nabla L_r

    For the arguments see ``Descent``.

    Source:
        The baseline FT of Warnecke et al. 2021 (arXiv 2108.11577) as SLUG (arXiv 2407.11867) compares it.
    """

    method = "finetune"
    roles = ("retain",)

    def descended(self, gradients: ByRole) -> Mapping[str, Tensor]:
        """The retain gradient."""
        return gradients["retain"]
