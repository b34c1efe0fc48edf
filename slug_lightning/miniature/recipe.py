"""What the miniature world is made from; another recipe makes another world."""

import hashlib
import json
from dataclasses import asdict, dataclass

VERSION = 2  # raise it when the drawing, the captions or the layout change


@dataclass(frozen=True)
class WorldRecipe:
    """Settings of the miniature world.

    Attributes:
        seed: Seed of splits, drawing and captions.
        scans: Number of scans in all; None is all 1,797.
        search_scans: Scans of the evaluation images that the step search may look at.
        final_scans: Scans of the evaluation images that only final figures use.
        search_styles: In how many styles each search scan is drawn; final scans are drawn once.
        pairs_per_shard: Rows per training shard, failures included.
        forget_pairs: At most so many pairs per forget set.
        failures: Share of rows whose download "failed", as on the web.
    """

    seed: int = 0
    scans: int | None = None
    search_scans: int = 200
    final_scans: int = 500
    search_styles: int = 4
    pairs_per_shard: int = 2000
    forget_pairs: int = 256
    failures: float = 0.01

    def digest(self) -> str:
        """Hash of the settings and of the version of what follows from them.

        Example:
            >>> WorldRecipe().digest() == WorldRecipe(seed=1).digest()
            False
        """
        settings = {"version": VERSION, **asdict(self)}
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
