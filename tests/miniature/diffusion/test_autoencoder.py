import torch

from slug_lightning.miniature.diffusion.autoencoder import encode_drawings, train_autoencoder
from slug_lightning.miniature.diffusion.drawings import draw_part
from slug_lightning.miniature.diffusion.optimising import Schedule
from slug_lightning.miniature.diffusion.pipeline import miniature_stable_diffusion


def test_training_lowers_the_error():
    drawings = draw_part("train", limit=4)
    images = drawings.pixels(torch.arange(40)) * 2 - 1

    def error(steps):
        model = train_autoencoder(drawings, Schedule(steps, 8, 3e-3, warmup=2, average=0.0))
        with torch.inference_mode():
            return float((model(images).sample - images).square().mean())

    assert error(12) < 0.8 * error(1)


def test_the_shipped_one_keeps_held_out_pictures():
    vae = miniature_stable_diffusion().vae
    drawings = draw_part("final", seed=5, limit=10)
    latents = encode_drawings(vae, drawings, batch_size=30)
    assert latents.shape == (100, 4, 8, 8)
    assert 0.7 < float(latents.std()) < 1.4
    with torch.inference_mode():
        decoded = vae.decode(latents / vae.config.scaling_factor).sample / 2 + 0.5
    images = drawings.pixels(torch.arange(100))
    assert float((decoded - images).square().mean()) < 0.2 * float(images.var(dim=0).mean())
