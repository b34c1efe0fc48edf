"""A host metric as a user might write one: does the text encoder still tell the digits' names apart?"""

import torch

from slug_lightning.errors import ConceptNotFoundError
from slug_lightning.hosts import Example, HostMetric
from slug_lightning.metrics import Accuracy
from slug_lightning.miniature.captions import DIGIT_ONLY
from slug_lightning.miniature.diffusion.prompts import encode_prompts
from slug_lightning.miniature.hosting import miniature_text_encoder, miniature_tokenizer
from slug_lightning.miniature.scans import DIGIT_WORDS


class NearestStates(HostMetric):
    """A caption is recognised if its states are nearest to those that the same name had at first."""

    def __init__(self, wordings: int = 4) -> None:
        self.wordings = {"search": DIGIT_ONLY[:wordings], "final": DIGIT_ONLY[wordings:]}
        self.calls: list[tuple[str, str]] = []

    def load(self):
        self.encoder, self.tokenizer = miniature_text_encoder().eval(), miniature_tokenizer()
        texts = {split: self.texts(split) for split in self.wordings}
        self.first = {split: self.states(texts[split]) for split in texts}
        return self.encoder

    def texts(self, split):
        return [wording.format(digit=digit) for wording in self.wordings[split] for digit in DIGIT_WORDS]

    def states(self, texts):
        states = encode_prompts(texts, self.tokenizer, self.encoder)
        return states.flatten(1).view(-1, len(DIGIT_WORDS), states[0].numel())

    def retained(self, concept):
        if concept not in DIGIT_WORDS:
            raise ConceptNotFoundError(f"Expected a digit, but got {concept!r}.")
        return ["digit"]

    def measure(self, concept, names, split):
        now = self.states(self.texts(split))
        found = torch.cdist(now, self.first[split]).argmin(dim=-1)
        right = found == torch.arange(len(DIGIT_WORDS))
        own = torch.tensor([digit == concept for digit in DIGIT_WORDS])
        parts = {"forget": right[:, own], "digit": right[:, ~own]}
        self.calls.append((split, ",".join(names)))
        self.right = right[0].tolist()
        return {name: Accuracy(int(parts[name].sum()), parts[name].numel()) for name in names}

    def labels(self, concept):
        return {"forget": f"captions of {concept} recognised by the encoder"}

    def account(self):
        return {"wordings": list(self.wordings["search"])}

    def examples(self):
        return [
            Example(d, "x", torch.ones(3, 4, 4), d, r) for d, r in zip(DIGIT_WORDS, self.right, strict=True)
        ]
