"""No image file serves twice: gradients, search and final figures."""

import shutil

import pytest

from slug_lightning.cli import main
from slug_lightning.data.overlap import measured_images
from slug_lightning.data.shard_writer import ShardWriter
from slug_lightning.errors import BadDataError
from slug_lightning.reports.report_file import read_report
from tests.data.test_unlearning import prepared
from tests.helpers import words


@pytest.fixture
def world(tiny_world, tmp_path):
    return shutil.copytree(tiny_world, tmp_path / "world")


def separated(world, out, *more):
    data = prepared(world, out, *more)
    data.digests.clear()
    data.separate()
    return data


def twin(world):
    """A search image of an identity becomes the same file as one of the final figures; returns both keys."""
    data = prepared(world, world.parent)
    one = data.sets["search", "identities"].entries[0]
    other = data.sets["final", "identities"].entries[0]
    shutil.copyfile(other.path, one.path)
    return one.key, other.key


def add_pair(world, role, path, caption="a chalk drawing"):
    """A shard of one more pair, whose image is a file that figures rest on."""
    folder = world / "more"
    with ShardWriter(folder, pairs_per_shard=10) as writer:
        writer.add(path.read_bytes(), "jpg", caption, "https://example.com/1.jpg")
    target = world / ("forget/seven" if role == "forget" else "laion")
    for file in folder.glob("00000*"):
        shutil.copyfile(file, target / file.name.replace("00000", "99999"))


def test_an_image_of_both_splits_is_refused_with_both_names(world, tmp_path):
    one, other = twin(world)
    with pytest.raises(BadDataError, match="1 image files serve both the search and the final") as refused:
        separated(world, tmp_path)
    assert one in str(refused.value)
    assert other in str(refused.value)
    assert "data.overlap" in str(refused.value)


def test_left_out_it_serves_the_final_figures_alone(world, tmp_path):
    one, other = twin(world)
    data = separated(world, tmp_path, "--data.overlap", "leave_out")
    keys = {split: {e.key for e in data.sets[split, "identities"].entries} for split in ("search", "final")}
    assert one not in keys["search"]
    assert other in keys["final"]
    assert one not in {name.split("/", 2)[2] for name in data.measured.values() if name.startswith("search")}


def test_every_copy_is_left_out_of_the_search(world, tmp_path):
    data = prepared(world, tmp_path)
    copies = data.sets["search", "identities"].entries[:2]
    source = data.sets["final", "imagenet"].entries[0]
    for entry in copies:
        shutil.copyfile(source.path, entry.path)
    left = separated(world, tmp_path, "--data.overlap", "leave_out").sets["search", "identities"]
    assert not {entry.key for entry in copies} & {entry.key for entry in left.entries}


def test_files_that_are_no_images_are_not_the_same_image(world, tmp_path):
    data = prepared(world, tmp_path)
    for split in ("search", "final"):
        data.sets[split, "identities"].entries[0].path.write_bytes(b"no picture")
    separated(world, tmp_path)


def test_allowed_it_serves_both(world, tmp_path):
    one, _ = twin(world)
    data = separated(world, tmp_path, "--data.overlap", "allow")
    assert one in {e.key for e in data.sets["search", "identities"].entries}
    assert data.measured == {}


@pytest.mark.parametrize("role", ["forget", "retain"])
def test_a_pair_whose_image_is_measured_is_refused_or_left_out(world, tmp_path, capsys, role):
    entry = prepared(world, tmp_path).sets["final", "forget"].entries[0]
    add_pair(world, role, entry.path)
    plain = ["--data.retain_shards", "laion/*.tar", "--model.search.evaluations", "1"]
    assert main(words(world, tmp_path / "a", *plain)) == 2
    said = capsys.readouterr().err
    assert f"of {role} pair" in said
    assert entry.key in said
    assert main(words(world, tmp_path / "b", *plain, "--data.overlap", "leave_out")) in (0, 3)
    (path,) = (tmp_path / "b").glob("runs/seven/*/report.json")
    report = read_report(path)
    skipped = {r: report["data"][r]["skipped"].get("measured", 0) for r in ("forget", "retain")}
    assert skipped == {"forget": 1 if role == "forget" else 0, "retain": 0 if role == "forget" else 1}


def test_the_account_says_what_each_figure_rests_on(tiny_world, tmp_path):
    data = separated(tiny_world, tmp_path)
    account = data.evaluation_account()
    assert account["overlap"] == "refuse"
    assert {name: entry["images"] for name, entry in account["sets"].items()} == {
        f"{split}/{name}": len(images) for (split, name), images in data.sets.items()
    }
    again = separated(tiny_world, tmp_path).evaluation_account()
    assert again == account
    digests = [entry["digest"] for entry in account["sets"].values()]
    assert len(set(digests)) == len(digests)


def test_names_of_measured_images_say_where_they_are(tiny_world, tmp_path):
    data = separated(tiny_world, tmp_path)
    names = measured_images(data.digests).values()
    assert {name.split("/")[0] for name in names} == {"search", "final"}
    assert len(names) == sum(len(images) for images in data.evaluation.images.values())
