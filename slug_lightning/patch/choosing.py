"""Which tower of a host a patch belongs to; a pipeline may hold several."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from slug_lightning.errors import LayerNotFoundError, PatchMismatchError, SlugError, UnreadLayerError
from slug_lightning.hosts.site import ADVICE, Site
from slug_lightning.models import tower_of
from slug_lightning.patch.checks import check_site, check_weight


@dataclass(frozen=True)
class Fit:
    """A tower that a patch fits.

    Attributes:
        site: The tower in the host.
        weight: The layer in its canonical shape, in the host's dtype.
        forced: What ``force`` has overridden, as sentences.
    """

    site: Site
    weight: Tensor
    forced: tuple[str, ...]


def choose_site(update: Tensor, header: Mapping[str, str], sites: Sequence[Site], force: bool = False) -> Fit:
    """The tower that the patch was made on, by what the host reads, shape and fingerprint.

    Args:
        update: The patch's update.
        header: The patch's header.
        sites: Towers of the host.
        force: Take a tower of the same shapes although its weights differ.

    Raises:
        UnreadLayerError: If the host does not read the layer, or the whole tower.
        LayerNotFoundError: If the host does not have it.
        PatchMismatchError: If no tower is the patch's base.
    """
    tower = tower_of(header["layer"])
    fitting = [site for site in sites if site.tower == tower]
    if not fitting:
        other = sites[0].tower
        msg = (
            f"The patch edits the {tower} tower ({header['layer']!r}), but {sites[0].host} reads the {other} "
            f"tower and not that one, so nothing would change. {ADVICE}"
        )
        raise UnreadLayerError(msg)
    refusals: list[tuple[int, SlugError]] = []
    for attempt in (False, True) if force else (False,):  # its own tower first, then any of the same shape
        for site in fitting:
            try:
                return _try(update, header, site, attempt)
            except (UnreadLayerError, LayerNotFoundError, PatchMismatchError) as error:
                refusals.append((_rank(error, site, update, header["layer"]), error))
    raise min(refusals, key=lambda refusal: refusal[0])[1]


def _try(update: Tensor, header: Mapping[str, str], site: Site, force: bool) -> Fit:
    layer = header["layer"]
    site.require_read(layer)
    weight = site.weight(layer)
    forced = check_weight(weight, update, header, force)
    return Fit(site, weight, (*forced, *check_site(site, header, force)))


def _rank(error: SlugError, site: Site, update: Tensor, layer: str) -> int:
    """The refusal that tells most comes first: that of a tower with the patch's shapes."""
    if site.has(layer):
        return 0 if site.weight(layer).shape == update.shape else 2
    return 1 if isinstance(error, UnreadLayerError) else 3
