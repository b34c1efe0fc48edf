"""The CLIP towers of a model or pipeline in memory."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from slug_lightning.errors import HostError
from slug_lightning.hosts.places import MODELS, Place, model_places, pipeline_places
from slug_lightning.hosts.site import Site


def is_host(model: Any) -> bool:
    """Whether a model is a host of another library than open_clip."""
    return is_pipeline(model) or is_transformers(model)


def is_pipeline(model: Any) -> bool:
    """Whether it is a pipeline of diffusers."""
    return any(c.__name__ == "DiffusionPipeline" for c in _classes(model))


def is_transformers(model: Any) -> bool:
    """Whether it is a model of transformers."""
    return any(c.__name__ == "PreTrainedModel" for c in _classes(model))


def live_sites(model: Any) -> list[Site]:
    """The towers of a host in memory.

    Args:
        model: Model of transformers or pipeline of diffusers.

    Returns:
        One site per tower, in the host's order; never empty.

    Raises:
        HostError: If it is no known host or has no CLIP tower.
    """
    host = type(model).__name__
    if is_pipeline(model):
        places = pipeline_places(host)
        found = [_site(host, place, getattr(model, place.component, None)) for place in places]
    elif is_transformers(model):
        places = model_places(c.__name__ for c in _classes(model))
        found = [_site(host, place, model) for place in places]
    else:
        msg = (
            f"Expected an open_clip model, a model of transformers or a pipeline of diffusers, but got "
            f"{host!r}. Known: {list(MODELS)} and Stable Diffusion pipelines."
        )
        raise HostError(msg)
    sites = [site for site in found if site is not None]
    if not sites:
        raise HostError(no_tower(host, places))
    return sites


def no_tower(host: str, places: tuple[Place, ...]) -> str:
    """The sentence for a host of a known kind without a CLIP in it."""
    where = " or ".join(repr(place.component or place.trunks[0].rstrip(".")) for place in places)
    return f"{host} has no CLIP tower in {where}; only hosts built on a CLIP can be patched."


def _site(host: str, place: Place, module: Any) -> Site | None:
    if module is None:
        return None
    module = getattr(module, "_orig_mod", module)  # what torch.compile has wrapped
    tensors: dict[str, Tensor] = dict(module.named_parameters())
    trunk = place.trunk(tensors)
    if trunk is None:
        return None
    config: Mapping[str, Any] = module.config.to_dict()
    site = Site(host, place, trunk, tensors, place.settings(config).get("hidden_act"))
    return Site(host, place.read_by(config, site.blocks), trunk, tensors, site.activation)


def _classes(model: Any) -> tuple[type, ...]:
    return type(model).__mro__
