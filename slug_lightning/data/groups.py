"""Groups of pairs in batches: the unit of work that is dealt to ranks and workers.

Group ``g`` is the samples with numbers ``g * group_size`` up to ``(g + 1) * group_size - 1`` of the
shards, or of a sample of them, less those that are unusable or excluded, and a batch is
``groups_per_batch`` groups that follow each other. So the same groups, in the same batches, exist on any
number of processes.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Literal

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from slug_lightning.data.captions import fold
from slug_lightning.data.census import Census
from slug_lightning.data.images import MAX_PIXELS, decode_image
from slug_lightning.data.overlap import Overlap, refuse_pair
from slug_lightning.data.ranges import Numbered, read_ranges
from slug_lightning.data.reasons import BadMemberError, SkipReason
from slug_lightning.data.shards import Missing
from slug_lightning.errors import SettingError

Role = Literal["forget", "retain"]
PADDING = -1  # group number of a batch that only evens out ranks


class GroupedPairs(IterableDataset[dict[str, Any]]):
    """Batches of image-text pairs, one or more groups each; for ``DataLoader(batch_size=None)``.

    Batch ``b``, counted from ``first_group``, belongs to rank ``b % world_size``. Every rank yields the same
    number of batches, in the order of their groups, for any number of workers; ranks that run out of groups
    yield empty batches.

    Args:
        census: Counts of the shards.
        group_size: Samples a group; the last one may have fewer.
        transform: Makes a ``(3, H, W)`` float tensor of an RGB image.
        tokenize: Makes ``(B, T)`` int64 token ids of captions.
        role: Role written into each batch.
        rank: This process, from 0.
        world_size: Number of processes.
        exclude: Pairs whose folded caption it finds are left out, and counted as ``excluded``; see
            ``concept_pattern``. They keep their numbers.
        caption: Replaces each caption; forget pairs only, since retain pairs need captions of their own.
        max_pixels: Larger images are skipped.
        first_group: Groups before it are left out, to continue an earlier run.
        groups_per_batch: Groups that are decoded and encoded together; it does not change what a group is.
        measured: Names of the images that figures rest on, by the SHA-256 of their files.
        overlap: Whether a pair with such an image is an error, or counted as ``measured`` and left out.
        missing: Whether shards that disappear or change while they are read stop the run, or are counted
            as ``lost``.

    Yields:
        ``{"image": (B, 3, H, W) float32, "text": (B, T) int64, "key": list[str], "role": str, "group": int,
        "groups": int, "sizes": list[int], "skipped": dict[str, int]}``; ``group`` is the number of the first
        group (-1 for padding), ``groups`` how many groups all ranks have in their batches of this turn,
        ``sizes`` the pairs of each group that has any, in order, and ``skipped`` counts by reason. B may
        be 0.

    Raises:
        SettingError: If numbers are out of range, or ``caption`` is given for retain pairs.
    """

    def __init__(
        self,
        census: Census,
        group_size: int,
        transform: Callable[[Image.Image], Tensor],
        tokenize: Callable[[list[str]], Tensor],
        role: Role,
        rank: int = 0,
        world_size: int = 1,
        exclude: re.Pattern[str] | None = None,
        caption: Callable[[str], str] | None = None,
        max_pixels: int = MAX_PIXELS,
        first_group: int = 0,
        groups_per_batch: int = 1,
        missing: Missing = "refuse",
        measured: Mapping[bytes, str] | None = None,
        overlap: Overlap = "refuse",
    ) -> None:
        if group_size < 1 or groups_per_batch < 1:
            raise SettingError(
                "Expected a group_size and groups_per_batch of at least 1 but got "
                f"{group_size} and {groups_per_batch}."
            )
        if not 0 <= rank < world_size:
            raise SettingError(f"Expected a rank in [0, {world_size}) but got {rank}.")
        if caption is not None and role == "retain":
            raise SettingError(
                "Expected retain pairs with captions of their own but got a caption for all of them; "
                "set it for forget pairs only."
            )
        self.census = census
        self.group_size = group_size
        self.transform = transform
        self.tokenize = tokenize
        self.role: Role = role
        self.rank = rank
        self.world_size = world_size
        self.exclude = exclude
        self.caption = caption
        self.max_pixels = max_pixels
        self.first_group = first_group
        self.groups_per_batch = groups_per_batch
        self.missing: Missing = missing
        self.measured, self.overlap = dict(measured or {}), overlap

    @property
    def groups(self) -> int:
        """Number of groups in the shards, over all ranks, those before ``first_group`` included."""
        return -(-self.census.samples // self.group_size)

    def __len__(self) -> int:
        left = max(0, self.groups - self.first_group)
        return -(-left // (self.groups_per_batch * self.world_size))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        info = get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        mine = [self._first_of(j * self.world_size + self.rank) for j in range(len(self))][worker::workers]
        real = [group for group in mine if group < self.groups]
        spans = [span for group in real for span in self._spans(group)]
        samples = read_ranges(self.census, spans, self.missing)
        for group, members in groupby(samples, key=self._batch_of):
            yield self._batch(group, members)
        for _ in mine[len(real) :]:
            yield self.empty_batch()

    def empty_batch(self) -> dict[str, Any]:
        """A batch without pairs."""
        return self._batch(PADDING, ())

    def _first_of(self, batch: int) -> int:
        """Number of the first group of a batch."""
        return self.first_group + batch * self.groups_per_batch

    def _batch_of(self, numbered: Numbered) -> int:
        """Number of the first group of the batch that a sample belongs to."""
        return self._first_of((self._group_of(numbered) - self.first_group) // self.groups_per_batch)

    def _group_of(self, numbered: Numbered) -> int:
        return self.census.place(numbered.number) // self.group_size

    def _spans(self, group: int) -> list[range]:
        start = group * self.group_size
        return self.census.spans(start, start + self.groups_per_batch * self.group_size)

    def _batch(self, group: int, samples: Iterable[Numbered]) -> dict[str, Any]:
        images, captions, keys = [], [], []
        sizes: Counter[int] = Counter()  # in the order of the groups
        skipped: dict[str, int] = {}
        for numbered in samples:
            try:
                image, caption = self._read(numbered)
            except BadMemberError as error:
                skipped[error.reason.value] = skipped.get(error.reason.value, 0) + 1
            else:
                images.append(image)
                captions.append(caption)
                keys.append(numbered.sample.key)
                sizes[self._group_of(numbered)] += 1
        return {
            "image": torch.stack(images) if images else self._no_images(),
            "text": self.tokenize(captions) if captions else self.tokenize(["-"])[:0],
            "key": keys,
            "role": self.role,
            "group": group,
            "groups": self.groups_per_batch * self.world_size,
            "sizes": list(sizes.values()),
            "skipped": skipped,
        }

    def _read(self, numbered: Numbered) -> tuple[Tensor, str]:
        caption = numbered.sample.caption()
        if self.exclude is not None and self.exclude.search(fold(caption)):
            raise BadMemberError(SkipReason.EXCLUDED)
        file = numbered.sample.image_file()
        image = decode_image(file, self.max_pixels)
        if self.measured and (name := self.measured.get(hashlib.sha256(file).digest())):
            if self.overlap == "refuse":
                raise refuse_pair(numbered.sample.key, self.role, name)
            raise BadMemberError(SkipReason.MEASURED)
        return self.transform(image), caption if self.caption is None else self.caption(caption)

    def _no_images(self) -> Tensor:
        return self.transform(Image.new("RGB", (8, 8)))[None][:0]
