"""The CLIP that a host holds, where its tower was trained further than the CLIP it started from."""

import copy
from dataclasses import replace
from pathlib import Path

from slug_lightning.errors import HostError
from slug_lightning.hosts.conversion import take_
from slug_lightning.hosts.files import read_host
from slug_lightning.models import Clip
from slug_lightning.patch.folder import write_clip


def clip_of_host(host: Path | str, clip: Clip, out: Path | str) -> Path:
    """Write an open_clip folder with the host's tower in place of the CLIP's own.

    A patch made on it (``slug fit --model.model local-dir:OUT``) fits the host. What the host does not have,
    mostly the other tower and the projection, stays the CLIP's; the figures of ``slug validate`` on it say
    whether the two still belong together.

    Args:
        host: Folder of the host.
        clip: CLIP of the architecture that the host is built on; it is left as it was.
        out: Folder to write; must not exist yet.

    Returns:
        ``out``.

    Raises:
        HostError: If no tower of the host has the CLIP's shapes.
        SettingError: If ``out`` exists.
    """
    refusals: list[HostError] = []
    for site in read_host(Path(host)).sites:
        model = copy.deepcopy(clip.model)
        try:
            take_(model, site)
        except HostError as error:
            refusals.append(error)
            continue
        return write_clip(replace(clip, model=model), Path(out))
    raise refusals[0]
