"""One way to load a CLIP: an open_clip name and tag, a folder, the Hub, or the miniature."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any

import torch
from torch import Tensor, nn

from slug_lightning.errors import ModelNotFoundError, NonFiniteError, closest

MINIATURE = "miniature"
LOCAL = "local-dir:"
QUICK = "-quickgelu"
MERGES_FILE = "bpe_simple_vocab.txt.gz"


@dataclass(frozen=True)
class Clip:
    """A CLIP with what belongs to it.

    Attributes:
        model: open_clip model in evaluation mode.
        preprocess: PIL image to tensor ``(3, H, W)``, as for evaluation.
        tokenize: List of strings to token ids ``(B, T)``, int64.
        name: What to load it by again, e.g. ``ViT-B-32-quickgelu/laion400m_e32``.
    """

    model: nn.Module
    preprocess: Callable[[Any], Tensor]
    tokenize: Callable[[list[str]], Tensor]
    name: str


def miniature_folder() -> Path:
    """Folder of the small CLIP that ships with the package."""
    return Path(__file__).parent.parent / "miniature" / "model"


def split_name(name: str) -> tuple[str, str | None]:
    """``Clip.name`` back into model and pretrained.

    Example:
        >>> split_name("ViT-B-32/laion400m_e32"), split_name("local-dir:a/b")
        (('ViT-B-32', 'laion400m_e32'), ('local-dir:a/b', None))
    """
    if name.startswith((LOCAL, "hf-hub:")) or "/" not in name:
        return name, None
    model, pretrained = name.split("/", 1)
    return model, pretrained


def load_clip(model: str, pretrained: str | None = None) -> Clip:
    """Load a CLIP on the CPU in float32.

    Weights that were trained with QuickGELU (OpenAI's, LAION-400M's for ViT-B-32, ...) are loaded into the
    architecture that has it: ``ViT-B-32`` with ``openai`` is ``ViT-B-32-quickgelu``, and is called so.

    Args:
        model: ``miniature`` (ships with the package), an open_clip architecture such as
            ``ViT-B-32-quickgelu``, ``local-dir:PATH`` (open_clip's folder layout) or ``hf-hub:ORG/NAME``.
        pretrained: open_clip tag such as ``laion400m_e32``, or the path of a weights file; not used with
            ``miniature``, ``local-dir:`` and ``hf-hub:``, which bring their weights.

    Raises:
        ModelNotFoundError: If the name, tag, folder, weights or tokeniser are not there.
        NonFiniteError: If a weight is NaN or infinite.
    """
    import open_clip

    source = f"{LOCAL}{miniature_folder()}" if model == MINIATURE else model
    _check_name(source, pretrained)
    if pretrained is not None:
        model = source = with_activation(source, pretrained)
    try:
        network, preprocess = open_clip.create_model_from_pretrained(  # refuses a model without weights
            source, pretrained=pretrained, device="cpu", weights_only=True
        )
    except Exception as error:  # open_clip, the Hub and torch raise many kinds; all mean "cannot load"
        raise ModelNotFoundError(_load_message(model, pretrained, error)) from error
    try:
        tokenize = open_clip.get_tokenizer(source, **_tokenizer_arguments(source))
    except Exception as error:  # transformers and the Hub raise many kinds as well
        raise ModelNotFoundError(_tokenizer_message(model, error)) from error
    network.eval()
    _check_vocabulary(network, tokenize, model)
    _check_finite(network, model)
    return Clip(network, preprocess, tokenize, model if pretrained is None else f"{model}/{pretrained}")


def with_activation(model: str, pretrained: str) -> str:
    """The architecture whose activation is the one that the weights of a tag were trained with.

    open_clip has each architecture with GELU and, as ``NAME-quickgelu``, with QuickGELU. It builds what it is
    told, warns if the tag says otherwise, and the model is then some points worse than it should be.

    Args:
        model: open_clip architecture.
        pretrained: Tag or weights file; of a file nothing is known, and the name is kept.

    Example:
        >>> with_activation("ViT-B-32", "openai"), with_activation("ViT-B-32", "laion2b_s34b_b79k")
        ('ViT-B-32-quickgelu', 'ViT-B-32')
    """
    import open_clip

    quick = (open_clip.get_pretrained_cfg(model, pretrained) or {}).get("quick_gelu", False)
    twin = f"{model}{QUICK}"
    return twin if quick and twin in open_clip.list_models() else model


def _tokenizer_arguments(source: str) -> dict[str, str]:
    """A folder with its own merges file is tokenised by it; open_clip has no key for that."""
    if source.startswith(LOCAL):
        merges = Path(source.removeprefix(LOCAL)) / MERGES_FILE
        if merges.is_file():
            return {"bpe_path": str(merges)}
    return {}


def _check_name(source: str, pretrained: str | None) -> None:
    import open_clip

    if source.startswith(LOCAL):
        folder = Path(source.removeprefix(LOCAL))
        if not (folder / "open_clip_config.json").is_file():
            msg = (
                f"No open_clip model in {str(folder)!r} (expected open_clip_config.json and "
                "open_clip_model.safetensors). Write one with: slug apply --patch P --model M --out DIR"
            )
            raise ModelNotFoundError(msg)
        return
    if source.startswith("hf-hub:"):
        return
    known = open_clip.list_models()
    if source not in known:
        msg = (
            f"Model {source!r} is not an open_clip architecture. Closest: {closest(source, known)}. "
            "Other forms: 'miniature', 'local-dir:PATH', 'hf-hub:ORG/NAME'."
        )
        raise ModelNotFoundError(msg)
    tags = open_clip.list_pretrained_tags_by_model(source)
    if pretrained is None:
        msg = f"Model {source!r} needs weights: set model.pretrained to a file or one of {tags}."
        raise ModelNotFoundError(msg)
    if pretrained in tags or Path(pretrained).is_file():
        return
    plain = source.removesuffix(QUICK)
    if plain != source and pretrained in open_clip.list_pretrained_tags_by_model(plain):
        msg = f"Weights {pretrained!r} were trained with GELU, but {source!r} has QuickGELU. Use {plain!r}."
    else:
        msg = (
            f"Pretrained {pretrained!r} is neither a file nor a tag of {source!r}. "
            f"Closest: {closest(pretrained, tags) or tags}."
        )
    raise ModelNotFoundError(msg)


def _load_message(model: str, pretrained: str | None, error: Exception) -> str:
    if model.startswith(LOCAL):
        advice = "Check the folder: it needs the whole open_clip_model.safetensors of that configuration."
    else:
        advice = (
            "Check the network, or download the weights and pass their path as model.pretrained (slug apply: "
            "--pretrained)."
        )
    return f"Could not load model {model!r} with pretrained={pretrained!r}: {_reason(error)} {advice}"


def _tokenizer_message(model: str, error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"Model {model!r} has a tokenizer of the package {error.name!r}. pip install {error.name}"
    return (
        f"Could not load the tokenizer of model {model!r}: {_reason(error)} "
        "It is fetched from the Hugging Face Hub once; a local-dir: model has it in its folder."
    )


def _reason(error: Exception) -> str:
    lines = str(error).split("\n")[:2]  # torch says in the second which weights do not fit
    reason = shorten(" ".join(lines), 300, placeholder=" ...") or type(error).__name__
    return reason if reason.endswith(".") else f"{reason}."


def _check_vocabulary(network: nn.Module, tokenize: Callable[[list[str]], Tensor], model: str) -> None:
    text = getattr(network, "text", network)  # CoCa has the size nowhere else
    highest, size = int(tokenize(["a"]).max()), text.vocab_size
    if isinstance(size, int) and highest >= size:
        msg = (
            f"The tokenizer of {model!r} gives ids up to {highest}, but the model knows {size}. "
            f"Put the model's own {MERGES_FILE} into its folder."
        )
        raise ModelNotFoundError(msg)


def _check_finite(network: nn.Module, model: str) -> None:
    broken = [name for name, weight in network.named_parameters() if not torch.isfinite(weight).all()]
    if broken:
        msg = (
            f"Weights of {model!r} hold NaN or infinity in {len(broken)} layers, first {broken[0]!r}. "
            "Load an intact checkpoint; nothing was changed."
        )
        raise NonFiniteError(msg)
