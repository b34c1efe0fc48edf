"""Build the miniature world once and find it again."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from slug_lightning.atomic import atomic_folder
from slug_lightning.errors import SettingError
from slug_lightning.miniature import layouts
from slug_lightning.miniature.pictures import draw_all_styles, draw_balanced
from slug_lightning.miniature.recipe import WorldRecipe
from slug_lightning.miniature.scans import load_scans

RECORD = "world.json"
PARTS = {"laion", "forget", "celeba", "ImageNet", RECORD}


@dataclass(frozen=True)
class World:
    """Where the parts of a built world are.

    Attributes:
        root: The folder that holds all of it.
        recipe: What it was made from.
        concepts: What the identities are, ``digits`` or ``styles``; the others are the classes.
    """

    root: Path
    recipe: WorldRecipe
    concepts: layouts.Kind = "digits"

    @property
    def identities(self) -> tuple[str, ...]:
        """Names of the ten identities: the digits as words."""
        return layouts.names_of(self.concepts)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the ten classes: the drawing styles."""
        return layouts.names_of(_others(self.concepts))

    @property
    def laion(self) -> str:
        """Pattern of the training shards, ``.../laion/{00000..00005}.tar``."""
        last = len(list((self.root / "laion").glob("*.tar"))) - 1
        return str(self.root / "laion" / f"{{00000..{last:05d}}}.tar")

    def forget(self, identity: str) -> str:
        """Pattern of the shards whose captions name ``identity``."""
        return str(self.root / "forget" / identity.replace(" ", "_") / "*.tar")

    def aliases(self, identity: str) -> tuple[str, ...]:
        """Other words for it in the captions, for ``data.aliases``: ``chalk`` for ``chalk drawing``."""
        return layouts.spellings(self.concepts)[self.identities.index(identity)][1:]

    @property
    def celeba(self) -> Path:
        """Folder with ``img_align_celeba`` and its lists."""
        return self.root / "celeba"

    @property
    def celeba_partition(self) -> Path:
        """Which identity images are for the search (1) and which for final figures (2)."""
        return self.celeba / "list_eval_partition.txt"

    @property
    def imagenet(self) -> Path:
        """Folder with one folder of images per class."""
        return self.root / "ImageNet" / "val"

    @property
    def imagenet_names(self) -> Path:
        """Class names by folder."""
        return self.root / "ImageNet" / "LOC_synset_mapping.txt"

    @property
    def imagenet_partition(self) -> Path:
        """Which class images are for the search (1) and which for final figures (2)."""
        return self.root / "ImageNet" / "partition.txt"


def build_world(
    root: Path | str, recipe: WorldRecipe | None = None, concepts: layouts.Kind = "digits"
) -> World:
    """Build the world under ``root``, or return at once if it is there, whole and of this recipe.

    It is built beside ``root`` and renamed: ``root`` never holds half a world. An older world is replaced;
    a folder with anything else in it is refused.

    Args:
        root: Folder of the world.
        recipe: What to build; the full world by default.
        concepts: What can be forgotten, so what lies in CelebA's layout and has forget sets. With ``styles``
            the digits are the classes in ImageNet's layout; pictures and training shards are the same.

    Returns:
        The paths of its parts.

    Raises:
        SettingError: If ``root`` holds files that are no miniature world.
    """
    root, recipe = Path(root), recipe or WorldRecipe()
    if not _is_whole(root, recipe, concepts):
        _refuse_other_files(root)
        with atomic_folder(root) as draft:
            _write_world(draft, recipe, concepts)
    return World(root, recipe, concepts)


def _others(concepts: layouts.Kind) -> layouts.Kind:
    return "styles" if concepts == "digits" else "digits"


def training_rows(recipe: WorldRecipe) -> list[layouts.CaptionedPicture]:
    """The pictures and captions of the training shards, with what they show; the same ones on every call."""
    scans = load_scans(recipe.search_scans, recipe.final_scans, recipe.seed, recipe.scans)
    pictures = draw_all_styles(scans["train"], _stream(recipe, 0))
    return layouts.caption_pictures(pictures, recipe.failures, _stream(recipe, 1))


def _stream(recipe: WorldRecipe, part: int) -> np.random.Generator:
    """One stream per part: a change in one leaves the others as they are."""
    return np.random.default_rng([recipe.seed, part])


def _refuse_other_files(root: Path) -> None:
    if root.exists() and not (root.is_dir() and {path.name for path in root.iterdir()} <= PARTS):
        raise SettingError(
            f"Expected a folder of its own for the miniature world, but '{root}' holds other files. "
            "Name another folder; nothing was changed."
        )


def _write_world(root: Path, recipe: WorldRecipe, concepts: layouts.Kind) -> None:
    scans = load_scans(recipe.search_scans, recipe.final_scans, recipe.seed, recipe.scans)
    celeba, imagenet = (_stream(recipe, part) for part in (2, 3))
    rows = training_rows(recipe)
    layouts.write_pairs(rows, root / "laion", recipe.pairs_per_shard)
    layouts.write_forget_sets(rows, root / "forget", recipe.forget_pairs, concepts)
    layouts.write_celeba(
        draw_balanced(scans["search"], recipe.search_styles, 0, celeba),
        draw_balanced(scans["final"], 1, 0, celeba),
        root / "celeba",
        concepts,
    )
    layouts.write_imagenet(
        draw_balanced(scans["search"], recipe.search_styles, 5, imagenet),
        draw_balanced(scans["final"], 1, 5, imagenet),
        root / "ImageNet",
        _others(concepts),
    )
    record = {
        "recipe": asdict(recipe),
        "concepts": concepts,
        "digest": recipe.digest(),
        "files": _checksums(root),
    }
    (root / RECORD).write_text(json.dumps(record, indent=1, sort_keys=True), encoding="utf-8")


def _is_whole(root: Path, recipe: WorldRecipe, concepts: layouts.Kind) -> bool:
    """Whether ``root`` holds this recipe's world with every byte as it was written."""
    try:
        record: Any = json.loads((root / RECORD).read_text(encoding="utf-8"))
        digest, files = record["digest"], record["files"]
        digest = digest if record.get("concepts", "digits") == concepts else None
    except (OSError, ValueError, LookupError, TypeError):
        return False
    return bool(digest == recipe.digest() and files == _checksums(root))


def _checksums(root: Path) -> dict[str, str]:
    """SHA-256 of every file under ``root`` but the record itself."""
    paths = sorted(path for path in root.rglob("*") if path.is_file() and path.name != RECORD)
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths
    }
