from pathlib import Path

import pytest

from slug_lightning.curation.dataset_source import DatasetSource
from slug_lightning.curation.folder_source import FolderSource
from slug_lightning.curation.source import Source
from slug_lightning.curation.table import Columns
from slug_lightning.curation.tar_source import TarSource

ASKED = [name for name in vars(Source) if not name.startswith("_")]


@pytest.mark.parametrize(
    "source",
    [TarSource("0.tar"), FolderSource(Path(), Path(), 0, ()), DatasetSource(Path(), 0, 0, Columns())],
    ids=lambda source: type(source).__name__,
)
def test_each_source_has_what_is_asked_of_one(source):
    assert set(ASKED) == {"name", "state", "find", "others", "fetch", "captions"}
    assert all(hasattr(type(source), name) for name in ASKED)
