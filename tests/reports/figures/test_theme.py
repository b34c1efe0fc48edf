import pytest

from slug_lightning.reports.figures.theme import DARK, LIGHT, fonts, new_figure, write


def luminance(color):
    channels = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(a, b):
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_text_is_readable_and_marks_are_visible_on_the_paper(theme):
    assert contrast(theme.ink, theme.paper) > 7
    assert contrast(theme.muted, theme.paper) > 4.5
    for color in (theme.forget[0], *theme.retain, *dict(theme.towers).values()):
        assert contrast(color, theme.paper) > 2.5
        assert contrast(color, theme.shade) > 2


def test_a_font_that_ships_with_matplotlib_leads():
    assert fonts()[0] == "DejaVu Sans"


def test_written_text_is_never_mathematics():
    figure = new_figure(2, 2, LIGHT)
    text = write(figure, 0.1, 0.5, r"$\broken{", LIGHT.ink)
    assert text.get_parse_math() is False
    figure.savefig("/dev/null", format="png")
