import numpy as np
import torch
from PIL import Image

from slug_lightning.hosts import live_sites
from slug_lightning.miniature.hosting import (
    miniature_image_processor,
    miniature_text_encoder,
    miniature_tokenizer,
    miniature_vision_tower,
)
from slug_lightning.models import load_clip

CAPTIONS = ["a chalk drawing of the digit seven", "three, in neon"]


@torch.no_grad()
def test_tokenizer_and_text_encoder_give_the_miniatures_embeddings():
    model = load_clip("miniature").model
    inputs = miniature_tokenizer()(CAPTIONS, padding="max_length", truncation=True, return_tensors="pt")
    pooled = miniature_text_encoder()(input_ids=inputs.input_ids).pooler_output
    expected = model.encode_text(load_clip("miniature").tokenize(CAPTIONS))
    torch.testing.assert_close(pooled @ model.text_projection, expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_image_processor_and_vision_tower_give_the_miniatures_embeddings():
    clip = load_clip("miniature")
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    inputs = miniature_image_processor()(images=picture, return_tensors="pt")
    torch.testing.assert_close(inputs.pixel_values[0], clip.preprocess(picture), atol=1e-6, rtol=1e-5)
    pooled = miniature_vision_tower()(**inputs).pooler_output
    expected = clip.model.encode_image(clip.preprocess(picture)[None])
    torch.testing.assert_close(pooled @ clip.model.visual.proj, expected, atol=1e-5, rtol=1e-5)


def test_towers_are_hosts():
    assert [live_sites(make())[0].tower for make in (miniature_text_encoder, miniature_vision_tower)] == [
        "text",
        "vision",
    ]
