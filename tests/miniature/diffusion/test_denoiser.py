import torch

from slug_lightning.miniature.diffusion import denoiser as module
from slug_lightning.miniature.diffusion.denoiser import new_scheduler, new_unet, train_unet
from slug_lightning.miniature.diffusion.drawings import Drawings
from slug_lightning.miniature.diffusion.optimising import Schedule
from slug_lightning.miniature.diffusion.prompts import PROMPT, WORDINGS


def test_it_is_small():
    assert 1e6 < sum(p.numel() for p in new_unet().parameters()) < 2e6


def test_the_last_noise_level_is_nearly_all_noise():
    assert float(new_scheduler().alphas_cumprod[-1]) < 0.01


def test_training_reads_the_states_of_each_pictures_own_prompt(monkeypatch):
    read = []

    class Spy(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def forward(self, sample, times, states):
            read.append((sample, states))
            return type("Out", (), {"sample": sample * self.weight})

    monkeypatch.setattr(module, "new_unet", Spy)
    drawings = Drawings(
        torch.zeros(4, 3, 32, 32), torch.tensor([0, 3, 9, 9]), torch.tensor([5, 0, 2, 9]), torch.arange(4)
    )
    latents = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 4, 8, 8) * 1000
    wordings = torch.arange(len(WORDINGS) + 1).view(-1, 1, 1, 1) * 1000
    states = (wordings + torch.arange(100).view(1, 100, 1, 1)).float()
    train_unet(latents, drawings, states, Schedule(1, 2000, 1e-3))
    (sample, said) = read[0]
    wording, prompt = said.flatten() // 1000, said.flatten() % 1000
    assert set(prompt.tolist()) == {5, 30, 92, 99}
    picture = {5: 0, 30: 1, 92: 2, 99: 3}
    pixel = sample.mean(dim=(1, 2, 3))
    for number, row in picture.items():  # more noise is a smaller mean, whatever the level
        assert (pixel[prompt == number] <= latents[row, 0, 0, 0] + 5).all()
    plain, empty = (float((wording == n).float().mean()) for n in (WORDINGS.index(PROMPT), len(WORDINGS)))
    assert 0.5 < plain < 0.6
    assert 0.08 < empty < 0.12
