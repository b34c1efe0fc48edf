import torch

from slug_lightning.unlearning.progress import Progress, progress_file


def progress():
    sums = {
        role: {"a.weight": torch.randn(3, 2, generator=torch.Generator().manual_seed(i))}
        for i, role in enumerate(("forget", "retain"))
    }
    return Progress(
        sums,
        {"forget": 7, "retain": 120},
        {"forget": 0.1 + 0.2, "retain": 1e-17},
        {"forget": 1, "retain": 3},
        {"forget": {}, "retain": {"excluded": 8}},
    )


def test_what_is_read_is_what_was_written_to_the_last_bit(tmp_path):
    path, kept = tmp_path / "p.safetensors", progress()
    kept.save(path, "key")
    read = Progress.load(path, "key")
    for role, some in kept.sums.items():
        assert torch.equal(read.sums[role]["a.weight"], some["a.weight"])
    assert (read.pairs, read.loss_sums) == (kept.pairs, kept.loss_sums)
    assert (read.groups, read.skipped) == (kept.groups, kept.skipped)


def test_progress_of_something_else_or_of_nothing_is_none(tmp_path):
    path = tmp_path / "p.safetensors"
    assert Progress.load(path, "key") is None
    progress().save(path, "other")
    assert Progress.load(path, "key") is None
    path.write_bytes(b"junk")
    assert Progress.load(path, "key") is None


def test_the_file_of_a_key_is_hidden_and_its_own(tmp_path):
    one, two = progress_file(tmp_path, "a" * 64), progress_file(tmp_path, "b" * 64)
    assert one != two
    assert one.name.startswith(".progress-")
