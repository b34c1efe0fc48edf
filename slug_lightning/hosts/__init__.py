"""Where else a CLIP lives: names and shapes in transformers, diffusers and LLaVA, and what each reads."""

from slug_lightning.hosts.generated_images import GeneratedImages, ImageCounts, Sampling
from slug_lightning.hosts.host_attacks import Confusion, HostAttacks, Probing, Rewording
from slug_lightning.hosts.host_metric import Example, HostMetric
from slug_lightning.hosts.judges import ClipJudge, ImageJudge
from slug_lightning.hosts.live import live_sites
from slug_lightning.hosts.reading import HOSTS, HostName, candidate_layers
from slug_lightning.hosts.site import Site

__all__ = [
    "HOSTS",
    "ClipJudge",
    "Confusion",
    "Example",
    "GeneratedImages",
    "HostAttacks",
    "HostMetric",
    "HostName",
    "ImageCounts",
    "ImageJudge",
    "Probing",
    "Rewording",
    "Sampling",
    "Site",
    "candidate_layers",
    "live_sites",
]
