"""Attacks on a live host that carries the patch, by what its ``HostAttacks`` offers. One attack a module."""

from slug_lightning.audit.live.membership import membership
from slug_lightning.audit.live.neighbours import neighbours
from slug_lightning.audit.live.probe import probe
from slug_lightning.audit.live.quantisation import quantisation
from slug_lightning.audit.live.relearning import relearning
from slug_lightning.audit.live.standing import standing
from slug_lightning.audit.live.wordings import wordings

__all__ = ["membership", "neighbours", "probe", "quantisation", "relearning", "standing", "wordings"]
