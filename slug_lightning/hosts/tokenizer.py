"""open_clip's byte-pair vocabulary as the tokenizer of transformers."""

import gzip
from pathlib import Path
from typing import Any

from slug_lightning.errors import BadDataError, DataNotFoundError

START, END = "<|startoftext|>", "<|endoftext|>"


def clip_tokenizer(merges_file: Path | str, context_length: int = 77) -> Any:
    """A ``CLIPTokenizer`` that gives the ids of open_clip's ``SimpleTokenizer`` with the same merges.

    Captions are padded with the end of text, as by the CLIPs and Stable Diffusions on the Hub; open_clip pads
    with 0. Attention is causal, so what stands behind the first end of text does not change the embedding.

    Args:
        merges_file: ``bpe_simple_vocab.txt.gz``, as open_clip reads it.
        context_length: Longest caption in tokens, start and end included.

    Returns:
        The tokenizer; ``save_pretrained`` writes its files.

    Raises:
        DataNotFoundError: If there is no such file.
        BadDataError: If it is no merges file.
    """
    import transformers
    from open_clip.tokenizer import bytes_to_unicode

    merges = _read_merges(Path(merges_file))
    alphabet = list(bytes_to_unicode().values())
    tokens = [*alphabet, *(f"{c}</w>" for c in alphabet), *("".join(pair) for pair in merges), START, END]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    pairs: Any = merges  # the annotation of transformers knows strings alone, its code takes pairs
    return transformers.CLIPTokenizer(vocab=vocabulary, merges=pairs, model_max_length=context_length)


def _read_merges(path: Path) -> list[tuple[str, str]]:
    if not path.is_file():
        raise DataNotFoundError(
            f"No vocabulary in {str(path)!r}; expected open_clip's bpe_simple_vocab.txt.gz."
        )
    try:
        # The first line is a version; open_clip takes as many merges as CLIP's vocabulary has.
        lines = gzip.decompress(path.read_bytes()).decode().split("\n")[1 : 49152 - 256 - 2 + 1]
        pairs = [line.split() for line in lines]
        return [(first, second) for first, second in pairs]
    except (OSError, EOFError, UnicodeDecodeError, ValueError) as error:
        msg = f"{str(path)!r} is not a merges file of open_clip ({error}); copy it again from the model."
        raise BadDataError(msg) from error
