"""Training of projector and language model on features that the frozen vision tower gave once."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from slug_lightning.miniature.augmentation import augment
from slug_lightning.miniature.diffusion.drawings import Drawings, draw_part
from slug_lightning.miniature.diffusion.optimising import Schedule, draw_rows, optimise
from slug_lightning.miniature.llava.chat import LABELS, QUESTIONS, conversation, possible_answers

IGNORED = -100  # what cross_entropy leaves out
AUGMENTATION = 1.0  # strength of the changes to training pictures
MEAN, DEVIATION = 0.5, 0.25  # of pixels, the miniature CLIP's


def draw_training(times: int, limit: int | None = None) -> Drawings:
    """The pictures that are learnt from, before their small random changes.

    Args:
        times: How often each training scan is drawn in each style; with fewer times, the first of them.
        limit: Use only so many scans.
    """
    return draw_part("train", times, seed=1, limit=limit)


def train_language(host: Any, processor: Any, drawings: Drawings, schedule: Schedule) -> Any:
    """Train to continue ``... ASSISTANT:`` with the right answer; the tower stays as it is.

    Every second picture of a batch is asked for its digit, the others for their style.

    Args:
        host: Untrained, as of ``new_host``.
        processor: As of ``new_processor``.
        drawings: Pictures with both labels.
        schedule: Settings.

    Returns:
        The trained host, in evaluation mode.
    """
    features = tower_features(host, drawings, schedule.seed)
    tokens, start = said(processor)
    truth = torch.stack([drawings.digits, drawings.styles])

    def loss(generator: torch.Generator) -> Tensor:
        rows = draw_rows(len(drawings), schedule.batch_size, generator)
        asked = torch.arange(len(rows)) % len(LABELS)
        return answer_loss(host, tokens[asked, truth[asked, rows]], start, features[rows].float())

    return optimise(host, loss, schedule)


def answer_loss(host: Any, tokens: Tensor, start: int, features: Tensor) -> Tensor:
    """Mean cross-entropy of the answers' tokens, the end included.

    Args:
        host: Miniature LLaVA.
        tokens: Conversations ``(B, T)``, padded on the right.
        start: Position of the answers' first token.
        features: What the vision tower gave for the pictures, ``(B, P, D)``.
    """
    predicted, wanted = _predicted(host, tokens, start, features)
    return F.cross_entropy(predicted.flatten(0, 1), wanted.flatten(), ignore_index=IGNORED)


def answer_losses(host: Any, tokens: Tensor, start: int, features: Tensor) -> Tensor:
    """Cross-entropy of each answer, summed over its tokens: ``(B,)``. Arguments as of ``answer_loss``."""
    predicted, wanted = _predicted(host, tokens, start, features)
    losses = F.cross_entropy(predicted.mT, wanted, ignore_index=IGNORED, reduction="none")
    return losses.sum(dim=1)


def _predicted(host: Any, tokens: Tensor, start: int, features: Tensor) -> tuple[Tensor, Tensor]:
    """Logits ``(B, T', V)`` of the answers' tokens and the right ones ``(B, T')``."""
    # The state before a token predicts it.
    predicted = answer_logits(host, tokens, features)[:, start - 1 : -1]
    padding = host.config.text_config.pad_token_id
    return predicted, tokens[:, start:].masked_fill(tokens[:, start:] == padding, IGNORED)


def answer_logits(host: Any, tokens: Tensor, features: Tensor) -> Tensor:
    """Logits ``(B, T, V)`` of conversations ``(B, T)`` about pictures with features ``(B, P, D)``."""
    model = host.model
    words = model.get_input_embeddings()(tokens)
    patches = (tokens == host.config.image_token_id)[..., None]
    inputs = words.masked_scatter(patches, model.multi_modal_projector(features))
    logits: Tensor = host.lm_head(model.language_model(inputs_embeds=inputs).last_hidden_state)
    return logits


@torch.inference_mode()
def tower_features(host: Any, drawings: Drawings, seed: int = 0, batch_size: int = 500) -> Tensor:
    """What the projector will read of each picture, changed a little: ``(N, P, D)``, half precision."""
    generator = torch.Generator().manual_seed(seed)
    features = []
    for rows in torch.split(torch.arange(len(drawings)), batch_size):
        pixels = augment(drawings.pixels(rows), generator, AUGMENTATION)
        features.append(read_features(host, normalised(pixels)).half())
    return torch.cat(features)


def normalised(pixels: Tensor) -> Tensor:
    """Pixels in ``[0, 1]`` as the image processor gives them to the tower."""
    return (pixels - MEAN) / DEVIATION


def read_features(host: Any, pixel_values: Tensor) -> Tensor:
    """The tower's states at ``vision_feature_layer``, without the class token, ``(B, P, D)``."""
    states = host.model.vision_tower(pixel_values, output_hidden_states=True).hidden_states
    kept: Tensor = states[host.config.vision_feature_layer][:, 1:]
    return kept


def said(processor: Any) -> tuple[Tensor, int]:
    """Every question with every right answer, as token ids.

    Args:
        processor: As of ``new_processor``.

    Returns:
        Ids ``(2 questions, 10 answers, T)``, padded on the right, and the position of the first answer token,
        which is the same in all.
    """
    side = processor.image_processor.crop_size["height"] // processor.patch_size
    image, tokenizer = processor.image_token, processor.tokenizer
    texts = [
        processor.apply_chat_template(conversation(QUESTIONS[label], answer)).replace(image, image * side**2)
        for label in LABELS
        for answer in possible_answers(label)
    ]
    starts = {len(tokenizer(text.split("ASSISTANT:")[0] + "ASSISTANT:").input_ids) for text in texts}
    (start,) = starts
    ids = tokenizer(texts, padding=True, padding_side="right", return_tensors="pt").input_ids
    return ids.view(len(LABELS), -1, ids.shape[1]), start
