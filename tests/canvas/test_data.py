from types import SimpleNamespace

import pytest
from torchvision.transforms import ToTensor

from slug_lightning.canvas.data import ANSWERS, REFERENCES, CanvasDataModule
from slug_lightning.errors import DataNotFoundError, SettingError
from tests.canvas.making import SMALL, write_answers, write_references


@pytest.fixture
def folders(tmp_path):
    return write_answers(tmp_path / "answers"), write_references(tmp_path / "data")


def module(folders, target="dog", references=True, **more):
    return CanvasDataModule(SMALL, folders[0], target, folders[1] if references else None, ToTensor(), **more)


def test_all_answers_and_the_references_without_the_target(folders):
    loaders = module(folders, batch_size=3).test_dataloader()
    batches = list(loaders[ANSWERS])
    assert [len(batch["view"]) for batch in batches] == [3, 3, 2]
    assert sum(int((batch["object"] == 1).sum()) for batch in batches) == 4
    references = list(loaders[REFERENCES])
    assert sum(len(batch["pixels"]) for batch in references) == 4
    assert all((batch["object"] == 0).all() for batch in references)
    assert len(module(folders, references=False).test_dataloader()) == 1


def test_processes_share_the_images_and_none_comes_twice(folders):
    seen = []
    for rank in range(3):
        data = module(folders, batch_size=2)
        data.trainer = SimpleNamespace(global_rank=rank, world_size=3)
        loader = data.test_dataloader()[ANSWERS]
        seen += [index for batch in loader.batch_sampler for index in batch]
    assert sorted(seen) == list(range(8))


def test_bad_input_is_refused_at_once(folders, tmp_path):
    with pytest.raises(DataNotFoundError, match="8 are not there"):
        CanvasDataModule(SMALL, tmp_path / "none", None, None, ToTensor())
    with pytest.raises(SettingError, match="batch_size of at least 1"):
        module(folders, batch_size=0)
