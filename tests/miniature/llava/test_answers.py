import numpy as np
from PIL import Image

from slug_lightning.miniature.diffusion.drawings import draw_part
from slug_lightning.miniature.llava.answers import Answered, answers, interview
from slug_lightning.miniature.llava.chat import QUESTIONS


def answered():
    truth = {"digit": ["one", "one", "two", "two"], "style": ["mosaic", "gold leaf", "mosaic", "gold leaf"]}
    said = {"digit": ["one", "two", "two", "two two"], "style": ["mosaic", "leaf", "mosaic", "gold leaf"]}
    return Answered(said, truth)


def test_right_answers_are_counted_where_they_belong():
    found = answered()
    assert (found.right("digit").correct, found.right("digit").n) == (2, 4)
    assert found.right("digit", of="one").value == 0.5
    assert found.right("style", without="one").value == 1
    assert found.right("digit", of="gold leaf").value == 0


def test_a_name_among_other_words_is_still_a_name():
    assert answered().named("two").value == 1
    assert answered().named("one").value == 0.5
    assert answered().named("gold leaf").value == 0.5


def test_confusion_has_every_picture_once_and_what_is_no_name_last():
    found = answered()
    for label in ("digit", "style"):
        counts = found.confusion(label)
        assert counts.shape == (10, 11)
        assert counts.sum() == 4
    digits = found.confusion("digit")
    assert digits[1, [1, 2]].tolist() == [1, 1]
    assert digits[2, [2, -1]].tolist() == [1, 1]  # "two two" is no name
    assert found.confusion("style").diagonal().sum() == found.right("style").correct


def test_answers_do_not_depend_on_the_batch(shipped, processor):
    images = draw_part("final", limit=3).images
    together = answers(shipped, processor, images, QUESTIONS["digit"])
    assert answers(shipped, processor, images, QUESTIONS["digit"], batch_size=7) == together
    pictures = [Image.fromarray(np.asarray(image.permute(1, 2, 0))) for image in images[:4]]
    assert answers(shipped, processor, pictures, QUESTIONS["digit"]) == together[:4]


def test_the_shipped_host_answers_both_questions(shipped, processor):
    found = interview(shipped, processor, draw_part("final", limit=20))
    assert found.right("digit").value >= 0.9
    assert found.right("style").value >= 0.9
