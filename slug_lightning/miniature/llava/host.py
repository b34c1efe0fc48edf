"""The miniature LLaVA: the miniature CLIP's vision tower, a projector and a small Llama."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from slug_lightning.atomic import atomic_path
from slug_lightning.errors import DataNotFoundError
from slug_lightning.hosts.conversion import fill_, vision_settings
from slug_lightning.hosts.live import live_sites
from slug_lightning.miniature.llava.chat import END, IMAGE, PADDING, START, new_tokenizer
from slug_lightning.models import load_clip
from slug_lightning.models.loading import MINIATURE

WEIGHTS = Path(__file__).parent / "weights"
LANGUAGE_FILE = "language.safetensors"
TOWER_FILE = "tower.safetensors"  # only where the tower is not the shipped CLIP's
TOWER = "model.vision_tower."


def miniature_llava(folder: Path | str = WEIGHTS) -> Any:
    """A ``LlavaForConditionalGeneration`` that answers questions about pictures of the miniature world.

    Its vision tower is the miniature CLIP's, so that patches of that CLIP apply, unless the folder brings
    another. ``save_pretrained`` writes it, whole, for ``slug apply --host llava --model``.

    Args:
        folder: Folder with the weights of projector and language model, and maybe of a tower; by default the
            ones that ship.

    Raises:
        DataNotFoundError: If they are not there.
    """
    path = Path(folder) / LANGUAGE_FILE
    if not path.is_file():
        raise DataNotFoundError(
            f"Expected projector and language model in '{path}' but it is not there; train them with "
            "`python -m slug_lightning.miniature.llava.train --out DIR`."
        )
    host = new_host()
    # The file is in half precision, the weights in memory are not.
    own = {name: weight.float() for name, weight in load_file(path).items()}
    tower = path.with_name(TOWER_FILE)
    host.load_state_dict({**(load_file(tower) if tower.is_file() else tower_state(host)), **own})
    return host


def new_host(clip: nn.Module | None = None) -> Any:
    """The same with an untrained projector and language model: 0.2 M weights beside the tower's 0.6 M.

    As in LLaVA-1.5, the projector takes what the second-last vision block gives, without the class token.

    Args:
        clip: open_clip model that gives the vision tower; by default the miniature CLIP.
    """
    import transformers

    clip = load_clip(MINIATURE).model if clip is None else clip
    vision: Any = transformers.CLIPVisionConfig(**vision_settings(clip))
    kind: Any = transformers.LlavaConfig
    config = kind(
        vision_config=vision,
        text_config=_language_config(),
        image_token_id=_ids()[IMAGE],
        image_seq_length=(vision.image_size // vision.patch_size) ** 2,
        vision_feature_layer=-2,
        vision_feature_select_strategy="default",
        projector_hidden_act="gelu",
        tie_word_embeddings=False,
    )
    host: Any = transformers.LlavaForConditionalGeneration(config)
    fill_(live_sites(host)[0], clip)
    host.model.vision_tower.requires_grad_(False)
    return host.eval()


def tower_state(host: Any) -> dict[str, Tensor]:
    """The part of a host's weights that is the CLIP's."""
    return {name: weight for name, weight in host.state_dict().items() if name.startswith(TOWER)}


def save_language(host: Any, folder: Path) -> None:
    """Write projector and language model in half precision; the tower is the shipped CLIP's already."""
    state: Mapping[str, Tensor] = host.state_dict()
    own = {n: w.to(torch.float16).contiguous() for n, w in state.items() if not n.startswith(TOWER)}
    _write(own, folder / LANGUAGE_FILE)


def save_tower(host: Any, folder: Path) -> None:
    """Write the vision tower beside them, for a host whose tower is not the shipped CLIP's."""
    _write({name: weight.contiguous() for name, weight in tower_state(host).items()}, folder / TOWER_FILE)


def _write(weights: dict[str, Tensor], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as draft:
        draft.write_bytes(save(weights, metadata={"format": "pt"}))


def _language_config() -> Any:
    import transformers

    ids, kind = _ids(), transformers.LlamaConfig
    return kind(
        vocab_size=len(ids),
        hidden_size=96,
        intermediate_size=192,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=128,
        bos_token_id=ids[START],
        eos_token_id=ids[END],
        pad_token_id=ids[PADDING],
        tie_word_embeddings=False,
    )


def _ids() -> dict[str, int]:
    vocabulary: dict[str, int] = new_tokenizer().get_vocab()
    return vocabulary
