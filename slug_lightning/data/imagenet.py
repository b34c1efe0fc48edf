"""ImageNet's validation images in class folders, for zero-shot classification."""

import re
from collections.abc import Sequence
from pathlib import Path

from slug_lightning.data.images import MAX_PIXELS
from slug_lightning.data.labelled import Entry, LabelledImages, Transform, pick_balanced
from slug_lightning.data.lists import list_folder, read_lines
from slug_lightning.data.partition import Partition, Split
from slug_lightning.errors import BadDataError, DataNotFoundError, SettingError

_IMAGE = (".jpeg", ".jpg", ".png")


class ImageNetFolder(LabelledImages):
    """Images in ``root/<class folder>/*.JPEG``.

    Args:
        root: The ``val`` folder.
        split: Images for the step search, or for the final figures.
        transform: Makes a ``(3, H, W)`` float tensor of an RGB image.
        class_names_file: Lines ``n01440764 tench, Tinca tinca``, as ``LOC_synset_mapping.txt``: the first
            name counts, and the classifier is over all classes of the file. By default, folders of ImageNet's
            1,000 synsets, all or some, have open_clip's names, and the classifier is over all 1,000; folders
            of other words have their own names, spaces for underscores.
        partition_file: List that splits the images by ``folder/name.JPEG``; see ``Partition.read``. By
            default a seeded hash does.
        search_share: Share of images for the search, without a list.
        subset: Use only so many images, equally many a class where there are enough, chosen by the seed.
        seed: Seed of split and choice.
        max_pixels: Larger images are skipped.

    Raises:
        DataNotFoundError: If the folder or a list is missing.
        BadDataError: If images are not sorted into class folders, a folder has no name or does not belong
            here, or there is no image.
        SettingError: If class names are needed but not given, or ``subset`` is not positive.
    """

    def __init__(
        self,
        root: Path | str,
        split: Split,
        transform: Transform,
        class_names_file: Path | str | None = None,
        partition_file: Path | str | None = None,
        search_share: float = 0.2,
        subset: int | None = None,
        seed: int = 0,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        if subset is not None and subset < 1:
            raise SettingError(f"Expected a subset of at least 1 image but got {subset}.")
        root = Path(root)
        folders = _class_folders(root)
        named = _class_names(root, folders, class_names_file)
        labels = {folder: label for label, folder in enumerate(named)}
        partition = Partition.read(partition_file) if partition_file else Partition(search_share, seed)
        every = [
            Entry(path, f"{folder}/{path.name}", labels[folder])
            for folder in folders
            for path in list_folder(root / folder)
            if path.suffix.lower() in _IMAGE
        ]
        if not every:
            hint = f" Set the folder to '{root / 'val'}'." if (root / "val").is_dir() else ""
            raise BadDataError(f"Expected images in the class folders of '{root}' but found none.{hint}")
        entries = [entry for entry in every if partition.split_of(entry.key) == split]
        if subset is not None:
            entries = pick_balanced(entries, subset, seed)
        super().__init__(list(named.values()), entries, transform, max_pixels)


def _class_folders(root: Path) -> list[str]:
    if not root.is_dir():
        raise DataNotFoundError(
            f"Folder '{root}' is missing; request ImageNet at https://www.image-net.org/download.php and "
            "unpack ILSVRC2012_img_val.tar into class folders."
        )
    folders = [path.name for path in list_folder(root) if path.is_dir() and path.name[0] != "."]
    if not folders and any(path.suffix.lower() in _IMAGE for path in root.iterdir()):
        raise BadDataError(
            f"Expected class folders in '{root}' but got images in one flat folder; move each image into the "
            "folder of its class, n01440764 and so on, as LOC_val_solution.csv or valprep.sh says."
        )
    if not folders:
        raise BadDataError(f"Expected class folders in '{root}' but it is empty.")
    return folders


def _class_names(root: Path, folders: Sequence[str], file: Path | str | None) -> dict[str, str]:
    """Name of each class by its folder, in label order."""
    if file is not None:
        named = _read_names(Path(file))
        strangers = [folder for folder in folders if folder not in named]
        if strangers:
            raise BadDataError(f"Expected class folders that '{file}' names but got {strangers[:3]}.")
        return named
    if not any(_is_synset(folder) for folder in folders):
        return {folder: folder.replace("_", " ") for folder in folders}
    named = imagenet_names()
    strangers = [folder for folder in folders if folder not in named]
    if strangers and all(_is_synset(folder) for folder in folders):
        raise SettingError(
            f"Expected folders of ImageNet's 1,000 synsets but {len(strangers):,} of {len(folders):,} are "
            f"others, first {strangers[:3]}; set imagenet.class_names to a list with lines such as "
            "'n01440764 tench' (LOC_synset_mapping.txt)."
        )
    if strangers:
        raise BadDataError(
            f"Expected class folders such as n01440764 alone in '{root}' but got {strangers[:3]} "
            "beside them; move those away."
        )
    return named


def _is_synset(folder: str) -> bool:
    return re.fullmatch(r"n\d{8}", folder) is not None


def imagenet_names() -> dict[str, str]:
    """open_clip's name of each of the 1,000 synsets of ILSVRC2012, in the order of the labels."""
    import open_clip
    from timm.data.imagenet_info import ImageNetInfo

    # Synsets in label order are sorted: so are folders, and so label and folder belong together.
    synsets: list[str] = ImageNetInfo("imagenet-1k").label_names()  # type: ignore[no-untyped-call]
    return dict(zip(synsets, open_clip.IMAGENET_CLASSNAMES, strict=True))


def _read_names(path: Path) -> dict[str, str]:
    named: dict[str, str] = {}
    for number, line in read_lines(path, "name a list such as ImageNet's LOC_synset_mapping.txt."):
        folder, _, synonyms = line.partition(" ")
        name = synonyms.split(",")[0].strip()
        if not name:
            raise BadDataError(f"Expected 'n01440764 tench' but line {number} of '{path}' is '{line}'.")
        named[folder] = name
    return dict(sorted(named.items()))
