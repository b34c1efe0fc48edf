"""The patch file, what it may be applied to, and model folders and hosts that carry one."""

from slug_lightning.patch.folder import apply_to_folder, revert_folder
from slug_lightning.patch.host_folder import apply_to_host, revert_host
from slug_lightning.patch.patch import Patch, Undo
from slug_lightning.patch.together import applied_together
from slug_lightning.patch.whole import WholePatch, load_patch

__all__ = [
    "Patch",
    "Undo",
    "WholePatch",
    "applied_together",
    "apply_to_folder",
    "apply_to_host",
    "load_patch",
    "revert_folder",
    "revert_host",
]
