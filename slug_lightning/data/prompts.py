"""Prompt templates: sentences with ``{}`` in place of a name."""

from collections.abc import Sequence

from slug_lightning.errors import SettingError, closest

TEMPLATE_SETS = ("identity", "photo", "simple", "openai-80")


def templates(choice: str | Sequence[str]) -> tuple[str, ...]:
    """Templates by the name of a set, or a list of one's own.

    Args:
        choice: ``identity`` (``"{}."``), ``photo`` (``"a photo of a {}."``), ``simple`` or ``openai-80``
            (open_clip's seven and eighty, which CLIP's authors chose for ImageNet), or sentences that each
            hold ``{}``.

    Returns:
        The sentences.

    Raises:
        SettingError: If the set is unknown, the list is empty, or a sentence has no ``{}``.

    Example:
        >>> templates("identity"), templates(["a sketch of {}"])
        (('{}.',), ('a sketch of {}',))
    """
    if not isinstance(choice, str):
        return _checked(tuple(choice))
    if choice == "identity":
        return ("{}.",)
    if choice == "photo":
        return ("a photo of a {}.",)
    if choice in TEMPLATE_SETS:
        return _from_open_clip(choice)
    if "{}" in choice:
        return (choice,)
    raise SettingError(
        f"Expected a template set or sentences with '{{}}' but got '{choice}'. "
        f"Closest sets: {closest(choice, TEMPLATE_SETS) or list(TEMPLATE_SETS)}."
    )


def fill(sentences: Sequence[str], name: str) -> list[str]:
    """Put a name into each template.

    Args:
        sentences: From ``templates``.
        name: Any text; braces in it stay as they are.

    Returns:
        As many prompts as sentences.

    Example:
        >>> fill(("{}.", "a photo of {}"), "seven")
        ['seven.', 'a photo of seven']
    """
    return [sentence.replace("{}", name) for sentence in sentences]


def _checked(sentences: tuple[str, ...]) -> tuple[str, ...]:
    if not sentences:
        raise SettingError("Expected at least one template but got none.")
    for sentence in sentences:
        if "{}" not in sentence:
            raise SettingError(f"Expected '{{}}' for the name in each template but got '{sentence}'.")
    return sentences


def _from_open_clip(choice: str) -> tuple[str, ...]:
    import open_clip

    many = choice == "openai-80"
    functions = open_clip.OPENAI_IMAGENET_TEMPLATES if many else open_clip.SIMPLE_IMAGENET_TEMPLATES
    return tuple(function("{}") for function in functions)
