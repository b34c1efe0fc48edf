"""The name that a CLIP gives to each picture."""

from collections.abc import Sequence

import torch
from torch import Tensor

from slug_lightning.data.prompts import fill, templates
from slug_lightning.functional import class_embeddings
from slug_lightning.models.loading import Clip


@torch.inference_mode()
def name_pictures(clip: Clip, images: Tensor, names: Sequence[str], template: str = "identity") -> list[str]:
    """Zero-shot classification, one picture after the other.

    Args:
        clip: The model.
        images: N pictures, pixels 0 to 255, ``(N, 3, H, W)``, uint8.
        names: What a picture may show.
        template: ``identity`` or ``photo``, or a sentence with ``{}`` in it.

    Returns:
        The closest of the names for each picture.
    """
    from torchvision.transforms.functional import to_pil_image

    heads = []
    for name in names:
        prompts = clip.model.encode_text(clip.tokenize(fill(templates(template), name)), normalize=True)  # type: ignore[operator]
        heads.append(class_embeddings(prompts[None]))
    pixels = torch.stack([clip.preprocess(to_pil_image(image)) for image in images])
    seen = clip.model.encode_image(pixels, normalize=True)  # type: ignore[operator]
    return [names[number] for number in (seen @ torch.cat(heads).T).argmax(dim=1).tolist()]
