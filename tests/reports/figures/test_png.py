import io

from PIL import Image

from slug_lightning.reports.figures.png import png_bytes, save_png, svg_bytes
from slug_lightning.reports.figures.theme import LIGHT, new_figure, write


def test_a_figure_becomes_a_sharp_png_and_no_leftovers(tmp_path):
    save_png(new_figure(8, 2, LIGHT), tmp_path / "figures" / "a.png")
    with Image.open(tmp_path / "figures" / "a.png") as image:
        assert image.size == (1600, 400)
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["a.png"]


def test_the_file_names_no_software_and_repeats_byte_for_byte():
    first, second = (png_bytes(new_figure(2, 2, LIGHT)) for _ in range(2))
    assert first == second
    assert "Software" not in Image.open(io.BytesIO(first)).info


def test_a_script_without_a_font_is_no_warning():
    figure = new_figure(2, 2, LIGHT)
    write(figure, 0.1, 0.5, "\U00012000 𒀀", LIGHT.ink)  # cuneiform; warnings are errors here
    assert png_bytes(figure)


def test_a_drawing_keeps_its_text_and_its_bytes():
    def draw():
        figure = new_figure(3, 2, LIGHT)
        figure.text(0.5, 0.5, "Ada Example")
        return svg_bytes(figure)

    assert b"Ada Example" in draw()
    assert draw() == draw()
