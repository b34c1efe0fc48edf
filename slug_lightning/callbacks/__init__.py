"""What a run shows and leaves behind."""

from slug_lightning.callbacks.layer_scores import LayerScores
from slug_lightning.callbacks.run_files import RunFiles

__all__ = ["LayerScores", "RunFiles"]
