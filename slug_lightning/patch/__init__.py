"""The patch file, what it may be applied to, and model folders that carry one."""

from slug_lightning.patch.folder import apply_to_folder, revert_folder
from slug_lightning.patch.patch import Patch, Undo

__all__ = ["Patch", "Undo", "apply_to_folder", "revert_folder"]
