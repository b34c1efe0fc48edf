"""The data of one deletion: pairs for the gradients, images for the search and for the final figures."""

import hashlib
import re
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal

import lightning.pytorch as pl
from torch import Tensor
from torch.utils.data import DataLoader

from slug_lightning.data.accounts import account, check_skipped, missing_pairs
from slug_lightning.data.captions import concept_folder, concept_pattern
from slug_lightning.data.census import Census, take_census
from slug_lightning.data.census_cache import CensusCache
from slug_lightning.data.evaluation import evaluation_loader
from slug_lightning.data.evaluation_sets import EvaluationSets, collecting
from slug_lightning.data.groups import GroupedPairs, Role
from slug_lightning.data.images import MAX_PIXELS
from slug_lightning.data.labelled import LabelledImages
from slug_lightning.data.late import LatePreprocess
from slug_lightning.data.lists import read_every_line
from slug_lightning.data.members import is_local
from slug_lightning.data.overlap import (
    Digests,
    Overlap,
    evaluation_account,
    measured_images,
    separate,
    take_digests,
)
from slug_lightning.data.partition import Split
from slug_lightning.data.phased import PhasedLoader
from slug_lightning.data.retained_captions import retained_captions
from slug_lightning.data.sampling import sample_pairs
from slug_lightning.data.settings import ExtraSettings, IdentitySettings, ImageNetSettings
from slug_lightning.data.shards import Missing
from slug_lightning.data.showing import Sample
from slug_lightning.errors import BadDataError, DataNotFoundError, SettingError


def _always(caption: str, original: str) -> str:
    """A caption whatever the original was; a named function, so that loader processes can receive it."""
    del original
    return caption


def _digest_of(measured: Mapping[bytes, str]) -> str:
    return hashlib.sha256(b"".join(sorted(measured))).hexdigest()


class UnlearningDataModule(pl.LightningDataModule):
    """Pairs for the gradient pass and images for the figures of one concept.

    Args:
        concept: Name of what to forget, as the identity file, or the data set ``concept_in``, spells it.
        forget_shards: Shards of forget pairs; ``{concept}`` stands for the concept's folder name.
        retain_shards: Shards of what must stay; pairs whose caption names the concept are left out.
        identities: Images by name, or ``None``.
        imagenet: Images by class, or ``None``.
        extra: Further sets that must keep their accuracy, in CLIP_benchmark's webdataset layout.
        concept_in: Data set whose names the concept is among: ``identities`` (a person), ``imagenet`` (an
            object or a style), or the name of an extra set that the search looks at.
        concepts: Several concepts that ``slug fit`` unlearns in one run, in place of ``concept``.
        order: Whether they are unlearned ``joint``, each at the original weights, or ``sequential``, each at
            the weights without those before it.
        root: Folder that relative paths start from.
        aliases: Other spellings of the concept, left out of the retain pairs as well.
        concept_regex: Pattern for what names do not cover, left out of the retain pairs as well; see
            ``concept_pattern``.
        others: Further concepts that go with this one: left out of the retain pairs and of the identities
            that must stay.
        left_out: Further names that are left out of the retain pairs alone: what other requests of a sweep
            are about; or a text file with one a line, so that the run's files do not tell them.
        group_size: Retain pairs that share one InfoNCE.
        groups_per_batch: Retain groups that are encoded together: faster, in more memory; the same result.
        forget_batch_size: Forget pairs per batch; does not change the result.
        retain_limit: Use only the first so many retain samples.
        retain_sample: Use a random sample of so many retain samples (of the first ``retain_limit``).
        forget_sample: The same for forget samples.
        sample_seed: Which samples these are.
        forget_caption: Format string that replaces the captions of forget pairs, e.g. ``"{}."``.
        search_share: Share of evaluation images the search may look at, where no partition file says.
        eval_batch_size: Evaluation images per batch.
        num_workers: Processes that decode.
        max_bad_share: Largest share of unreadable pairs, and of unreadable shards, in ``[0, 1]``; above it
            the run stops.
        incomplete_shards: ``skip`` (count and report) or ``refuse`` shards that are cut short.
        missing_shards: The same for shards that are not there, or disappear or change while they are read.
        max_pixels: Larger images are skipped.
        overlap: What happens to an image file that would serve twice, as a pair of the gradients, in the
            search or for the final figures: ``refuse``, ``leave_out`` (it serves the later purpose alone) or
            ``allow``.
        census_cache: Folder in which counts of unchanged shards are remembered; by default all are counted in
            every run. See ``CensusCache``.
        seed: Of samples and partitions.
    """

    def __init__(
        self,
        concept: str,
        forget_shards: str | list[str],
        retain_shards: str | list[str],
        identities: IdentitySettings | None = IdentitySettings(),
        imagenet: ImageNetSettings | None = None,
        extra: list[ExtraSettings] | None = None,
        concept_in: str = "identities",
        concepts: list[str] | None = None,
        order: Literal["joint", "sequential"] = "joint",
        root: Path = Path(),
        aliases: list[str] | None = None,
        concept_regex: str | None = None,
        others: list[str] | None = None,
        left_out: list[str] | str | None = None,
        group_size: int = 64,
        groups_per_batch: int = 1,
        forget_batch_size: int = 64,
        retain_limit: int | None = None,
        retain_sample: int | None = None,
        forget_sample: int | None = None,
        sample_seed: int = 0,
        forget_caption: str | None = None,
        search_share: float = 0.2,
        eval_batch_size: int = 128,
        num_workers: int = 0,
        max_bad_share: float = 0.1,
        incomplete_shards: Missing = "skip",
        missing_shards: Missing = "refuse",
        max_pixels: int = MAX_PIXELS,
        overlap: Overlap = "refuse",
        census_cache: Path | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if not concept.strip():
            raise SettingError("Expected data.concept to name what to forget, but it is empty.")
        if concepts and concepts != [concept]:
            raise SettingError(
                f"Expected one concept per data module, but got data.concepts={concepts}. "
                "slug fit makes one run of each."
            )
        if not 0 <= max_bad_share <= 1:
            raise SettingError(f"Expected data.max_bad_share in [0, 1], but got {max_bad_share}.")
        self.concept = " ".join(concept.replace("_", " ").split())  # as the identity reader spells names
        self.aliases, self.others, self.root = list(aliases or []), list(others or []), Path(root)
        self.concept_regex, self.left_out = concept_regex, left_out or []
        self.shards = {"forget": forget_shards, "retain": retain_shards}
        self.group_sizes: dict[Role, int] = {"forget": forget_batch_size, "retain": group_size}
        self.groups_per_batch: dict[Role, int] = {"forget": 1, "retain": groups_per_batch}
        self.retain_limit, self.forget_caption = retain_limit, forget_caption
        self.samples_of = {"forget": forget_sample, "retain": retain_sample}
        self.sample_seed = sample_seed
        self.num_workers = num_workers
        self.eval_batch_size, self.max_pixels = eval_batch_size, max_pixels
        self.max_bad_share, self.incomplete = max_bad_share, incomplete_shards
        self.missing_shards, self.census_cache = missing_shards, census_cache
        self.overlap, self.digests = overlap, Digests()
        self.census: dict[str, Census] = {}
        self._preprocess = LatePreprocess()
        self.evaluation = EvaluationSets(
            self.concept,
            concept_in,
            self.others,
            identities,
            imagenet,
            tuple(extra or []),
            self.root,
            self._preprocess,
            search_share,
            seed,
            max_pixels,
        )
        self._tokenize: Callable[[list[str]], Tensor] | None = None

    def look(self) -> None:
        """Find all data, before a model is loaded or a file written.

        Raises:
            DataNotFoundError: Naming everything that is missing at once.
            ConceptNotFoundError: If no identity has the concept's name.
            SettingError: If ``concept_regex`` is none.
        """
        self._pattern()
        if not self.sets:
            self._find()
            self.evaluation.divide()

    def separate(self) -> None:
        """Have the images of gradients, search and final figures apart; before a search.

        Raises:
            BadDataError: If search and final figures share an image and ``overlap`` refuses that.
        """
        if not self.digests:
            self.digests = take_digests(self.evaluation)
            separate(self.evaluation, self.digests, self.overlap)

    def setup(self, stage: str) -> None:
        """Called by Lightning on every process."""
        del stage
        self.look()
        clip = self.trainer.lightning_module.load()  # type: ignore[union-attr, operator]
        self.bind(clip.preprocess, clip.tokenize)

    def bind(self, preprocess: Callable[[Any], Tensor], tokenize: Callable[[list[str]], Tensor]) -> None:
        """Set how images and captions become tensors; for use without a trainer."""
        self._preprocess.bind(preprocess)
        self._tokenize = tokenize

    def _find(self) -> None:
        missing: list[str] = []
        cache = self._path(self.census_cache)
        count = None if cache is None else CensusCache(cache).count
        for role, shards in self.shards.items():
            limit = self.retain_limit if role == "retain" else None
            with collecting(missing):
                self.census[role] = take_census(
                    self._expand(shards),
                    limit,
                    self.incomplete,
                    self.missing_shards,
                    self.max_bad_share,
                    count,
                )
                sample = self.samples_of[role]
                if sample is not None:
                    self.census[role] = sample_pairs(self.census[role], sample, self.sample_seed)
        self.evaluation.open(missing)
        if missing:
            raise DataNotFoundError(" ".join(dict.fromkeys(missing)))

    def _expand(self, shards: str | list[str]) -> list[str]:
        """Fill in the concept's folder name; relative paths start from ``root``, urls stay."""
        patterns = [shards] if isinstance(shards, str) else shards
        filled = [pattern.replace("{concept}", concept_folder(self.concept)) for pattern in patterns]
        return [str(self.root / p) if is_local(p) else p for p in filled]

    def _path(self, path: Path | None) -> Path | None:
        return None if path is None else self.root / path

    @property
    def sets(self) -> dict[tuple[Split, str], LabelledImages]:
        """Evaluation images by split and data set: ``forget`` and those that must stay."""
        return self.evaluation.parts

    @property
    def concept_in(self) -> str:
        """Data set whose names the concept is among."""
        return self.evaluation.concept_in

    def classifier_of(self, dataset: str) -> str:
        """Name of the classifier that scores a data set."""
        return self.evaluation.classifier_of(dataset)

    @property
    def concept_label(self) -> int:
        """Label of the concept among the names of its data set."""
        return self.evaluation.concept_label

    @property
    def loader_names(self) -> list[tuple[Split, str]]:
        """Split and data set of each validation loader, in their order."""
        return list(self.sets)

    def class_names(self, classifier: str) -> list[str]:
        """Names that a classifier chooses among: ``identities``, ``imagenet`` or that of an extra set."""
        return self.evaluation.class_names(classifier)

    def prompts(self) -> dict[str, list[list[str]]]:
        """Prompts per classifier: one row per class, one entry per template."""
        return self.evaluation.prompts()

    @property
    def groups(self) -> dict[Role, int]:
        """Number of groups by role; those of forget pairs are plain batches."""
        return {role: -(-self.census[role].samples // size) for role, size in self.group_sizes.items()}

    def pair_settings(self, role: Role) -> dict[str, Any]:
        """All that decides which pairs a role's gradients are of, as plain values."""
        return {
            "digest": self.census[role].digest,
            "samples": self.census[role].samples,
            "group": self.group_sizes[role],
            "captions": self.forget_caption if role == "forget" else self._pattern().pattern,
            "concept": self.concept if role == "forget" else None,
            "drawn": self.samples_of[role] and [self.samples_of[role], self.sample_seed],
            "measured": self.overlap != "allow" and _digest_of(self.measured),
            "max_pixels": self.max_pixels,
            "preprocess": repr(self._preprocess),
        }

    @property
    def names(self) -> list[str]:
        """What is left out of the retain pairs: the concept, its aliases, what others are about."""
        return list(dict.fromkeys([self.concept, *self.aliases, *self.others, *self._further]))

    @cached_property
    def _further(self) -> list[str]:
        if not isinstance(self.left_out, str):
            return self.left_out
        lines = read_every_line(self.root / self.left_out, "name another as data.left_out, or make it again.")
        return [line for line in lines if line]

    @property
    def measured(self) -> dict[bytes, str]:
        """Images that no gradient may see, by the SHA-256 of their files."""
        return {} if self.overlap == "allow" else measured_images(self.digests)

    def train_dataloader(self) -> PhasedLoader:
        """Forget pairs, then retain pairs, each group once, dealt to processes by number.

        Groups that an earlier run has done are left out (``first_groups`` of the module).
        """
        forget, retain = self.pairs("forget"), self.pairs("retain")
        if not len(forget) + len(retain):  # nothing is left to do, but Lightning ends a run without batches
            return PhasedLoader([{**retain.empty_batch(), "groups": 0}])
        return PhasedLoader(*(self._pair_loader(pairs) for pairs in (forget, retain)))

    def tokenize(self, texts: list[str]) -> Tensor:
        """Token ids ``(B, T)`` of texts, by the tokenizer that was bound."""
        assert self._tokenize is not None
        return self._tokenize(texts)

    def pairs(self, role: Role) -> GroupedPairs:
        """The pairs of a role as the gradient pass reads them; without a trainer, all of them."""
        if role == "retain":
            return self._pairs("retain", exclude=self._pattern())
        template = self.forget_caption
        caption = None if template is None else partial(_always, template.replace("{}", self.concept))
        return self._pairs("forget", caption=caption)

    def _pattern(self) -> re.Pattern[str]:
        """Finds the concept in folded captions: the matcher of ``slug curate``."""
        return concept_pattern(sorted(self.names), self.concept_regex)

    def retained_texts(self, count: int) -> Tensor:
        """Token ids ``(N, T)`` of captions of up to ``count`` retain pairs, the same on every process.

        Raises:
            BadDataError: If none can be used.
        """
        assert self._tokenize is not None
        captions = retained_captions(
            self.census["retain"], count, self.sample_seed, self._pattern(), self.missing_shards
        )
        if not captions:
            raise BadDataError(
                f"Expected captions of retain pairs that do not name {self.names}, but none of {count} drawn "
                "ones can be used. Raise model.contrast_captions, or check data.retain_shards."
            )
        return self._tokenize(captions)

    def forget_pairs(self) -> GroupedPairs:
        """All batches of forget pairs that belong to this process, those of an earlier run among them."""
        return self._pairs("forget", started={})

    def _pairs(self, role: Role, started: Mapping[Role, int] | None = None, **options: Any) -> GroupedPairs:
        trainer = self.trainer
        assert self._tokenize is not None
        if started is None:
            module = None if trainer is None else trainer.lightning_module
            started = getattr(module, "first_groups", {})
        return GroupedPairs(
            self.census[role],
            self.group_sizes[role],
            self._preprocess,
            self._tokenize,
            role,
            rank=0 if trainer is None else trainer.global_rank,
            world_size=1 if trainer is None else trainer.world_size,
            max_pixels=self.max_pixels,
            first_group=started.get(role, 0),
            groups_per_batch=self.groups_per_batch[role],
            missing=self.missing_shards,
            measured=self.measured,
            overlap=self.overlap,
            **options,
        )

    def _pair_loader(self, pairs: GroupedPairs) -> DataLoader[dict[str, Any]]:
        return DataLoader(pairs, batch_size=None, num_workers=self.num_workers)

    def val_dataloader(self) -> list[DataLoader[dict[str, Any]]]:
        """One loader per entry of ``loader_names``; images are dealt to processes by index, none twice."""
        trainer = self.trainer
        assert trainer is not None
        return [
            evaluation_loader(
                images, self.eval_batch_size, trainer.global_rank, trainer.world_size, self.num_workers
            )
            for images in self.sets.values()
        ]

    def check_skipped(self, role: Role, skipped: Mapping[str, int], pairs: int) -> None:
        """Stop if too many pairs could not be used.

        Args:
            role: ``forget`` or ``retain``.
            skipped: Count by reason over all processes.
            pairs: Pairs that were used.

        Raises:
            BadDataError: Above ``max_bad_share``, with the counts.
        """
        check_skipped(role, self.census[role], skipped, self._missing(role), pairs, self.max_bad_share)

    def check_unreadable(self, split: Split, dataset: str, count: int) -> None:
        """Stop if too many evaluation images could not be read.

        Raises:
            BadDataError: Above ``max_bad_share``.
        """
        images = self.sets[split, dataset]
        if count > self.max_bad_share * len(images):
            raise BadDataError(
                f"{count} of {len(images)} {split} images of {dataset!r} could not be read, more than "
                f"data.max_bad_share={self.max_bad_share:g} allows. Look at the images in "
                f"{str(images.entries[0].path.parent)!r}."
            )

    def evaluation_account(self) -> dict[str, Any]:
        """What the figures rest on, and what is done about images that would serve twice."""
        return {"overlap": self.overlap, "sets": evaluation_account(self.evaluation, self.digests)}

    def _missing(self, role: str) -> int:
        """Promised pairs that are not there, as far as they were asked for."""
        limit = self.retain_limit if role == "retain" else None
        return missing_pairs(self.census[role], [limit, self.samples_of[role]])

    @property
    def digest(self) -> str:
        """SHA-256 over the digests of both roles' shards."""
        lines = [f"{role} {census.digest}\n" for role, census in self.census.items()]
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def provenance(self, skipped: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
        """What each role's pairs were: digest, shards, counts by reason, what was incomplete."""
        return {
            role: account(census, skipped.get(role, {}), self._missing(role))
            for role, census in self.census.items()
        }

    @property
    def labels(self) -> dict[str, str]:
        """Display names of metrics."""
        return self.evaluation.labels()

    def samples(self, count: int = 4) -> list[Sample]:
        """Images of the final split to show, ``count`` of each data set but the extra ones."""
        return self.evaluation.samples(count)
