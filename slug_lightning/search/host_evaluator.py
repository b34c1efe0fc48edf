"""Points measured on a live host: each edit is put into the host itself, measured there, and taken back."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from slug_lightning.errors import HostError, PatchMismatchError
from slug_lightning.hosts.host_metric import FORGET, Example, HostMetric
from slug_lightning.hosts.live import live_sites
from slug_lightning.hosts.reading import Reading
from slug_lightning.hosts.site import Site
from slug_lightning.hosts.spelling import split
from slug_lightning.models import get_layer
from slug_lightning.patch import Patch
from slug_lightning.patch.choosing import choose_site
from slug_lightning.search.plan import Pass
from slug_lightning.search.trace import Measured, Point


def host_metric_name(name: str) -> str:
    """Name of a host's figure in reports and logs.

    Example:
        >>> host_metric_name("forget"), host_metric_name("style")
        ('forget/host', 'retain/host_style')
    """
    return f"{FORGET}/host" if name == FORGET else f"retain/host_{name}"


@contextmanager
def edited_site(site: Site, layer: str, update: Tensor) -> Iterator[None]:
    """Add an update to a layer in the host, in its dtype; on leaving, copy the original back, bit for bit.

    Args:
        site: The tower in the host.
        layer: Canonical name.
        update: In the canonical shape.
    """
    pieces, weight = site.pieces(layer), site.weight(layer)
    exact = weight.to(torch.promote_types(weight.dtype, torch.float32))
    parts = split((exact + update.to(weight.device)).to(weight.dtype), pieces)
    saved = {name: site.tensors[name].detach().clone() for name in parts}
    try:
        with torch.no_grad():
            for name, part in parts.items():
                site.tensors[name].copy_(part)
        yield
    finally:
        with torch.no_grad():
            for name, original in saved.items():
                site.tensors[name].copy_(original)


class HostEvaluator:
    """Measures points with a ``HostMetric``.

    Args:
        metric: The metric; it loads its host now.

    Raises:
        HostError: If what it loads is no host.
    """

    def __init__(self, metric: HostMetric) -> None:
        self.metric = metric
        self.host: Any = metric.load()
        self.sites = live_sites(self.host)
        self.directions: Mapping[str, Tensor] = {}
        self.examples: list[tuple[Example, ...]] = []  # by point of the last call of ``measure``
        self._site: Site | None = None

    def attach(self, network: nn.Module, layers: Sequence[str], base: str) -> list[str]:
        """Find the tower that an open_clip model is, by its weights; remembers it.

        Args:
            network: The model that directions are computed on.
            layers: Canonical names of its candidates.
            base: What to call it.

        Returns:
            The candidates that the host reads.

        Raises:
            HostError: If there are none.
            PatchMismatchError: If the host is built on other weights.
        """
        reading = [(site, read) for site in self.sites if (read := _read(site, layers))]
        if not reading:
            msg = (
                f"Expected a candidate that {self.sites[0].host} of model.host_metric reads, but none of "
                f"{len(layers)} is. Widen model.include, or set model.model to the CLIP it is built on."
            )
            raise HostError(msg)
        refusals: list[str] = []
        for site, read in reading:
            try:
                _check_same(network, site, read[0], base)
            except PatchMismatchError as error:
                refusals.append(str(error).split("). ")[0].split(". ")[0])
                continue
            self._site = site
            return read
        msg = (
            f"The host of model.host_metric is not built on {base!r}: {refusals[0].rstrip('.')}. Set "
            "model.model to the CLIP it is built on (docs/hosts.md)."
        )
        raise PatchMismatchError(msg)

    @property
    def reading(self) -> Reading:
        """What the host takes from the tower that ``attach`` found."""
        assert self._site is not None
        return self._site.place.reading

    def measure(self, current: Pass, concept: str) -> list[Measured]:
        """Put every point into the host, one after the other, and measure it there.

        Args:
            current: Points, names and split.
            concept: What is to be forgotten.

        Returns:
            One entry per point.

        Raises:
            HostError: If the metric leaves out a name.
        """
        found: list[Measured] = []
        self.examples = []
        for point in current.points:
            if point is None:
                found.append(self._count(current, concept))
                continue
            assert isinstance(point, Point)  # methods that edit the whole model have no host metric
            with self.edited({point.layer: point.step * self.directions[point.layer]}):
                found.append(self._count(current, concept))
        return found

    def reads(self, layer: str) -> bool:
        """Whether an edit of a layer changes what the host does; after ``attach``."""
        assert self._site is not None
        return bool(_read(self._site, [layer]))

    @contextmanager
    def edited(self, updates: Mapping[str, Tensor]) -> Iterator[None]:
        """The host with updates of layers that it reads; on leaving, the original, bit for bit.

        Args:
            updates: By canonical name, in the canonical shape.
        """
        assert self._site is not None
        with ExitStack() as stack:
            for layer, update in updates.items():
                stack.enter_context(edited_site(self._site, layer, update))
            yield

    def _count(self, current: Pass, concept: str) -> Measured:
        figures = self.metric.measure(concept, current.datasets, current.split)
        missing = [name for name in current.datasets if name not in figures]
        if missing:
            msg = (
                f"Expected {type(self.metric).__name__}.measure to give a share for each of "
                f"{list(current.datasets)}, but {missing} are missing. Let it return what it is asked for."
            )
            raise HostError(msg)
        self.examples.append(tuple(self.metric.examples()))
        return Measured({host_metric_name(name): figures[name] for name in current.datasets})


def _read(site: Site, layers: Sequence[str]) -> list[str]:
    """The layers that the host has there and reads."""
    reading, blocks = site.place.reading, site.blocks
    return [layer for layer in layers if reading.reads(layer, blocks) and site.has(layer)]


def _check_same(network: nn.Module, site: Site, layer: str, base: str) -> None:
    """A patch that changes nothing is refused where any patch of this model would be."""
    weight = get_layer(network, layer).detach()
    unknown = dict.fromkeys(("concept", "data_digest", "seed", "package_version", "created"), "")
    patch = Patch.create(network, layer, torch.zeros_like(weight), 1.0, {**unknown, "base_model": base})
    choose_site(patch.update, patch.header, [site])
