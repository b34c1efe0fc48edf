"""Published configurations of the hosts, as data: true class names, layer counts and settings, narrow.

Each entry holds the values of the ``config.json`` on the Hub that decide about structure and function.
``shrink`` replaces widths, vocabulary (by the miniature's) and picture size by small ones and keeps
everything else: number of blocks, activation, end-of-text id (2 in the older files), projections.
"""

from typing import Any

# stable-diffusion-v1-5/stable-diffusion-v1-5, text_encoder/config.json (openai/clip-vit-large-patch14)
CLIP_L_TEXT = {
    "architectures": ["CLIPTextModel"],
    "model_type": "clip_text_model",
    "hidden_act": "quick_gelu",
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
    "layer_norm_eps": 1e-05,
    "max_position_embeddings": 77,
    "vocab_size": 49408,
    "projection_dim": 768,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "pad_token_id": 1,
}
# stabilityai/stable-diffusion-2-1, text_encoder/config.json
# (laion/CLIP-ViT-H-14-laion2B-s32B-b79K, 23 of 24 blocks)
CLIP_H_TEXT = CLIP_L_TEXT | {
    "hidden_act": "gelu",
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_attention_heads": 16,
    "num_hidden_layers": 23,
    "projection_dim": 512,
}
# stabilityai/stable-diffusion-xl-base-1.0, text_encoder_2/config.json
# (laion/CLIP-ViT-bigG-14-laion2B-39B-b160k)
CLIP_G_TEXT = CLIP_L_TEXT | {
    "architectures": ["CLIPTextModelWithProjection"],
    "hidden_act": "gelu",
    "hidden_size": 1280,
    "intermediate_size": 5120,
    "num_attention_heads": 20,
    "num_hidden_layers": 32,
    "projection_dim": 1280,
}
# stabilityai/stable-diffusion-3-medium-diffusers, text_encoder/config.json
CLIP_L_TEXT_PROJECTED = CLIP_L_TEXT | {"architectures": ["CLIPTextModelWithProjection"]}
# llava-hf/llava-1.5-7b-hf, config.json (openai/clip-vit-large-patch14-336); without hidden_act: quick_gelu
LLAVA_1_5 = {
    "architectures": ["LlavaForConditionalGeneration"],
    "model_type": "llava",
    "image_token_index": 32000,
    "projector_hidden_act": "gelu",
    "vision_feature_layer": -2,
    "vision_feature_select_strategy": "default",
    "text_config": {
        "model_type": "llama",
        "max_position_embeddings": 4096,
        "rms_norm_eps": 1e-05,
        "vocab_size": 32064,
    },
    "vision_config": {
        "model_type": "clip_vision_model",
        "hidden_size": 1024,
        "image_size": 336,
        "intermediate_size": 4096,
        "num_attention_heads": 16,
        "num_hidden_layers": 24,
        "patch_size": 14,
        "projection_dim": 768,
        "vocab_size": 32000,
    },
}

PIPELINES: dict[str, dict[str, dict[str, Any]]] = {
    "StableDiffusionPipeline": {"text_encoder": CLIP_L_TEXT},
    "StableDiffusionPipeline 2": {"text_encoder": CLIP_H_TEXT},
    "StableDiffusionXLPipeline": {"text_encoder": CLIP_L_TEXT, "text_encoder_2": CLIP_G_TEXT},
    "StableDiffusion3Pipeline": {"text_encoder": CLIP_L_TEXT_PROJECTED, "text_encoder_2": CLIP_G_TEXT},
}


def shrink(config: dict[str, Any]) -> dict[str, Any]:
    """The same structure, narrow: heads of width 2, the miniature's vocabulary, pictures of 3 x 3 patches."""
    width = 2 * config["num_attention_heads"]
    small = {"hidden_size": width, "intermediate_size": 2 * width}
    if "max_position_embeddings" in config:
        # the projection of SD 2.1's text encoder is in its settings but not in its weights
        small |= {"vocab_size": 728, "max_position_embeddings": 24, "projection_dim": width}
    else:
        small |= {"image_size": 3 * config["patch_size"], "projection_dim": config["num_attention_heads"]}
    return config | small


def open_clip_settings(
    text: dict[str, Any] | None = None, vision: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """Arguments of ``open_clip.CLIP`` for the CLIP that shrunk towers come from; the other tower is tiny."""
    text_cfg: dict[str, Any] = {"context_length": 24, "vocab_size": 728, "width": 16, "heads": 2, "layers": 1}
    vision_cfg: dict[str, Any] = {
        "image_size": 16,
        "patch_size": 8,
        "width": 16,
        "head_width": 8,
        "layers": 1,
    }
    embed, activation = 16, "gelu"
    if text:
        text_cfg |= {"width": text["hidden_size"], "heads": text["num_attention_heads"]}
        text_cfg |= {"layers": text["num_hidden_layers"], "mlp_ratio": 2.0}
        embed, activation = text["projection_dim"], text["hidden_act"]
    if vision:
        vision_cfg |= {
            "width": vision["hidden_size"],
            "layers": vision["num_hidden_layers"],
            "mlp_ratio": 2.0,
        }
        vision_cfg |= {"head_width": vision["hidden_size"] // vision["num_attention_heads"]}
        vision_cfg |= {"image_size": vision["image_size"], "patch_size": vision["patch_size"]}
        embed, activation = vision["projection_dim"], vision.get("hidden_act", "quick_gelu")
    text_cfg |= more
    return {
        "embed_dim": embed,
        "vision_cfg": vision_cfg,
        "text_cfg": text_cfg,
        "quick_gelu": activation == "quick_gelu",
    }
