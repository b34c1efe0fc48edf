"""A small host of random models and images, for attacks that need no trained CLIP."""

from copy import deepcopy

import torch

from slug_lightning.audit.clip_host import ClipHost
from slug_lightning.audit.material import Material, Pairs, Pictures
from slug_lightning.models import get_layer
from tests.helpers import captions, pictures, tiny_clip

NAMES = ["ada", "ben", "cleo", "dan"]
LAYER = "transformer.resblocks.1.mlp.c_fc.weight"


def tokenize(texts: list[str]) -> torch.Tensor:
    """Token ids ``(N, 12)``: one id for each word, from its letters; start 62, end 63."""
    rows = torch.zeros(len(texts), 12, dtype=torch.long)
    for row, text in zip(rows, texts, strict=True):
        words = [1 + sum(map(ord, word)) % 59 for word in text.lower().replace(".", " ").split()][:10]
        row[0], row[len(words) + 1] = 62, 63
        row[1 : len(words) + 1] = torch.tensor(words, dtype=torch.long)
    return rows


def material(images: int = 6, pairs: int = 12) -> Material:
    """The concept is ``ben`` among four names; two classes must stay besides."""
    others = Pictures(pictures(9, seed=1), torch.tensor([0, 2, 3] * 3))
    own = Pictures(pictures(images, seed=2), torch.full((images,), 1))
    return Material(
        concept="ben",
        label=1,
        source="identities",
        prompts={"identities": [[f"{name}."] for name in NAMES], "imagenet": [["a cat."], ["a dog."]]},
        names={"identities": NAMES, "imagenet": ["cat", "dog"]},
        forget=own,
        retained={"identities": others, "imagenet": Pictures(pictures(4, seed=3), torch.tensor([0, 1] * 2))},
        unseen=Pictures(pictures(12, seed=4), torch.full((12,), 1)),
        probing=Pictures(pictures(16, seed=5), torch.tensor([0, 1, 2, 3] * 4)),
        forget_pairs=Pairs(pictures(pairs, seed=6), captions(pairs, seed=6)),
        retain_pairs=Pairs(pictures(pairs, seed=7), captions(pairs, seed=7)),
        tokenize=tokenize,
    )


def make_host(update: float = 1.0, gold: bool = True) -> ClipHost:
    """Original, patched (one text layer moved by ``update`` times noise) and another random model as gold."""
    before = tiny_clip(seed=0)
    after = deepcopy(before)
    weight = get_layer(after, LAYER)
    noise = torch.randn(weight.shape, generator=torch.Generator().manual_seed(9))
    with torch.no_grad():
        weight.add_(update * weight.std() * noise)
    models = {"before": before, "after": after}
    if gold:
        models["gold"] = tiny_clip(seed=1)
    return ClipHost(models, LAYER, material())
