"""What one can look at: similarity matrices, and sample images with their predictions before and after."""

import base64
import io
from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from slug_lightning.hosts import Example
from slug_lightning.unlearning import Outcome, Unlearner

NAMES_SHOWN = 12
LARGEST_EXAMPLE = 192  # pixels
PREDICTIONS_SHOWN = 3


def collect_evidence(module: Unlearner, outcome: Outcome) -> dict[str, Any]:
    """The contents of ``evidence.json``; see its schema."""
    return {
        "format_version": 1,
        "similarity": _similarity(module, outcome),
        "samples": _samples(module),
        **_host(module),
    }


def _similarity(module: Unlearner, outcome: Outcome) -> dict[str, Any]:
    """Mean image embeddings against prompts, for the concept and the first other names with images."""
    seen = outcome.mean_images[0].norm(dim=-1) > 0
    concept = module.data.concept_label
    others = [i for i in seen.nonzero().flatten().tolist() if i != concept]
    shown = sorted([concept, *others[: NAMES_SHOWN - 1]])
    before, *after = [
        (images[shown] @ heads[shown].T).tolist()
        for images, heads in zip(outcome.mean_images, outcome.classifiers, strict=True)
    ]
    return {
        "names": [module.data.class_names(module.data.concept_in)[i] for i in shown],
        "before": before,
        "after": after[0] if after else before,
        "rows": "mean image embedding per name",
        "columns": "prompt",
    }


def _samples(module: Unlearner) -> list[dict[str, Any]]:
    entries = []
    for sample in module.data.samples():
        classifier = module.data.classifier_of(sample.dataset)
        names = module.data.class_names(classifier)
        images = sample.image[None].to(module.device)
        with module.forward_context():
            scores = {i: s for i, s, _ in module.evaluator.scores(images, classifier)}
        last = max(scores)
        entries.append(
            {
                "role": "forget" if sample.dataset == "forget" else "retain",
                "dataset": classifier,
                "truth": names[sample.label],
                "image": sample.picture,
                "before": _top(module, scores[0], names),
                "after": _top(module, scores[last], names),
            }
        )
    return entries


def _host(module: Unlearner) -> dict[str, Any]:
    """What the host did before and after, if the search was on a host that shows it."""
    sides = getattr(module, "host_examples", [])
    if len(sides) != 2 or not all(sides):
        return {}
    return {"host": {"before": _cells(sides[0]), "after": _cells(sides[1])}}


def _cells(examples: Sequence[Example]) -> list[dict[str, Any]]:
    return [
        {
            "row": example.row,
            "column": example.column,
            "image": _thumbnail(example.image),
            "said": example.said,
            "right": example.right,
        }
        for example in examples
    ]


def _thumbnail(pixels: Tensor) -> str:
    """A data URI of pixels in ``[0, 1]``, ``(3, H, W)``; large images are made smaller."""
    levels = (pixels.float().clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    image, draft = Image.fromarray(levels), io.BytesIO()
    large = max(image.size) > LARGEST_EXAMPLE
    image.thumbnail((LARGEST_EXAMPLE, LARGEST_EXAMPLE))
    kind = "jpeg" if large else "png"
    image.save(draft, kind)
    return f"data:image/{kind};base64,{base64.b64encode(draft.getvalue()).decode()}"


@torch.no_grad()
def _top(module: Unlearner, scores: Tensor, names: list[str]) -> list[tuple[str, float]]:
    scale = module.network.logit_scale
    assert isinstance(scale, Tensor)
    share, index = (scale.exp() * scores[0]).softmax(dim=0).topk(min(PREDICTIONS_SHOWN, len(names)))
    return [(names[i], float(s)) for i, s in zip(index.tolist(), share.tolist(), strict=True)]
