"""Settings of attacks on hosts that differ from those on the CLIP."""

from dataclasses import dataclass, field

from slug_lightning.audit.relearning import UNRELATED, RelearningSettings


def _relearning() -> RelearningSettings:
    return RelearningSettings([UNRELATED, 4, 32], [0, 2, 5, 10, 20, 50], batch_size=32)


@dataclass(frozen=True)
class LiveSettings:
    """Settings of attacks on the host.

    Attributes:
        relearning: Training on. A host answers more slowly than a CLIP, so batches are smaller and it is
            asked less often.
    """

    relearning: RelearningSettings = field(default_factory=_relearning)
