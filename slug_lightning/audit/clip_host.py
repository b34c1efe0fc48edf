"""The CLIP as a host: zero-shot classification, embeddings, and the loss it was trained with."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from slug_lightning.audit.findings import Figure, Version
from slug_lightning.audit.host import Attack, Wording, unattacked
from slug_lightning.audit.material import Material, Pairs, Pictures
from slug_lightning.data.prompts import fill
from slug_lightning.functional import class_embeddings, clip_loss, sigmoid_loss, true_class_rank
from slug_lightning.hosts.host_attacks import Ability
from slug_lightning.models import candidate_layers, get_layer, text_tower, vision_tower
from slug_lightning.reports.audit_file import CLIP

PLAIN = "no attack"


class ClipHost:
    """Original, patched and gold-standard CLIP, with what they are asked.

    Args:
        models: By version; all of one architecture.
        layer: Canonical name of the edited layer.
        material: Images and pairs.
        device: Where they are compared.
        batch_size: Images or texts at once.
    """

    name = CLIP
    abilities: tuple[Ability, ...] = ()
    account: Mapping[str, Any] = MappingProxyType({})

    def __init__(
        self,
        models: Mapping[Version, nn.Module],
        layer: str,
        material: Material,
        device: str = "cpu",
        batch_size: int = 128,
    ) -> None:
        self._models = {version: model.to(device).eval() for version, model in models.items()}
        self.layer, self.material = layer, material
        self.device, self.batch_size = torch.device(device), batch_size
        self._known: dict[tuple[Version, str], Tensor] = {}

    @property
    def models(self) -> Mapping[Version, nn.Module]:
        """The models by version."""
        return self._models

    @property
    def versions(self) -> tuple[Version, ...]:
        """See ``Host``."""
        return tuple(self._models)

    def matrices(self, version: Version) -> Mapping[str, Tensor]:
        """Weights that attacks are given: all candidate layers of both towers."""
        model = self._models[version]
        return {name: get_layer(model, name) for name in candidate_layers(model)}

    def edit(self) -> tuple[str, Tensor, Tensor]:
        """See ``Host``."""
        before, after = (
            get_layer(model, self.layer).detach() for model in (self._models["before"], self._models["after"])
        )
        return self.layer, before, after

    @torch.no_grad()
    def embed_images(self, model: nn.Module, images: Tensor) -> Tensor:
        """Unit embeddings ``(N, D)`` on the CPU."""
        tower = vision_tower(model)
        parts = torch.split(images, self.batch_size)
        return torch.cat([tower.pooled(part.to(self.device)).cpu() for part in parts])

    @torch.no_grad()
    def embed_texts(self, model: nn.Module, tokens: Tensor) -> Tensor:
        """Unit embeddings ``(N, D)`` on the CPU."""
        tower = text_tower(model)
        parts = torch.split(tokens, self.batch_size)
        return torch.cat([tower.by_length(part.to(self.device)).cpu() for part in parts])

    def head(self, model: nn.Module, prompts: Sequence[Sequence[str]]) -> Tensor:
        """Class embeddings ``(C, D)`` of prompts: one row per class, as many entries in each."""
        tokens = self.material.tokenize([text for row in prompts for text in row])
        flat = self.embed_texts(model, tokens)
        return class_embeddings(flat.reshape(len(prompts), -1, flat.shape[1]))

    def remembered(self, version: Version, what: str, compute: Callable[[nn.Module], Tensor]) -> Tensor:
        """What a version makes of something, computed once; only for weights that no attack has changed."""
        key = version, what
        if key not in self._known:
            self._known[key] = compute(self._models[version])
        return self._known[key]

    def pictures(self, version: Version, what: str, pictures: Pictures) -> Tensor:
        """Image embeddings of a version, remembered under ``what``."""
        return self.remembered(version, what, lambda model: self.embed_images(model, pictures.images))

    def concept_head(self, version: Version) -> Tensor:
        """Class embeddings of the names that the concept is among, with the usual prompts."""
        prompts = self.material.prompts[self.material.source]
        return self.remembered(version, "head", lambda model: self.head(model, prompts))

    def forget_hits(self, embeddings: Tensor, head: Tensor, k: int = 1) -> tuple[int, int]:
        """How many of the concept's images have it among the first ``k`` names, and how many there are."""
        rank = true_class_rank(embeddings @ head.T, self.material.forget.labels)
        return int((rank < k).sum()), len(rank)

    def figures(self, version: Version, condition: str = PLAIN, attack: Attack = unattacked) -> list[Figure]:
        """See ``Host``."""
        with attack(self.matrices(version)):
            return self._measure(version, condition)

    def _measure(self, version: Version, condition: str) -> list[Figure]:
        model, found = self._models[version], self.material
        heads = {name: self.head(model, prompts) for name, prompts in found.prompts.items()}
        images = self.embed_images(model, found.forget.images)
        own = heads[found.source]
        figures = [
            Figure.share(f"forget/top{k}", version, condition, *self.forget_hits(images, own, k))
            for k in (1, 5)
            if k < len(own)
        ]
        for name, pictures in found.retained.items():
            scores = self.embed_images(model, pictures.images) @ heads[name].T
            hits = int((true_class_rank(scores, pictures.labels) == 0).sum())
            figures.append(Figure.share(f"retain/{name}_top1", version, condition, hits, len(pictures)))
        return figures

    def reworded(self, version: Version, wordings: Sequence[Wording]) -> list[Figure]:
        """``forget/top1`` under each wording, in their order."""
        images = self.pictures(version, "forget", self.material.forget)
        found = []
        for wording in wordings:
            hits, n = self.forget_hits(images, self._reworded_head(version, wording))
            found.append(Figure.share("forget/top1", version, f"{wording.kind}: {wording.label}", hits, n))
        return found

    def _reworded_head(self, version: Version, wording: Wording) -> Tensor:
        model, found = self._models[version], self.material
        if wording.templates:
            names = found.names[found.source]
            head = self.head(model, [fill(wording.templates, name) for name in names])
        else:
            head = self.concept_head(version).clone()
        if wording.names:
            usual = found.prompts[found.source][found.label]
            texts = [text.replace(found.concept, name) for name in wording.names for text in usual]
            head[found.label] = self.head(model, [texts])[0]
        return head

    def loss(self, model: nn.Module, pairs: Pairs) -> Tensor:
        """The loss that the model was trained with, of one batch of pairs; with a graph."""
        image = vision_tower(model).pooled(pairs.images.to(self.device))
        text = text_tower(model).by_length(pairs.tokens.to(self.device))
        scale: Any = model.logit_scale
        bias: Any = getattr(model, "logit_bias", None)
        if bias is None:
            return clip_loss(image, text, scale.exp())
        return sigmoid_loss(image, text, scale.exp(), bias)
