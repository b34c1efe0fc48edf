"""``slug curate``: from a concept to a forget set."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from slug_lightning.cli.typed_function import run_function
from slug_lightning.errors import BadDataError, SettingError, SlugError

if TYPE_CHECKING:
    from slug_lightning.curation.curate import Outcome
    from slug_lightning.curation.forget_set import ForgetSet
    from slug_lightning.curation.source import Source


def curate(
    concept: str,
    out: Path = Path("data/forget"),
    shards: list[str] | None = None,
    images: Path | None = None,
    table: Path | None = None,
    dataset: Path | None = None,
    aliases: list[str] | None = None,
    regex: str | None = None,
    limit: int | None = None,
    deduplicate: bool = False,
    retain: int = 0,
    retain_sources: int = 10,
    seed: int = 0,
    clip_model: str | None = None,
    clip_pretrained: str | None = None,
    min_similarity: float | None = None,
    clip_device: str = "cpu",
    dry_run: bool = False,
    overwrite: bool = False,
    index: bool = True,
    missing_shards: Literal["refuse", "skip"] = "refuse",
    max_pixels: int = 32_000_000,
    image_column: str | None = None,
    caption_column: str = "caption",
    url_column: str = "url",
    executor: Literal["local", "ray"] = "local",
    workers: int = 1,
) -> int:
    """Write the pairs whose caption names a concept to OUT/CONCEPT/, with a manifest.

    The folder has img2dataset's layout and is what data.forget_shards of slug fit expects:
    OUT/{concept}/*.tar. Names are found as whole words, whatever their case and accents: art does not match
    Bart. Give --shards, or --images with --table, or --dataset. The same command gives the same bytes; one
    that was interrupted goes on where it stopped.

    Args:
        concept: What to forget; also names the folder ("Elon Musk": OUT/Elon_Musk).
        out: Folder of forget sets.
        shards: Tars in img2dataset's layout, one or several: paths, ranges ('laion/{00000..09539}.tar'),
            globs or urls. Captions are searched in the parquet beside each tar, and only tars with matches
            are opened; without parquet the tars are read.
        images: Folder of images.
        table: CSV, TSV or JSON Lines file with a row for each image.
        dataset: Folder that save_to_disk of Hugging Face datasets wrote.
        aliases: Other names of the concept, one or several; quote those with spaces.
        regex: Python pattern for what names do not cover, held against captions in lower case and without
            accents.
        limit: At most so many pairs; the search stops there.
        deduplicate: Keep one pair of those with the same image (SHA-256).
        retain: Also draw so many pairs that do not name the concept, into OUT/CONCEPT/retain.
        retain_sources: Shards that these are drawn from, as long as they have enough.
        seed: Of that draw.
        clip_model: Measure how well image and caption fit, with this model: open_clip name, local-dir:PATH or
            miniature.
        clip_pretrained: Its open_clip tag or weights file.
        min_similarity: Drop pairs whose cosine is below.
        clip_device: Where the model runs: cpu, cuda, ...
        dry_run: Write nothing but a contact sheet, OUT/CONCEPT_dry_run.png, and print the counts.
        overwrite: Replace a forget set of the same concept that has other settings.
        index: Search the parquet files; false reads every caption from the tars.
        missing_shards: Whether shards that are not there stop the run or are reported.
        max_pixels: Larger images are left out.
        image_column: Column of the images: file names in a table (default file_name), images in a data set
            (default image).
        caption_column: Column of the captions.
        url_column: Column of the urls; need not be there.
        executor: local, or ray for the Ray cluster at RAY_ADDRESS, or here.
        workers: Processes; the result does not depend on it.
    """
    from slug_lightning.curation.curate import curate as run_curation
    from slug_lightning.curation.executors import open_executor
    from slug_lightning.curation.query import Query
    from slug_lightning.curation.settings import CurationSettings

    concept = " ".join(concept.replace("_", " ").split())  # as slug fit spells it
    query = Query(concept, tuple(aliases or ()), regex, max_pixels=max_pixels)
    settings = CurationSettings(
        limit,
        deduplicate,
        clip_model,
        clip_pretrained,
        min_similarity,
        clip_device,
        retain,
        retain_sources,
        seed,
    )
    columns = (image_column, caption_column, url_column)
    sources = _sources(shards, images, table, dataset, columns, index, missing_shards)
    given = {
        "shards": shards,
        "images": images,
        "table": table,
        "dataset": dataset,
        "index": index,
        "columns": None if shards else columns,
    }
    try:
        with open_executor(executor, workers) as runner, _progress(len(sources)) as watch:
            outcome = run_curation(query, sources, out, settings, given, runner, dry_run, overwrite, watch)
    except SlugError:
        raise
    except OSError as error:
        raise BadDataError(f"Expected a folder to write to but got '{out}': {error}.") from error
    _tell(outcome, concept, retain)
    return 0


@contextmanager
def _progress(sources: int) -> "Iterator[Callable[[ForgetSet], None] | None]":
    """A bar on a terminal, for as many sources as take a while."""
    if sources < 2 or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("searching", total=sources)

        def watch(forget: "ForgetSet") -> None:
            progress.update(task, completed=len(forget.sources), description=f"{len(forget.kept):,} pairs")

        yield watch


def _sources(
    shards: list[str] | None,
    images: Path | None,
    table: Path | None,
    dataset: Path | None,
    names: tuple[str | None, str, str],
    index: bool,
    missing: Literal["refuse", "skip"],
) -> "Sequence[Source]":
    """The one kind of source that was asked for."""
    from slug_lightning.curation.table import Columns

    kinds = [shards is not None, images is not None or table is not None, dataset is not None]
    if sum(kinds) != 1 or (images is None) != (table is None):
        raise SettingError(
            "Expected one of --shards, --images with --table, or --dataset; name what to search."
        )
    image, caption, url = names
    if shards is not None:
        from slug_lightning.curation.tar_source import TarSource
        from slug_lightning.data.shards import expand_shards

        return [TarSource(shard, index, missing) for shard in expand_shards(shards, missing)]
    if dataset is not None:
        from slug_lightning.curation.dataset_source import dataset_sources

        return dataset_sources(dataset, Columns(image or "image", caption, url))
    from slug_lightning.curation.folder_source import folder_sources

    assert images is not None
    assert table is not None
    return folder_sources(images, table, Columns(image or "file_name", caption, url))


def _tell(outcome: "Outcome", concept: str, retain: int) -> None:
    """Say in a few lines what was done."""
    forget = outcome.forget
    searched = f"{forget.pairs:,} captions in {_sources_of(forget)}"
    if forget.resumed:
        searched += f" ({forget.resumed:,} of them searched before the interruption)"
    print(f"{len(forget.kept):,} pairs name {concept!r}, out of {searched}.")
    if forget.left_out:
        print(f"Left out: {_counts(forget.left_out)}.")
    if forget.lookalikes:
        print(
            "Not taken for it, for example: " + "; ".join(repr(caption[:60]) for caption in forget.lookalikes)
        )
    for problem in forget.problems[:3]:
        print(problem, file=sys.stderr)
    if len(forget.problems) > 3:
        print(f"{len(forget.problems) - 3:,} more problems are in the manifest.", file=sys.stderr)
    if retain and outcome.sheet is None:
        left_out = f" Left out: {_counts(outcome.retain.left_out)}." if outcome.retain.left_out else ""
        print(f"Retain sample: {len(outcome.retain.kept):,} of {retain:,} pairs.{left_out}")
    if outcome.sheet is not None:
        print(f"{outcome.sheet}: look at it; nothing else was written.")
    else:
        print(f"{outcome.folder}: digest {outcome.digest[:12]}, all of it in manifest.json.")


def _sources_of(forget: "ForgetSet") -> str:
    return f"{len(forget.sources):,} source{'s' if len(forget.sources) != 1 else ''}"


def _counts(counts: "dict[str, int]") -> str:
    return ", ".join(f"{number:,} {reason}" for reason, number in sorted(counts.items()))


EXAMPLES = """examples:
  slug curate --concept "Elon Musk" --shards 'data/laion/laion400m/{00000..09539}.tar' --out data/forget
  slug curate --concept "Elon Musk" --aliases "Musk, Elon" @elonmusk --retain 10000 --workers 8 \\
      --shards 's3://bucket/laion/{00000..00099}.tar'
  slug curate --concept "Elon Musk" --images photos --table photos.csv --dry-run
"""


def run(words: Sequence[str]) -> int:
    """Parse and run."""
    return run_function(curate, words[1:], "slug curate", epilog=EXAMPLES)
