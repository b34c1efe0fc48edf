"""What a patch changes, in numbers: sizes of update and weight, hashes before and after."""

import json
from typing import Any

from torch import nn

from slug_lightning.models import get_layer, tensor_digest, tower_digest
from slug_lightning.patch import Patch


def describe_change(patch: Patch, model: nn.Module) -> dict[str, Any]:
    """The ``change`` entry of ``report.json``.

    Args:
        patch: Just made on this model.
        model: With its original weights; it has them again afterwards.

    Returns:
        Shape, Euclidean norms of update and original weight, and the SHA-256 fingerprints of edited layer,
        its tower and the other tower ``before`` and ``after``.
    """
    before = json.loads(patch.header["base_fingerprint"])
    norm = float(get_layer(model, patch.layer).detach().float().norm())
    with patch.applied(model):
        after = {
            "layer": tensor_digest(get_layer(model, patch.layer)),
            "tower": tower_digest(model, patch.tower),
            "other_tower": tower_digest(model, "text" if patch.tower == "vision" else "vision"),
        }
    return {
        "shape": list(patch.update.shape),
        "update_norm": float(patch.update.norm()),
        "weight_norm": norm,
        "fingerprint": {"before": before, "after": after},
    }
