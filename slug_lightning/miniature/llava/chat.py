"""What the miniature LLaVA is asked and may answer, in LLaVA-1.5's chat form, and its tokenizer."""

import re
from collections.abc import Sequence
from typing import Any, Literal

from slug_lightning.errors import ConceptNotFoundError, closest
from slug_lightning.miniature.hosting import miniature_image_processor
from slug_lightning.miniature.scans import DIGIT_WORDS
from slug_lightning.miniature.styles import STYLES

Label = Literal["digit", "style"]
LABELS: tuple[Label, ...] = ("digit", "style")
QUESTIONS: dict[Label, str] = {"digit": "Which digit is this?", "style": "Which style is this?"}

START, END, PADDING, UNKNOWN, IMAGE = "<s>", "</s>", "<pad>", "<unk>", "<image>"
SPECIAL = (PADDING, START, END, UNKNOWN, IMAGE)

# LLaVA-1.5's: `USER: <image>\nWhich digit is this? ASSISTANT:`, later `USER: ... ASSISTANT: ...</s>`.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ message['role'].upper() + ': ' }}"
    "{% for part in message['content'] if part['type'] == 'image' %}{{ '<image>\n' }}{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }}{% endfor %}"
    "{{ ' ' if message['role'] == 'user' else '</s>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)


def possible_answers(label: Label) -> tuple[str, ...]:
    """The right answers to a question, in the order of the labels.

    Example:
        >>> possible_answers("style")[:2]
        ('ink drawing', 'chalk drawing')
    """
    return DIGIT_WORDS if label == "digit" else tuple(style.name for style in STYLES)


def label_of(concept: str) -> Label:
    """Which question asks for a concept.

    Raises:
        ConceptNotFoundError: If it is neither a digit nor a style.
    """
    for label in LABELS:
        if concept in possible_answers(label):
            return label
    known = [name for label in LABELS for name in possible_answers(label)]
    raise ConceptNotFoundError(
        f"Expected a digit or a style of the miniature world, but got {concept!r}. Closest names: "
        f"{closest(concept, known) or known}."
    )


def new_tokenizer() -> Any:
    """A tokenizer of transformers with a token for each word of questions and answers: 37 ids."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: number for number, word in enumerate((*SPECIAL, *_words()))}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    core.post_processor = processors.TemplateProcessing(
        single=f"{START} $A", special_tokens=[(START, vocabulary[START])]
    )
    kind: Any = PreTrainedTokenizerFast
    return kind(
        tokenizer_object=core,
        bos_token=START,
        eos_token=END,
        pad_token=PADDING,
        unk_token=UNKNOWN,
        extra_special_tokens={"image_token": IMAGE},
        padding_side="left",  # as for any generation in batches
        clean_up_tokenization_spaces=False,
    )


def new_processor() -> Any:
    """A ``LlavaProcessor``: pictures as the miniature CLIP takes them, ``<image>`` as one token per patch."""
    from transformers import LlavaProcessor

    kind: Any = LlavaProcessor
    return kind(
        image_processor=miniature_image_processor(),
        tokenizer=new_tokenizer(),
        patch_size=8,
        vision_feature_select_strategy="default",  # without the class token
        chat_template=CHAT_TEMPLATE,
        image_token=IMAGE,
        num_additional_image_tokens=1,  # the class token
    )


def conversation(question: str, answer: str | None = None) -> list[dict[str, Any]]:
    """A question about a picture, and its answer, as ``apply_chat_template`` takes them."""
    said = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": question}]}]
    if answer is not None:
        said.append({"role": "assistant", "content": [{"type": "text", "text": answer}]})
    return said


def prompt(processor: Any, question: str) -> str:
    """The text that the model continues, up to ``ASSISTANT:``; ``<image>`` stands for the picture."""
    text: str = processor.apply_chat_template(conversation(question), add_generation_prompt=True)
    return text


def _words() -> Sequence[str]:
    """Words and signs of all questions and answers, in a fixed order, each once."""
    said = [
        "USER:",
        *QUESTIONS.values(),
        "ASSISTANT:",
        *possible_answers("digit"),
        *possible_answers("style"),
    ]
    return list(dict.fromkeys(word for text in said for word in re.findall(r"\w+|[^\w\s]+", text)))
