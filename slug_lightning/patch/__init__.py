"""The patch file, what it may be applied to, and model folders that carry one."""

from slug_lightning.patch.folder import apply_to_folder, revert_folder
from slug_lightning.patch.patch import Patch, Undo
from slug_lightning.patch.together import applied_together

__all__ = ["Patch", "Undo", "applied_together", "apply_to_folder", "revert_folder"]
