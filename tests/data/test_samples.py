import random

import pytest
from webdataset.tariterators import base_plus_ext

from slug_lightning.data.reasons import BadMemberError
from slug_lightning.data.samples import decode_caption, split_name
from slug_lightning.data.shards import iter_pairs
from tests.data.tars import pair, picture, png_header, write_tar

BAD = {
    "not_an_image": [("x.jpg", b"<html>not found</html>"), ("x.txt", b"seven")],
    "broken_image": [("x.jpg", picture(1, (200, 200))[:-300]), ("x.txt", b"seven")],
    "too_large": [("x.png", png_header(60_000, 60_000)), ("x.txt", b"seven")],
    "absurd_shape": [("x.png", picture(1, (1, 600), "PNG")), ("x.txt", b"seven")],
    "no_image": [("x.txt", b"seven")],
    "no_caption": [("x.jpg", picture(1))],
    "bad_caption": [("x.jpg", picture(1)), ("x.txt", b"caf\xe9")],
    "unsafe_name": [("../x.jpg", picture(1)), ("../x.txt", b"seven")],
    "duplicate_member": [("x.jpg", picture(1)), ("x.txt", b"one"), ("x.jpg", picture(2)), ("x.txt", b"two")],
}


@pytest.mark.parametrize("reason", BAD)
def test_a_bad_sample_is_skipped_counted_and_the_rest_is_kept(tmp_path, reason):
    path = write_tar(tmp_path / "0.tar", pair(1) + BAD[reason] + pair(2))
    skipped = {}
    assert [p.key for p in iter_pairs(str(path), skipped)] == ["000000001", "000000002"]
    assert skipped == {reason: 1}


def test_an_empty_caption_is_no_caption(tmp_path):
    path = write_tar(tmp_path / "0.tar", [("x.jpg", picture(1)), ("x.txt", b" \n\t")])
    skipped = {}
    assert not list(iter_pairs(str(path), skipped))
    assert skipped == {"no_caption": 1}


@pytest.mark.parametrize("name", ["/etc/x", "a/../../x", "a\\..\\x", "C:\\x", "C:/x"])
def test_names_that_point_elsewhere_are_unsafe(tmp_path, name):
    path = write_tar(tmp_path / "0.tar", [(f"{name}.jpg", picture(1)), (f"{name}.txt", b"seven")])
    skipped = {}
    assert not list(iter_pairs(str(path), skipped))
    assert skipped == {"unsafe_name": 1}


def test_folders_webdataset_marks_and_names_without_suffix_are_no_samples(tmp_path):
    members = [("__meta__.txt", b"x"), ("README", b"x"), *pair(3, "./folder/three"), ("x.__bad__", b"1")]
    path = write_tar(tmp_path / "0.tar", members)
    skipped = {}
    assert [p.key for p in iter_pairs(str(path), skipped)] == ["./folder/three"]
    assert skipped == {}


def test_captions_are_stripped_and_bounded():
    assert decode_caption(b"\xef\xbb\xbf caf\xc3\xa9\r\n") == "café"
    assert len(decode_caption(b"ab cd " * 1_600)) == 9_599
    with pytest.raises(BadMemberError, match="bad_caption: 10,002 bytes"):
        decode_caption(b"ab cd " * 1_667)
    with pytest.raises(BadMemberError, match="bad_caption: a word of 1,001 characters"):
        decode_caption(b"see " + b"x" * 1_001)


def test_other_members_and_upper_case_suffixes_do_no_harm(tmp_path):
    members = [("x.JPG", picture(1)), ("x.txt", b"seven"), ("x.npy", b"\x93NUMPY"), ("x.seg.png", b"no")]
    (found,) = iter_pairs(str(write_tar(tmp_path / "0.tar", members)))
    assert (found.key, found.caption) == ("x", "seven")


def test_names_are_split_as_webdataset_does():
    rng = random.Random(0)
    for _ in range(20_000):
        name = "".join(rng.choice("ab./") for _ in range(rng.randrange(12)))
        assert split_name(name) == base_plus_ext(name)


def test_a_key_that_comes_again_is_counted_and_the_first_is_kept(tmp_path):
    again = [("000000001.jpg", picture(9)), ("000000001.txt", b"an eight")]
    path = write_tar(tmp_path / "0.tar", [*pair(1), *pair(2), *again, *pair(3)])
    skipped = {}
    found = [(p.key, p.caption) for p in iter_pairs(str(path), skipped)]
    assert found == [(f"{i:09d}", f"a seven, number {i}") for i in (1, 2, 3)]
    assert skipped == {"duplicate_member": 1}
