import pytest

from slug_lightning.canvas.generation import ACCOUNT, draw_answers
from slug_lightning.errors import HostError, SettingError
from tests.canvas.making import SMALL, FakePipeline

ABOUT = {"patch": None}


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.jpg")}


def test_every_cell_is_drawn_once_from_its_own_seed(tmp_path):
    pipeline = FakePipeline()
    drawn = draw_answers(pipeline, SMALL, tmp_path, ABOUT, batch_size=3)
    assert (drawn.new, drawn.kept) == (8, 0)
    assert set(contents(tmp_path)) == {
        f"{theme}_{thing}_seed{seed}.jpg"
        for theme in ("Red_Ink", "Photo")
        for thing in ("cat", "dog")
        for seed in (3, 5)
    }
    assert [len(prompts) for prompts, _ in pipeline.calls] == [3, 3, 2]
    prompts, options = pipeline.calls[0]
    assert prompts == ["a cat in Red Ink", "a dog in Red Ink", "a cat in Photo"]
    assert (options["num_inference_steps"], options["guidance_scale"]) == (7, 2.0)
    assert [generator.initial_seed() for generator in options["generator"]] == [3, 3, 3]


@pytest.mark.parametrize("calls", [0, 1, 2])
def test_a_killed_run_goes_on_and_its_images_are_those_of_an_unbroken_one(tmp_path, calls):
    draw_answers(FakePipeline(), SMALL, tmp_path / "whole", ABOUT, batch_size=3)
    folder = tmp_path / "broken"
    with pytest.raises(KeyboardInterrupt):
        draw_answers(FakePipeline(die_after=calls), SMALL, folder, ABOUT, batch_size=3)
    assert len(contents(folder)) == 3 * calls
    seen = []
    drawn = draw_answers(FakePipeline(), SMALL, folder, ABOUT, batch_size=3, watch=seen.append)
    assert (drawn.new, drawn.kept) == (8 - 3 * calls, 3 * calls)
    assert contents(folder) == contents(tmp_path / "whole")
    assert seen == [3, 6, 8]
    assert [path.name for path in folder.iterdir() if path.name.endswith(".tmp")] == []


def test_a_batch_that_lost_one_file_is_drawn_again_as_a_whole(tmp_path):
    draw_answers(FakePipeline(), SMALL, tmp_path, ABOUT, batch_size=4)
    before = contents(tmp_path)
    (tmp_path / "Red_Ink_dog_seed3.jpg").unlink()
    pipeline = FakePipeline()
    assert draw_answers(pipeline, SMALL, tmp_path, ABOUT, batch_size=4).new == 4
    assert len(pipeline.calls) == 1
    assert contents(tmp_path) == before


def test_images_drawn_otherwise_are_not_mixed_in(tmp_path):
    draw_answers(FakePipeline(), SMALL, tmp_path, ABOUT, batch_size=4)
    with pytest.raises(SettingError, match="drawn with batch_size 4, but now it is 2. Give another --images"):
        draw_answers(FakePipeline(), SMALL, tmp_path, ABOUT, batch_size=2)
    with pytest.raises(SettingError, match='drawn with patch null, but now it is "ab"'):
        draw_answers(FakePipeline(), SMALL, tmp_path, {"patch": "ab"}, batch_size=4)
    (tmp_path / ACCOUNT).unlink()
    with pytest.raises(SettingError, match="holds images but no drawn.json"):
        draw_answers(FakePipeline(), SMALL, tmp_path, ABOUT, batch_size=4)


def test_a_pipeline_of_another_size_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(HostError, match="images of 16 x 16 pixels but the pipeline draws 24 x 24"):
        draw_answers(FakePipeline(side=24), SMALL, tmp_path, ABOUT)
    assert contents(tmp_path) == {}
    with pytest.raises(SettingError, match="at least 1 image"):
        draw_answers(FakePipeline(), SMALL, tmp_path, ABOUT, batch_size=0)
