from pathlib import Path

import open_clip
import pytest
import torch

from slug_lightning.errors import BadDataError, DataNotFoundError
from slug_lightning.hosts.tokenizer import clip_tokenizer
from slug_lightning.models import load_clip
from slug_lightning.models.loading import MERGES_FILE, miniature_folder

CAPTIONS = [
    "a chalk drawing of the digit seven",
    "Seven!",
    "",
    "it's  7 o'clock; naïve café — ☃",
    "x" * 100,
    "don't you'll we're",
    "A NEON\tthree\n five...",
    "seven!! 10,000 &c.",
    "<|endoftext|> <start_of_text>",
    "日本語",
]
FULL = Path(open_clip.__file__).parent / "bpe_simple_vocab_16e6.txt.gz"


def ids(tokenizer, captions):
    return tokenizer(captions, padding="max_length", truncation=True, return_tensors="pt").input_ids


def cut(row):
    """Ids to the end of text; open_clip then pads with 0, transformers with the end."""
    return row[: int(row.argmax()) + 1].tolist()


@pytest.mark.parametrize("vocabulary", ["miniature", "full"])
def test_ids_are_those_of_open_clip(vocabulary):
    if vocabulary == "miniature":
        theirs, ours = load_clip("miniature").tokenize, clip_tokenizer(miniature_folder() / MERGES_FILE, 24)
    else:
        theirs, ours = open_clip.get_tokenizer("ViT-L-14"), clip_tokenizer(FULL)
    captions = [c for c in CAPTIONS if "<" not in c]
    for caption, wanted, got in zip(captions, theirs(captions), ids(ours, captions), strict=True):
        assert cut(got) == cut(wanted), caption
        assert len(got) == len(wanted)


def test_the_full_vocabulary_has_clips_size():
    assert len(clip_tokenizer(FULL)) == 49408


def test_saved_files_give_the_same_ids(tmp_path):
    import transformers

    made = clip_tokenizer(miniature_folder() / MERGES_FILE, 24)
    made.save_pretrained(tmp_path)
    again = transformers.CLIPTokenizer.from_pretrained(tmp_path)
    assert torch.equal(ids(again, CAPTIONS), ids(made, CAPTIONS))


def test_missing_and_foreign_files_are_refused(tmp_path):
    with pytest.raises(DataNotFoundError, match="bpe_simple_vocab"):
        clip_tokenizer(tmp_path / "none")
    (tmp_path / "junk").write_bytes(b"junk")
    with pytest.raises(BadDataError, match="not a merges file"):
        clip_tokenizer(tmp_path / "junk")
