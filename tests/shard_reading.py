"""Read shards with webdataset's own parts, closing every file."""

from pathlib import Path

from braceexpand import braceexpand
from webdataset.tariterators import group_by_keys, tar_file_iterator


def read_shards(pattern):
    """Samples of all shards of a brace pattern, as webdataset groups them."""
    samples = []
    for path in braceexpand(str(pattern)):
        with Path(path).open("rb") as stream:
            members = ({**member, "__url__": str(path)} for member in tar_file_iterator(stream))
            samples += group_by_keys(members)
    return samples
