import torch
from torch import nn
from torchmetrics.image.fid import FrechetInceptionDistance

from slug_lightning.canvas.judges import Judge
from slug_lightning.canvas.judging import CanvasJudge, Judged
from tests.canvas.making import SMALL


class Reads(nn.Module):
    """A classifier whose answer stands in a channel of the image."""

    def __init__(self, channel):
        super().__init__()
        self.channel = channel

    def forward(self, view):
        return torch.eye(2)[view[:, self.channel, 0, 0].long()]


class Mean(nn.Module):
    num_features = 3

    def forward(self, images):
        return images.float().mean(dim=(2, 3))


def batch(asked_styles, asked_objects, seen_styles, seen_objects):
    view = torch.zeros(len(asked_styles), 2, 1, 1)
    view[:, 0, 0, 0], view[:, 1, 0, 0] = torch.tensor(seen_styles), torch.tensor(seen_objects)
    pixels = torch.arange(len(asked_styles) * 48, dtype=torch.uint8).reshape(-1, 3, 4, 4)
    styles, objects = torch.tensor(asked_styles), torch.tensor(asked_objects)
    return {"view": view, "pixels": pixels, "style": styles, "object": objects}


def module(target="Red_Ink", fid=None):
    return CanvasJudge(SMALL, Judge(Reads(0), None, "s"), Judge(Reads(1), None, "o"), target, fid)


def test_figures_are_those_of_the_counts():
    judge = module()
    judge.test_step(batch([0, 0, 1, 1], [0, 1, 0, 1], [1, 0, 1, 1], [0, 1, 0, 0]), 0)
    figures = {name: float(value) for name, value in judge.accuracy.compute().items()}
    assert figures == {"UA": 0.5, "IRA": 1.0, "CRA": 0.75}
    assert judge.accuracy.objects_taken.tolist() == [[2, 0], [1, 1]]


def test_fid_sees_answers_without_the_target_and_all_references():
    fid = FrechetInceptionDistance(feature=Mean())
    judge = module(fid=fid)
    judge.test_step(batch([0, 0, 1, 1], [0, 1, 0, 1], [1, 0, 1, 1], [0, 1, 0, 0]), 0, 0)
    judge.test_step(batch([1, 1, 1], [0, 1, 0], [0, 0, 0], [0, 0, 0]), 0, 1)
    assert (int(fid.fake_features_num_samples), int(fid.real_features_num_samples)) == (2, 3)
    everything = module(target=None, fid=FrechetInceptionDistance(feature=Mean()))
    everything.test_step(batch([0, 1], [0, 1], [0, 1], [0, 1]), 0, 0)
    assert int(everything.fid.fake_features_num_samples) == 2


def test_counts_are_found_again_by_their_key(tmp_path):
    table = torch.arange(4).reshape(2, 2)
    judged = Judged(table, table + 1, table + 2, table + 3, table + 4, fid=1.5)
    path = tmp_path / "counts.json"
    assert Judged.load(path, "k") is None
    judged.save(path, "k")
    found = Judged.load(path, "k")
    assert torch.equal(found.objects_taken, table + 4)
    assert found.fid == 1.5
    assert Judged.load(path, "other") is None
    path.write_text(path.read_text()[:40])
    assert Judged.load(path, "k") is None
