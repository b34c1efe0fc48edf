"""Whether gradients of an earlier run are those of this model and concept."""

import json
from collections.abc import Mapping, Sequence

from slug_lightning.errors import PatchMismatchError, SettingError
from slug_lightning.unlearning.gradients import Gradients


def check_saved(
    gradients: Gradients, concept: str, base: str, fingerprint: Mapping[str, str], candidates: Sequence[str]
) -> None:
    """Refuse gradients that a search must not start from.

    Args:
        gradients: Of an earlier run.
        concept: What is to be forgotten now.
        base: What to call the model.
        fingerprint: Digest of each of its towers.
        candidates: Layers that the search may choose.

    Raises:
        PatchMismatchError: If they were computed on other weights.
        SettingError: If they lack a candidate layer or belong to another concept.
    """
    header = gradients.header
    if header["concept"] != concept:
        raise SettingError(
            f"The gradients are of the concept {header['concept']!r}, but data.concept is {concept!r}. "
            "Compute its own with slug fit."
        )
    if json.loads(header["base_fingerprint"]) != fingerprint:
        raise PatchMismatchError(
            f"The gradients were computed on other weights (base model {header['base_model']!r}) than "
            f"{base!r}. Load that model, or compute gradients with slug fit."
        )
    missing = [name for name in candidates if name not in gradients.forget]
    if missing:
        raise SettingError(
            f"The gradients lack {len(missing)} candidate layers, first {missing[0]!r}. "
            "Narrow model.include, or compute gradients with slug fit."
        )
