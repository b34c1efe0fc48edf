"""open_clip's architectures at random initialisation, small: fewer and narrower blocks, all else as named."""

import json
from pathlib import Path
from unittest.mock import patch

import open_clip
import timm
import torch
from safetensors.torch import save_file

# What makes timm's models small; what else their names stand for (pooling, norms, rotary embeddings) stays.
VIT = {"embed_dim": 32, "depth": 2, "num_heads": 2, "img_size": 32, "patch_size": 8}
SMALL_TIMM = {
    "convnext": {"depths": (1, 1, 2, 1), "dims": (8, 12, 16, 24)},
    "eva": {**VIT, "mlp_ratio": 2},
    "eva02": {**VIT, "ref_feat_shape": (4, 4)},
    "fastvit": {"embed_dims": (16, 16, 32, 32, 32)},
    "swin": {
        "img_size": 64,
        "embed_dim": 8,
        "depths": (1, 1, 2, 1),
        "num_heads": (1, 2, 2, 4),
        "window_size": 4,
    },
    "vit": VIT,
    "vit_pe_core": {**VIT, "ref_feat_shape": (4, 4), "attn_pool_num_heads": 2},
    "vit_base_mci": {"depth": 2, "img_size": 64},  # its convolutions fix the width
    "vit_relpos": {**VIT, "rel_pos_dim": 16},
    "vitamin": {"depth": 2, "img_size": 64},
}
VIEWS = {"convnext": 64, "fastvit": 64, "swin": 64, "vit_base_mci": 64, "vitamin": 64}
TEXT = {"width": 32, "heads": 2, "layers": 3, "vocab_size": 64, "context_length": 12}
LONGEST = 7  # words of a caption


def timm_family(name: str) -> str:
    """Key of ``SMALL_TIMM`` with the longest fitting prefix."""
    return max((family for family in SMALL_TIMM if name.startswith(family)), key=len)


def small_config(name: str) -> dict:
    """A named configuration, made small."""
    config = open_clip.get_model_config(name)
    config["embed_dim"] = 32  # the width: SigLIP has no projection
    vision, text = config["vision_cfg"], config["text_cfg"]
    if "timm_model_name" in vision:
        vision |= {
            "timm_model_pretrained": False,
            "image_size": VIEWS.get(timm_family(vision["timm_model_name"]), 32),
        }
    elif isinstance(vision["layers"], list):
        vision |= {"layers": [1, 2, 1, 1], "width": 8, "head_width": 64, "image_size": 64}
    else:
        vision |= {"layers": 3, "width": 32, "head_width": 16, "patch_size": 8, "image_size": 32}
        vision |= {"attn_pooler_queries": 4, "attn_pooler_heads": 2}
    if "hf_model_name" not in text:
        text |= TEXT
    if "multimodal_cfg" in config:
        config["multimodal_cfg"] |= {**TEXT, "layers": 1, "attn_pooler_heads": 2}
    return config


def small_timm():
    """While this context is open, timm makes its models small."""
    create = timm.create_model

    def create_small(model, **changes):
        family = timm_family(model)
        changes |= SMALL_TIMM[family]
        if family == "fastvit":
            stages = 4 if model.endswith(("0", "1", "2")) else 5
            changes |= {"embed_dims": changes["embed_dims"][:stages], "layers": (1,) * stages}
        return create(model, **changes)

    return patch.object(timm, "create_model", create_small)


def small_model(
    name: str, folder: Path | None = None, text: dict | None = None, seed: int = 0
) -> torch.nn.Module:
    """A random model of a named architecture in evaluation mode.

    Args:
        name: open_clip's name.
        folder: Where the configuration of a text tower from ``transformers`` is written.
        text: Changes of the text configuration.
        seed: Of the weights.
    """
    config = small_config(name)
    text = config["text_cfg"] = config["text_cfg"] | (text or {})
    if "hf_model_name" in text:
        text |= {
            "hf_model_name": str(small_text(text["hf_model_name"], folder)),
            "hf_model_pretrained": False,
        }
    custom = config.pop("custom_text", False) or "hf_model_name" in text
    kind = open_clip.CustomTextCLIP if custom else open_clip.CLIP
    torch.manual_seed(seed)
    with small_timm():
        model = (open_clip.CoCa if "multimodal_cfg" in config else kind)(**config)
    return spread(model).eval()


@torch.no_grad()
def spread(model: torch.nn.Module) -> torch.nn.Module:
    """Move off values that hide mistakes: zeros (projections, biases), ones, layer scales of 1e-5."""
    for name, weight in model.named_parameters():
        if name == "text_decoder.text_projection":  # open_clip leaves what is in memory
            torch.nn.init.normal_(weight)
        if weight.ndim and weight.std() < 1e-3:
            weight.add_(0.1 * torch.randn_like(weight))
    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over batches
    if norms:
        model.train().encode_image(torch.randn(16, 3, *view(model)))  # statistics as after training
    return model


def view(model: torch.nn.Module) -> tuple[int, int]:
    """Height and width of the images."""
    size = model.visual.image_size
    return (size, size) if isinstance(size, int) else size


def small_text(name: str, folder: Path | None) -> Path:
    """A folder with a small ``transformers`` configuration of the kind of a named text tower."""
    from transformers import M2M100Config, MT5Config, RobertaConfig, XLMRobertaConfig

    assert folder is not None
    common = {"vocab_size": 64, "pad_token_id": 1, "eos_token_id": 2}
    bert = {
        **common,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    if "nllb" in name:
        config = M2M100Config(
            **common, d_model=32, encoder_layers=2, decoder_layers=1, encoder_attention_heads=2,
            decoder_attention_heads=2, encoder_ffn_dim=64, decoder_ffn_dim=64,
        )  # fmt: skip
    elif "mt5" in name:
        config = MT5Config(vocab_size=64, d_model=32, d_kv=16, d_ff=64, num_layers=2, num_heads=2)
    else:
        config = (XLMRobertaConfig if "xlm" in name else RobertaConfig)(**bert, max_position_embeddings=40)
    config.save_pretrained(folder)
    return folder


def small_batch(model: torch.nn.Module, count: int = 4, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Random images and token ids for a small model: words, the end of text it looks for, padding."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(count, 3, *view(model), generator=generator)
    end, padding = _special_ids(model)
    tokens = torch.full((count, TEXT["context_length"]), padding)
    for row in tokens:
        length = int(torch.randint(1, LONGEST, (1,), generator=generator))
        row[:length] = torch.randint(3, 62, (length,), generator=generator)
        row[length] = end
    return images, tokens


def _special_ids(model: torch.nn.Module) -> tuple[int, int]:
    """Ids of the end of text and of padding."""
    text = getattr(model, "text", None)
    if text is not None and hasattr(text, "config"):
        return text.config.eos_token_id, text.config.pad_token_id
    pool = model.text_pool_type if text is None else text.pool_type
    if pool != "eos":
        return 63, 0  # the highest id
    end = model.text_eos_id if text is None else text.eos_id
    return end, int(end == 2)


def write_folder(folder: Path, name: str, tokenizer: bool = True) -> Path:
    """A small model of a named architecture as a folder, with a tokenizer of transformers if it needs one."""
    config = small_config(name)
    if "hf_tokenizer_name" not in config["text_cfg"]:
        config["text_cfg"]["vocab_size"] = 49408
    elif tokenizer:
        write_tokenizer(folder)
    content = {"model_cfg": config, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3}}
    (folder / "open_clip_config.json").write_text(json.dumps(content))
    text = {"vocab_size": config["text_cfg"]["vocab_size"]}
    save_file(small_model(name, text=text).state_dict(), folder / "open_clip_model.safetensors")
    return folder


def write_tokenizer(folder: Path) -> None:
    """A tokenizer of four words, in the files of transformers."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(WordLevel({"<pad>": 0, "</s>": 1, "[UNK]": 2, "seven": 3}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="</s>", eos_token="</s>", unk_token="[UNK]"
    ).save_pretrained(folder)
