"""Hosts of the published structures at reduced width, filled with weights of the CLIPs they come from."""

import copy
import functools

import open_clip
import torch

from slug_lightning.hosts import live_sites
from slug_lightning.hosts.conversion import fill_
from slug_lightning.hosts.tokenizer import clip_tokenizer
from slug_lightning.models.loading import MERGES_FILE, miniature_folder
from tests.hosts.published import LLAVA_1_5, PIPELINES, open_clip_settings, shrink

PROMPTS = ["a chalk drawing of the digit seven", "three in neon"]


def noisy(model, seed=0):
    """Move every weight off its initial value: equal biases would hide a swapped name."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.02 * torch.randn(weight.shape, generator=generator))
    return model.eval()


@functools.cache
def tokenizer():
    return clip_tokenizer(miniature_folder() / MERGES_FILE, 24)


def base_clip(text=None, vision=None, seed=0, **changes):
    """The open_clip model that shrunk towers come from."""
    torch.manual_seed(seed)
    return noisy(open_clip.CLIP(**open_clip_settings(text, vision, **changes)), seed)


def text_encoder(config):
    import transformers

    kind = getattr(transformers, config["architectures"][0])
    torch.manual_seed(9)
    return kind(transformers.CLIPTextConfig(**shrink(config))).eval()


@functools.cache
def _pipeline(name):
    import diffusers

    encoders = {key: text_encoder(config) for key, config in PIPELINES[name].items()}
    tokenizers = {key.replace("text_encoder", "tokenizer"): tokenizer() for key in encoders}
    parts = {"vae": None, "scheduler": None, **encoders, **tokenizers}
    kind = getattr(diffusers, name.split()[0])
    if name.startswith("StableDiffusion3"):
        core = diffusers.SD3Transformer2DModel(
            num_layers=1,
            attention_head_dim=4,
            num_attention_heads=2,
            joint_attention_dim=128,
            caption_projection_dim=8,
            pooled_projection_dim=64,
            sample_size=8,
        )
        return kind(transformer=core, text_encoder_3=None, tokenizer_3=None, **parts)
    if not name.startswith("StableDiffusionXL"):
        parts |= {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    return kind(unet=None, **parts)


def pipeline(name):
    """A pipeline of its own: ``StableDiffusionPipeline``, ``StableDiffusionPipeline 2``, ..."""
    return copy.deepcopy(_pipeline(name))


def complete_pipeline(encoder=None, words=None):
    """Stable Diffusion 1.5 with a denoiser and a decoder of a few thousand weights; 16 x 16 pixels."""
    import diffusers

    encoder = encoder or pipeline("StableDiffusionPipeline").text_encoder
    torch.manual_seed(9)
    parts = {
        "unet": diffusers.UNet2DConditionModel(
            sample_size=8, in_channels=4, out_channels=4, layers_per_block=1, block_out_channels=(8, 16),
            norm_num_groups=4, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), attention_head_dim=4,
            cross_attention_dim=encoder.config.hidden_size,
        ),
        "vae": diffusers.AutoencoderKL(block_out_channels=(4, 8), norm_num_groups=2, latent_channels=4,
                                       down_block_types=("DownEncoderBlock2D",) * 2,
                                       up_block_types=("UpDecoderBlock2D",) * 2),
        "scheduler": diffusers.DDIMScheduler(clip_sample=False, set_alpha_to_one=False, steps_offset=1),
        "text_encoder": encoder,
        "tokenizer": words or tokenizer(),
    }  # fmt: skip
    nothing = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    pipe = diffusers.StableDiffusionPipeline(**parts, **nothing)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def source_clip(name, component, seed=0):
    """The open_clip model that a component's encoder was taken from; SD 2.x leaves its last block away."""
    config = shrink(PIPELINES[name][component])
    more = {"layers": 24} if name.endswith(" 2") else {}
    return base_clip(config, seed=seed, **more)


def filled_pipeline(name):
    """Pipeline and the open_clip models that its encoders hold, by component."""
    pipe, bases = pipeline(name), {}
    for number, site in enumerate(live_sites(pipe)):
        bases[site.place.component] = source_clip(name, site.place.component, number)
        fill_(site, bases[site.place.component])
    return pipe, bases


@torch.no_grad()
def conditioning(pipe, prompts=PROMPTS):
    """All that a pipeline's own code makes of prompts for its denoiser, as one vector."""
    arguments = {"device": "cpu", "num_images_per_prompt": 1, "do_classifier_free_guidance": False}
    name = type(pipe).__name__
    if name.startswith("StableDiffusion3"):
        made = pipe.encode_prompt(prompts, None, None, **arguments)
    else:
        made = pipe.encode_prompt(prompts, **arguments)
    return torch.cat([t.float().flatten() for t in made if t is not None])


def llava(kind="LlavaForConditionalGeneration", **changes):
    """LLaVA-1.5's structure, or LLaVA-NeXT's, with a language model of one block."""
    import transformers

    vision = transformers.CLIPVisionConfig(**shrink(LLAVA_1_5["vision_config"]))
    language = LLAVA_1_5["text_config"] | {
        "vocab_size": 100,
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    settings = {k: v for k, v in LLAVA_1_5.items() if not k.endswith("_config") and k not in ("model_type",)}
    settings |= {"image_token_index": 99, **changes}
    torch.manual_seed(9)
    config = getattr(transformers, kind.replace("ForConditionalGeneration", "Config"))
    language.pop("model_type")
    return getattr(transformers, kind)(
        config(vision_config=vision, text_config=transformers.LlamaConfig(**language), **settings)
    ).eval()


def llava_base(seed=0):
    """The open_clip model whose vision tower LLaVA-1.5 holds."""
    return base_clip(vision=shrink(LLAVA_1_5["vision_config"]), seed=seed)


def filled_llava(**changes):
    """LLaVA and the open_clip model whose vision tower it holds."""
    model, base = llava(**changes), llava_base()
    fill_(live_sites(model)[0], base)
    return model, base


@torch.no_grad()
def answer(model):
    """Logits of LLaVA for a picture and a question."""
    pixels = torch.randn(1, 3, 42, 42, generator=torch.Generator().manual_seed(1))
    ids = torch.tensor([[1, *[99] * 9, 5, 6, 7]])
    return model(input_ids=ids, pixel_values=pixels.to(model.dtype)).logits.float()
