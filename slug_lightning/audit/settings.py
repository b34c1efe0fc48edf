"""Everything about an audit that can be set, with the defaults that it prints."""

from dataclasses import dataclass, field

from slug_lightning.audit.arithmetic import ArithmeticSettings
from slug_lightning.audit.checks import Limits
from slug_lightning.audit.drift import DriftSettings
from slug_lightning.audit.live.settings import LiveSettings
from slug_lightning.audit.material import MaterialSettings
from slug_lightning.audit.membership import MembershipSettings
from slug_lightning.audit.neighbours import NeighbourSettings
from slug_lightning.audit.probe import ProbeSettings
from slug_lightning.audit.quantisation import QuantisationSettings
from slug_lightning.audit.relearning import RelearningSettings
from slug_lightning.audit.retrieval import RetrievalSettings
from slug_lightning.audit.wordings import WordingSettings


@dataclass(frozen=True)
class AuditSettings:
    """Settings of an audit.

    Attributes:
        limits: Thresholds of the verdicts; other limits need no attack to be run again.
        material: How many images and pairs are looked at.
        quantisation: Rounding to few bits.
        relearning: Training on.
        wordings: Other prompts.
        arithmetic: Embeddings computed from other prompts.
        neighbours: Which other names were hurt.
        membership: Telling forget pairs from unseen ones.
        probe: Classifiers on frozen features.
        drift: Change of retained cosines.
        retrieval: Recall among retain pairs.
        host: Of attacks on a host that carries the patch, where they differ from those on the CLIP.
    """

    limits: Limits = field(default_factory=Limits)
    material: MaterialSettings = field(default_factory=MaterialSettings)
    quantisation: QuantisationSettings = field(default_factory=QuantisationSettings)
    relearning: RelearningSettings = field(default_factory=RelearningSettings)
    wordings: WordingSettings = field(default_factory=WordingSettings)
    arithmetic: ArithmeticSettings = field(default_factory=ArithmeticSettings)
    neighbours: NeighbourSettings = field(default_factory=NeighbourSettings)
    membership: MembershipSettings = field(default_factory=MembershipSettings)
    probe: ProbeSettings = field(default_factory=ProbeSettings)
    drift: DriftSettings = field(default_factory=DriftSettings)
    retrieval: RetrievalSettings = field(default_factory=RetrievalSettings)
    host: LiveSettings = field(default_factory=LiveSettings)
