"""The classifiers that say which style and which object an image shows."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms import Compose, Normalize, Resize, ToTensor

from slug_lightning.canvas.protocol import Kind, Protocol
from slug_lightning.errors import BadDataError, DataNotFoundError, SettingError

ARCHITECTURE = "vit_large_patch16_224.augreg_in21k"  # of the published checkpoints, by its name in timm


@dataclass(frozen=True)
class Judge:
    """A classifier with the view it takes of an image.

    Attributes:
        model: Views to logits ``(B, classes)``.
        preprocess: RGB image to view.
        name: What it is, for the account.
    """

    model: nn.Module
    preprocess: Callable[[Image.Image], Tensor]
    name: str


def load_judge(kind: Kind, source: str | Path, protocol: Protocol, architecture: str = ARCHITECTURE) -> Judge:
    """The style or the object classifier.

    Args:
        kind: Which of the two.
        source: ``miniature``, or a checkpoint: the benchmark's ``.pth`` (weights under ``model_state_dict``),
            a plain state dict, or safetensors.
        protocol: Whose names the classes are.
        architecture: Of a checkpoint, by its name in timm, for images of 224 pixels in ``[-1, 1]``.

    Raises:
        DataNotFoundError: If there is no such file.
        BadDataError: If it holds other weights or another number of classes.
        SettingError: If the miniature classifiers are asked about another protocol.
    """
    if str(source) == "miniature":
        return _miniature(kind, protocol)
    path = Path(source)
    weights = _read_weights(path, kind)
    classes = len(protocol.names(kind))
    head = weights.get("head.weight")
    if head is not None and len(head) != classes:
        raise BadDataError(
            f"Expected a classifier of the {classes} {kind}s of {protocol.name!r} but the one in "
            f"{str(path)!r} has {len(head)} classes. Styles are in style50.pth, objects in style50_cls.pth."
        )
    return Judge(_build(architecture, classes, weights, path), _published_view(), path.name)


def _published_view() -> Compose:
    return Compose([Resize((224, 224)), ToTensor(), Normalize([0.5], [0.5])])


def _build(architecture: str, classes: int, weights: dict[str, Tensor], path: Path) -> nn.Module:
    import timm

    try:
        model: nn.Module = timm.create_model(architecture, pretrained=False, num_classes=classes)
    except RuntimeError as error:
        raise SettingError(
            f"Expected an architecture of timm but got {architecture!r}: {error}. See timm.list_models()."
        ) from error
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise BadDataError(
            f"Expected weights of timm's {architecture} in {str(path)!r} but they do not fit: {reason}. Name "
            "the architecture they are of."
        ) from error
    return model.eval()


def _read_weights(path: Path, kind: Kind) -> dict[str, Tensor]:
    if not path.is_file():
        published = "style50" if kind == "style" else "style50_cls"
        raise DataNotFoundError(
            f"Expected the {kind} classifier in {str(path)!r} but it is not there; the benchmark publishes "
            f"it as cls_model/{published}.pth, see docs/unlearncanvas.md."
        )
    content: Any
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            content = load_file(path)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle, zip and safetensors readers raise many kinds on other files
        reason = str(error).strip().split("\n")[0][:200]
        raise BadDataError(
            f"Expected a checkpoint in {str(path)!r} but it cannot be read: {reason}. Fetch it again."
        ) from error
    weights = content.get("model_state_dict", content) if isinstance(content, dict) else content
    if not isinstance(weights, dict) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise BadDataError(
            f"Expected {str(path)!r} to hold weights by name, or under 'model_state_dict', but it holds a "
            f"{type(content).__name__}. Fetch the classifier again."
        )
    return weights


def _miniature(kind: Kind, protocol: Protocol) -> Judge:
    from slug_lightning.canvas.protocol import load_protocol
    from slug_lightning.miniature.diffusion.classifiers import Label, load_classifier
    from slug_lightning.miniature.diffusion.pipeline import WEIGHTS

    if protocol.names(kind) != load_protocol("miniature").names(kind):
        raise SettingError(
            f"Expected the protocol miniature with the miniature classifiers but got {protocol.name!r}. Give "
            f"--{kind}_classifier the checkpoint of its {kind}s."
        )
    label: Label = "style" if kind == "style" else "digit"
    return Judge(load_classifier(label, WEIGHTS), ToTensor(), f"miniature {label} classifier")
