"""Where each kind of host keeps its CLIP towers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from slug_lightning.errors import HostError, closest
from slug_lightning.hosts.reading import (
    LAST_TEXT,
    LAST_VISION,
    LLAVA_VISION,
    PENULTIMATE_TEXT,
    POOLED_AND_PENULTIMATE_TEXT,
    WHOLE_TEXT,
    WHOLE_VISION,
    Reading,
    feature_reading,
)
from slug_lightning.hosts.spelling import count_blocks


@dataclass(frozen=True)
class Place:
    """One tower of a host.

    Attributes:
        component: Part of the pipeline that holds it, and its folder; empty for a single model.
        trunks: How its names may start; versions of transformers and their files differ in this.
        reading: What the host takes from the tower.
        config: Key of the tower's own configuration within the model's; empty if they are one.
    """

    component: str
    trunks: tuple[str, ...]
    reading: Reading
    config: str = ""

    def trunk(self, names: Mapping[str, object]) -> str | None:
        """How the tower's names start in a host with these names; ``None`` if no CLIP is there.

        SigLIP's blocks are named like CLIP's, but it has no class embedding.
        """
        stem = "class_embedding" if self.reading.tower == "vision" else "token_embedding.weight"
        found = (t for t in self.trunks if f"{t}embeddings.{stem}" in names and count_blocks(names, t))
        return next(found, None)

    def settings(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """The tower's own configuration out of its model's."""
        own = config.get(self.config) if self.config else config
        return own if isinstance(own, Mapping) else {}

    def read_by(self, config: Mapping[str, Any], blocks: int) -> "Place":
        """This place with the reading that the model's configuration says."""
        if self.reading is not LLAVA_VISION:
            return self
        layers = config.get("vision_feature_layer")
        return self if layers is None else replace(self, reading=feature_reading(layers, blocks))


_TEXT, _VISION = ("text_model.",), ("vision_model.",)
# transformers 5 holds LLaVA's tower in `model.vision_tower`; files are spelled as transformers 4 wrote them.
_LLAVA = (
    Place(
        "",
        tuple(f"{start}vision_tower.{level}" for start in ("model.", "") for level in ("", "vision_model.")),
        LLAVA_VISION,
        "vision_config",
    ),
)

# Classes of transformers.
MODELS: dict[str, tuple[Place, ...]] = {
    "CLIPModel": (
        Place("", _TEXT, WHOLE_TEXT, "text_config"),
        Place("", _VISION, WHOLE_VISION, "vision_config"),
    ),
    "CLIPTextModel": (Place("", ("", *_TEXT), LAST_TEXT),),
    "CLIPTextModelWithProjection": (Place("", _TEXT, WHOLE_TEXT),),
    "CLIPVisionModel": (Place("", ("", *_VISION), LAST_VISION),),
    "CLIPVisionModelWithProjection": (Place("", _VISION, WHOLE_VISION),),
    "LlavaForConditionalGeneration": _LLAVA,
    "LlavaModel": _LLAVA,
    "LlavaNextForConditionalGeneration": _LLAVA,
    "LlavaNextModel": _LLAVA,
}
LLAVA = tuple(name for name in MODELS if name.startswith("Llava"))

# Pipelines of diffusers, by the start of their class name, which image-to-image, inpainting and ControlNet
# share; the first that fits counts.
PIPELINES: dict[str, tuple[Place, ...]] = {
    "StableDiffusionXL": (
        Place("text_encoder", ("", *_TEXT), PENULTIMATE_TEXT),
        Place("text_encoder_2", _TEXT, POOLED_AND_PENULTIMATE_TEXT),
    ),
    "StableDiffusion3": (
        Place("text_encoder", _TEXT, POOLED_AND_PENULTIMATE_TEXT),
        Place("text_encoder_2", _TEXT, POOLED_AND_PENULTIMATE_TEXT),
    ),
    "StableDiffusion": (Place("text_encoder", ("", *_TEXT), LAST_TEXT),),
}


def model_places(classes: Iterable[str]) -> tuple[Place, ...]:
    """Towers of a model of transformers.

    Args:
        classes: Its class and the classes that it derives from.

    Raises:
        HostError: If none of them is a known host.
    """
    names = list(classes)
    for name in names:
        if name in MODELS:
            return MODELS[name]
    msg = (
        f"Expected a CLIP or LLaVA of transformers, but got {names[0] if names else 'no class'!r}. "
        f"Closest: {closest(names[0] if names else '', MODELS) or list(MODELS)}."
    )
    raise HostError(msg)


def pipeline_places(name: str) -> tuple[Place, ...]:
    """Towers of a pipeline of diffusers, by its class name.

    Raises:
        HostError: If it is no known host.

    Example:
        >>> [place.component for place in pipeline_places("StableDiffusionXLImg2ImgPipeline")]
        ['text_encoder', 'text_encoder_2']
    """
    for start, places in PIPELINES.items():
        if name.startswith(start):
            return places
    msg = (
        f"Expected a pipeline whose class name starts with one of {list(PIPELINES)}, but got {name!r}. "
        "Patch its text encoder as a model instead: patch.apply_(pipeline.text_encoder)."
    )
    raise HostError(msg)
