"""Train the miniature CLIP on the training shards of the miniature world."""

import math
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from open_clip.transformer import PatchDropout
from torch import Tensor, nn

from slug_lightning.functional import clip_loss
from slug_lightning.miniature.augmentation import augment


@dataclass(frozen=True)
class TrainingRecipe:
    """Settings of the training.

    Attributes:
        seed: Seed of weights, order and augmentation.
        steps: Number of updates.
        warmup: Updates over which the learning rate rises, at most a quarter of all; it then falls along a
            cosine to 0.
        batch_size: Pairs per update.
        learning_rate: Highest learning rate.
        gentle: Strength of the augmentation at first; strong changes from the start hide the shapes.
        full_after: Share of the updates after which the augmentation is at full strength.
        patch_dropout: Share of an image's patches that the vision tower does not see in training.
        weight_decay: AdamW's, on matrices only.
        max_logit_scale: Upper bound of the inverse temperature.
        threads: CPU threads; sums depend on it, so it belongs to the recipe.
    """

    seed: int = 1
    steps: int = 6000
    warmup: int = 1500
    batch_size: int = 128
    learning_rate: float = 2e-3
    gentle: float = 0.3
    full_after: float = 0.4
    patch_dropout: float = 0.2
    weight_decay: float = 0.3
    max_logit_scale: float = 16.0
    threads: int = 1


@dataclass(frozen=True)
class PairTensors:
    """All training pairs in memory, dealt in random batches.

    Attributes:
        images: Pixels ``0..255``, shape ``(N, 3, 32, 32)``, uint8.
        texts: Token ids ``(N, T)``, int64, as long as the longest caption: what follows is padding,
            which a causal text tower does not see.
        batch_size: Pairs per batch; a smaller rest is left out of that epoch.
        generator: Source of the order.
    """

    images: Tensor
    texts: Tensor
    batch_size: int
    generator: torch.Generator

    def __len__(self) -> int:
        return len(self.images) // self.batch_size

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        order = torch.randperm(len(self.images), generator=self.generator)
        for batch in range(len(self)):
            rows = order[batch * self.batch_size : (batch + 1) * self.batch_size]
            yield {"image": self.images[rows].float() / 255, "text": self.texts[rows]}


def read_pairs(
    shards: str, tokenize: Callable[[list[str]], Tensor], batch_size: int, seed: int
) -> PairTensors:
    """Read every pair of the shards into memory."""
    from slug_lightning.data.shards import iter_pairs

    images, captions = [], []
    for pair in iter_pairs(shards):
        images.append(np.asarray(pair.image))
        captions.append(pair.caption)
    pixels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()
    texts = tokenize(captions)
    texts = texts[:, : int((texts > 0).sum(dim=1).max())]
    return PairTensors(pixels, texts, batch_size, torch.Generator().manual_seed(seed))


class Pretraining(LightningModule):
    """CLIP training: symmetric InfoNCE over each batch, AdamW, warm-up and cosine.

    Args:
        model: Untrained open_clip CLIP.
        mean: Channel means of its preprocessing.
        std: Channel deviations of its preprocessing.
        recipe: Settings.
    """

    def __init__(
        self, model: nn.Module, mean: Iterable[float], std: Iterable[float], recipe: TrainingRecipe
    ) -> None:
        super().__init__()
        self.model = model
        self.recipe = recipe
        self.mean = torch.tensor(list(mean)).view(1, 3, 1, 1)
        self.std = torch.tensor(list(std)).view(1, 3, 1, 1)
        self.generator = torch.Generator().manual_seed(recipe.seed)

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """Loss of one augmented batch."""
        image = augment(batch["image"], self.generator, self._strength(self.global_step))
        image = (image - self.mean) / self.std
        model: Any = self.model
        with torch.no_grad():
            model.logit_scale.clamp_(max=math.log(self.recipe.max_logit_scale))
        length = batch["text"].shape[1]
        shorter = {
            "positional_embedding": model.positional_embedding[:length],
            "attn_mask": model.attn_mask[:length, :length],
        }
        loss = clip_loss(*torch.func.functional_call(model, shorter, (image, batch["text"])))
        self.log("loss", loss, prog_bar=True)
        return loss

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """AdamW with decay on matrices only, and the schedule per step."""
        weights = list(self.model.parameters())
        groups = [
            {"params": [w for w in weights if w.ndim >= 2], "weight_decay": self.recipe.weight_decay},
            {"params": [w for w in weights if w.ndim < 2], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=self.recipe.learning_rate, betas=(0.9, 0.98))
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _strength(self, step: int) -> float:
        """Strength of the augmentation at ``step``."""
        gentle, ramp = self.recipe.gentle, self.recipe.full_after * self.recipe.steps
        return min(1.0, gentle + (1 - gentle) * step / ramp)

    def _rate(self, step: int) -> float:
        """Share of the highest learning rate at ``step``."""
        steps = self.recipe.steps
        warmup = min(self.recipe.warmup, steps // 4)
        if step < warmup:
            return (step + 1) / warmup
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / (steps - warmup))))


def pretrain(
    new_model: Callable[[], nn.Module],
    pairs: PairTensors,
    mean: Iterable[float],
    std: Iterable[float],
    recipe: TrainingRecipe,
) -> nn.Module:
    """Train on the CPU: the same weights on every call, and torch's settings left as they were.

    Args:
        new_model: Makes the untrained CLIP, with torch's default generator.
        pairs: What to learn from.
        mean: Channel means of the preprocessing.
        std: Channel deviations of the preprocessing.
        recipe: Settings.

    Returns:
        The trained model in evaluation mode.
    """
    with _reproducible(recipe):
        model = new_model()
        model.visual.patch_dropout = PatchDropout(recipe.patch_dropout)  # type: ignore[union-attr]
        task = Pretraining(model, mean, std, recipe)
        trainer = Trainer(
            accelerator="cpu",
            devices=1,
            max_steps=recipe.steps,
            deterministic=True,
            logger=False,
            enable_checkpointing=False,
            enable_model_summary=False,
            gradient_clip_val=1.0,
        )
        trainer.fit(task, pairs)
    return task.model.eval()


@contextmanager
def _reproducible(recipe: TrainingRecipe) -> Iterator[None]:
    """Fixed seed, threads and deterministic kernels inside the block."""
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        # Lightning 2.6 calls a name that torch 2.9 deprecated: github.com/Lightning-AI/pytorch-lightning
        warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
        torch.manual_seed(recipe.seed)
        torch.set_num_threads(recipe.threads)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(strict)
