"""The CLIP towers of a host on disk, as ``save_pretrained`` of diffusers or transformers writes it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from slug_lightning.errors import BadDataError, DataNotFoundError, HostError
from slug_lightning.hosts.live import no_tower
from slug_lightning.hosts.places import LLAVA, Place, model_places, pipeline_places
from slug_lightning.hosts.shards import TensorFiles, tensor_names
from slug_lightning.hosts.site import Site

Library = Literal["open_clip", "transformers", "diffusers", "llava"]

PIPELINE_FILE, MODEL_FILE, OPEN_CLIP_FILE = "model_index.json", "config.json", "open_clip_config.json"
WEIGHTS = ".safetensors"
# Weights that cannot be rewritten here: beside patched files they would be the model without the patch.
OTHER_WEIGHTS = (".bin", ".pt", ".pth", ".ckpt", ".msgpack", ".h5", ".onnx", ".onnx_data", ".gguf", ".tflite")
_SHARD = re.compile(r"-\d{5}-of-\d{5}")


@dataclass(frozen=True)
class HostFolder:
    """A host on disk.

    Attributes:
        path: The folder.
        library: What loads it.
        name: Class name of the pipeline or model.
        sites: Its towers; several for one tower where weights are there twice, e.g. in float32 and fp16.
    """

    path: Path
    library: Library
    name: str
    sites: tuple[Site, ...]


def library_of(folder: Path) -> Library | None:
    """Which library a model folder is for; ``None`` if it is none."""
    if (folder / OPEN_CLIP_FILE).is_file():
        return "open_clip"
    if (folder / PIPELINE_FILE).is_file():
        return "diffusers"
    if (folder / MODEL_FILE).is_file():
        return "llava" if _class_name(folder) in LLAVA else "transformers"
    return None


def read_host(folder: Path) -> HostFolder:
    """Find the CLIP towers of a host on disk; no weights are read.

    Args:
        folder: Written by ``save_pretrained``, or downloaded.

    Raises:
        DataNotFoundError: If it is no model folder, or shards are missing.
        HostError: If it is no known host or has no CLIP tower in safetensors files.
        BadDataError: If a file in it is damaged.
    """
    library = library_of(folder)
    if library is None or library == "open_clip":
        msg = (
            f"No host in {str(folder)!r}: expected {PIPELINE_FILE} (diffusers) or {MODEL_FILE} "
            "(transformers), as save_pretrained writes them."
        )
        raise DataNotFoundError(msg)
    name = _class_name(folder)
    places = pipeline_places(name) if library == "diffusers" else model_places([name])
    sites = [site for place in places for site in _sites(folder, name, place)]
    if not sites:
        others = [path.name for place in places for path in other_weights(folder / place.component)]
        if others:
            msg = (
                f"The weights in {str(folder)!r} are not in safetensors files ({others[0]!r}). Add --write "
                "pretrained, which loads the host and saves it anew."
            )
            raise HostError(msg)
        raise HostError(no_tower(name, places))
    return HostFolder(folder, library, name, tuple(sites))


def other_weights(folder: Path) -> list[Path]:
    """Weights of a folder in other formats than safetensors, by name."""
    return sorted(path for path in folder.glob("*") if path.suffix in OTHER_WEIGHTS)


def weight_sets(folder: Path) -> dict[str, TensorFiles]:
    """Complete copies of a model's weights in a folder, by file name without shard number.

    Raises:
        DataNotFoundError: If a shard that an index names is missing.
        BadDataError: If a file is damaged.
    """
    for index in sorted(folder.glob(f"*{WEIGHTS}.index*.json")):
        shards = set(_read_object(index).get("weight_map", {}).values())
        missing = sorted(name for name in shards if not (folder / name).is_file())
        if missing:
            msg = (
                f"{str(folder)!r} lacks {len(missing)} of {len(shards)} shards that {index.name} names, "
                f"first {missing[0]!r}. Download the model again."
            )
            raise DataNotFoundError(msg)
    sets: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.glob(f"*{WEIGHTS}")):
        kept = sets.setdefault(_SHARD.sub("", path.name), {})
        kept.update(dict.fromkeys(tensor_names(path), path))
    return {name: TensorFiles(paths) for name, paths in sets.items()}


def _sites(folder: Path, host: str, place: Place) -> list[Site]:
    part = folder / place.component
    if not (part / MODEL_FILE).is_file():
        return []
    config, sites = _read_object(part / MODEL_FILE), []
    # transformers writes only what differs from its defaults; quick_gelu is CLIP's.
    activation = place.settings(config).get("hidden_act", "quick_gelu")
    for name, tensors in weight_sets(part).items():
        trunk = place.trunk(tensors)
        if trunk is not None:
            site = Site(host, place, trunk, tensors, activation, name)
            sites.append(Site(host, place.read_by(config, site.blocks), trunk, tensors, activation, name))
    return sites


def _class_name(folder: Path) -> str:
    if (folder / PIPELINE_FILE).is_file():
        name = _read_object(folder / PIPELINE_FILE).get("_class_name")
    else:
        name = (_read_object(folder / MODEL_FILE).get("architectures") or [None])[0]
    if not isinstance(name, str):
        raise HostError(f"The configuration in {str(folder)!r} does not say which class of model it is for.")
    return name


def _read_object(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadDataError(f"{str(path)!r} cannot be read as JSON ({error}); copy it again.") from error
    if not isinstance(content, dict):
        raise BadDataError(
            f"Expected {str(path)!r} to hold one JSON object, but got {type(content).__name__}."
        )
    return content
