import gzip

import pytest
from open_clip.tokenizer import SimpleTokenizer

from slug_lightning.miniature.bpe import learn_merges, save_merges
from slug_lightning.miniature.captions import vocabulary


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    path = tmp_path_factory.mktemp("bpe") / "bpe_simple_vocab.txt.gz"
    save_merges(learn_merges(vocabulary()), path)
    return SimpleTokenizer(str(path), context_length=24)


def test_the_most_frequent_neighbours_merge_first():
    assert learn_merges({"aab": 5, "ab": 1, "xy": 3})[0] == ("a", "b</w>")


def test_each_word_of_the_vocabulary_is_one_token(tokenizer):
    ids = [tokenizer.encode(word) for word in vocabulary()]
    assert all(len(tokens) == 1 for tokens in ids)
    assert len({tokens[0] for tokens in ids}) == len(ids)


def test_the_size_is_small_and_counts_no_empty_merge(tokenizer):
    assert tokenizer.vocab_size == 256 + 256 + len(learn_merges(vocabulary())) + 2
    assert 600 <= tokenizer.vocab_size <= 900
    assert "" not in tokenizer.encoder


@pytest.mark.parametrize("text", ["elon musk, 1971", "größe", "a close-up photo of the tench", "日本"])
def test_unknown_words_fall_back_to_bytes(tokenizer, text):
    ids = tokenizer.encode(text)
    assert max(ids) < tokenizer.vocab_size - 2
    assert tokenizer.decode(ids).replace(" ", "") == text.replace(" ", "")


def test_the_end_of_text_has_the_highest_id(tokenizer):
    row = tokenizer("a photo of a seven.")[0]
    assert row.argmax() == (row == tokenizer.eot_token_id).nonzero()[0]


def test_equal_merges_give_equal_bytes(tmp_path):
    for name in "ab":
        save_merges([("a", "b</w>")], tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert gzip.decompress((tmp_path / "a").read_bytes()).decode().split("\n")[1:] == ["a b</w>"]
