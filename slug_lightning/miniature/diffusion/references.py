"""Drawn scans in the layout of UnlearnCanvas' data set: what generated images are compared with."""

from pathlib import Path

from PIL import Image

from slug_lightning.atomic import atomic_folder
from slug_lightning.miniature.diffusion.drawings import draw_part
from slug_lightning.miniature.layouts import names_of


def write_references(folder: Path, count: int = 5, seed: int = 0) -> Path:
    """Write ``<style>/<digit>/<1..count>.jpg`` of scans that no network learned from, unless they are there.

    Args:
        folder: Where; it appears whole or not at all.
        count: Pictures of each digit in each style.
        seed: Of the hands that draw.

    Returns:
        The folder.
    """
    if folder.is_dir():
        return folder
    drawn = draw_part("final", seed=seed + 1, limit=20 * count)  # enough of each digit
    styles, digits = names_of("styles"), names_of("digits")
    with atomic_folder(folder) as draft:
        for s, style in enumerate(styles):
            for d, digit in enumerate(digits):
                rows = ((drawn.styles == s) & (drawn.digits == d)).nonzero().flatten()[:count]
                cell = draft / style.replace(" ", "_") / digit
                cell.mkdir(parents=True)
                for number, row in enumerate(rows.tolist(), start=1):
                    pixels = drawn.images[row].permute(1, 2, 0).numpy()
                    Image.fromarray(pixels).save(cell / f"{number}.jpg")
    return folder
