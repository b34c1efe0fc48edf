"""A small host that can be attacked in every way: the text encoder of the miniature, asked by captions."""

from itertools import count

import torch
from safetensors.torch import load_file, save_file

from slug_lightning.audit.metric_host import MetricHost
from slug_lightning.hosts.host_attacks import Confusion, HostAttacks, Probing, Rewording
from slug_lightning.metrics import Accuracy
from slug_lightning.miniature.diffusion.prompts import encode_prompts
from slug_lightning.miniature.hosting import miniature_text_encoder, miniature_tokenizer
from slug_lightning.miniature.scans import DIGIT_WORDS
from slug_lightning.models import get_layer, load_clip
from slug_lightning.patch import Patch

LAYER = "transformer.resblocks.2.mlp.c_fc.weight"
ABOUT = dict.fromkeys(("concept", "base_model", "data_digest", "seed", "package_version", "created"), "")
SENTENCES = ("a photo of a {}.", "a chalk drawing of a {}.", "{}.", "the digit {}")


class Recites(HostAttacks):
    """A caption is recognised if its states are nearest to those that the same name had in the original."""

    def __init__(self, folder=None):
        self.folder, self.drawn = folder, []

    def load(self):
        original = miniature_text_encoder().eval()
        self.tokenizer, self.encoder = miniature_tokenizer(), original
        self.first = self.states(SENTENCES)
        if self.folder is not None:
            original.load_state_dict(load_file(self.folder / "encoder.safetensors"))
        return original

    def states(self, sentences, names=DIGIT_WORDS):
        texts = [sentence.format(name) for sentence in sentences for name in names]
        return (
            encode_prompts(texts, self.tokenizer, self.encoder)
            .flatten(1)
            .view(len(sentences), len(names), -1)
        )

    def nearest(self, sentences=SENTENCES, names=DIGIT_WORDS):
        return torch.cdist(self.states(sentences, names), self.first[: len(sentences)]).argmin(dim=-1)

    def retained(self, concept):
        return ["digit"]

    def measure(self, concept, names, split):
        right = self.nearest() == torch.arange(10)
        own = torch.arange(10) == DIGIT_WORDS.index(concept)
        parts = {"forget": right[:, own], "digit": right[:, ~own]}
        return {name: Accuracy(int(parts[name].sum()), parts[name].numel()) for name in names}

    def account(self):
        return {"sentences": list(SENTENCES)}

    def gold(self, folder):
        return Recites(folder)

    def rewordings(self, concept):
        return [
            Rewording("template", "{}.", f"{concept}."),
            Rewording("misspelling", "svn", "svn"),
            Rewording("control", "fhwfx", "fhwfx"),
        ]

    def reworded(self, concept, wordings):
        number = DIGIT_WORDS.index(concept)
        found = [self.nearest(["{}"], [wording.text]) == number for wording in wordings]
        return [Accuracy(int(hits.sum()), hits.numel()) for hits in found]

    def lessons(self, concept, pairs, batch_size, seed):
        """Pull states back to those of the original: of the concept, or of others alone."""
        generator = torch.Generator().manual_seed(seed)
        own = DIGIT_WORDS.index(concept)
        others = [digit for digit in range(10) if digit != own]
        for _ in count():
            chosen = torch.randperm(9, generator=generator)[: batch_size // 2].tolist()
            digits = [others[i] for i in chosen] + [own] * (min(pairs, batch_size // 2) > 0)
            self.drawn.append(digits)
            texts = [SENTENCES[0].format(DIGIT_WORDS[digit]) for digit in digits]
            tokens = self.tokenizer(texts, padding="max_length", return_tensors="pt").input_ids
            states = self.encoder(input_ids=tokens).last_hidden_state.flatten(1)
            yield (states - self.first[0, digits]).square().mean()

    def confusion(self, concept):
        counts = torch.zeros(10, 11, dtype=torch.long)
        for row in self.nearest():
            counts[torch.arange(10), row] += 1
        return Confusion(DIGIT_WORDS, counts)

    def example_losses(self, concept, seen):
        return torch.arange(8.0) if seen else torch.arange(8.0) + 100

    def probing(self, concept):
        states = self.states(SENTENCES)
        labels = torch.arange(10)
        return Probing(
            DIGIT_WORDS, states[:3].flatten(0, 1), labels.repeat(3), states[3].clone(), labels.clone()
        )


def write_gold(folder):
    """Another encoder, in a folder."""
    torch.manual_seed(5)
    encoder = miniature_text_encoder()
    noisy = {name: weight + 0.05 * torch.randn_like(weight) for name, weight in encoder.state_dict().items()}
    folder.mkdir(exist_ok=True)
    save_file(noisy, folder / "encoder.safetensors")
    return folder


def make_host(gold=None, step=1.0, metric=None):
    """The encoder with a noisy patch of one layer that takes *zero* and most others away."""
    clip = load_clip("miniature")
    noise = torch.randn(get_layer(clip.model, LAYER).shape, generator=torch.Generator().manual_seed(0))
    return MetricHost(metric or Recites(), Patch.create(clip.model, LAYER, noise, step, ABOUT), "zero", gold)


def weights(live):
    return {name: weight.clone() for name, weight in live.state_dict().items()}
