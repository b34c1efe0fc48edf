import pytest

from slug_lightning.data.identity_lists import read_identities
from slug_lightning.errors import BadDataError, SettingError


@pytest.fixture
def official(tmp_path):
    write(tmp_path / "identity_CelebA.txt", ["000001.jpg 2880", "000002.jpg 2937", "000003.jpg 2880"])
    write(tmp_path / "names.txt", ["2880 Ada_Example", "17  Ben Sample"])
    return tmp_path


def write(path, lines):
    path.write_text("".join(f"{line}\n" for line in lines))


def test_numbers_get_their_names_and_who_has_none_is_left_out(official):
    assert read_identities(official, official / "names.txt") == dict.fromkeys(
        ["000001.jpg", "000003.jpg"], "Ada Example"
    )


def test_the_named_list_goes_before_the_official_one(official):
    write(official / "list_identity_celeba.txt", ["1", "image_id identity_name", "000001.jpg Ada_Example"])
    assert read_identities(official) == {"000001.jpg": "Ada Example"}


def test_official_numbers_alone_say_what_to_do(official):
    match = r"identity_CelebA\.txt' has only numbers, which no prompt .*; request .* or set identities\.names"
    with pytest.raises(SettingError, match=match):
        read_identities(official)


@pytest.mark.parametrize(
    ("lines", "match"),
    [
        (["Ada_Example 2880"], r"Expected '2880 First_Last' but line 1 of .* is 'Ada_Example 2880'"),
        (["2880"], r"line 1 of .* is '2880'"),
        (["1 Ada_Example"], r"names none of them"),
    ],
)
def test_unusable_lists_of_names_are_refused(official, lines, match):
    write(official / "names.txt", lines)
    with pytest.raises(BadDataError, match=match):
        read_identities(official, official / "names.txt")


def test_names_for_a_list_that_has_names_are_refused(official):
    write(official / "list_identity_celeba.txt", ["000001.jpg Ada_Example"])
    with pytest.raises(SettingError, match=r"which has names; leave it out"):
        read_identities(official, official / "names.txt")
