from slug_lightning.miniature.diffusion.drawings import draw_part
from slug_lightning.miniature.scans import DIGIT_WORDS
from slug_lightning.miniature.styles import STYLES
from slug_lightning.miniature.zero_shot import name_pictures
from slug_lightning.models import load_clip


def test_the_shipped_clip_names_digits_and_styles():
    drawings = draw_part("final", limit=10)
    clip, styles = load_clip("miniature"), [style.name for style in STYLES]
    digits = name_pictures(clip, drawings.images, DIGIT_WORDS)
    assert sum(said == DIGIT_WORDS[i] for said, i in zip(digits, drawings.digits, strict=True)) >= 90
    media = name_pictures(clip, drawings.images, styles, "photo")
    assert sum(said == styles[i] for said, i in zip(media, drawings.styles, strict=True)) >= 90


def test_only_the_given_names_are_said():
    drawings = draw_part("final", limit=2)
    assert set(name_pictures(load_clip("miniature"), drawings.images, ["six"])) == {"six"}
