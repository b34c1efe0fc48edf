"""One pass over the forget and the retain pairs, in parts: written down on the way and taken up again."""

import time
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from slug_lightning.errors import NonFiniteError
from slug_lightning.unlearning.gradients import ROLES, GradientAccumulator, Gradients, Role, RoleMean
from slug_lightning.unlearning.moments import Moments
from slug_lightning.unlearning.processes import Processes
from slug_lightning.unlearning.progress import Progress

MOST_OVERHEAD = 0.05  # share of the time that writing may take


class GradientPass:
    """Sums, positions and counts of the pass on this process.

    Between two writings every process has sums of its own. Writing adds them up on the first process, and the
    others go on from zero: so the file does not depend on the number of processes.

    Args:
        weights: The candidate layers by name.
        processes: The processes that share the work.
        earlier: What an earlier run has done, on the first process; ``None`` elsewhere, or to begin anew.
        groups: Groups that are done already by role, on every process.
        totals: Number of groups by role.
        scratch: Folder for the sums of a finished role while the other one goes on.
        known: Roles whose means are there already; nothing of them is left to do.
        moments: See ``GradientAccumulator``; they are in no progress, so such a pass is not to be written.
    """

    def __init__(
        self,
        weights: Mapping[str, Tensor],
        processes: Processes,
        earlier: Progress | None,
        groups: Mapping[Role, int],
        totals: Mapping[Role, int],
        scratch: Path,
        known: Mapping[Role, RoleMean] | None = None,
        moments: Moments | None = None,
    ) -> None:
        self.accumulator = GradientAccumulator(weights, moments)
        self.processes = processes
        self.groups = {role: groups.get(role, 0) for role in ROLES}
        self.totals, self.scratch, self.known = dict(totals), scratch, dict(known or {})
        self.skipped: dict[str, dict[str, int]] = {role: {} for role in ROLES}
        self._complete: set[Role] = set()  # their sums are those of all processes
        self._failure: NonFiniteError | None = None
        self._written = dict(self.groups)
        self._started = time.monotonic()
        self._spent = 0.0
        if earlier is not None:
            self._take_up(earlier)
        for role in ROLES:
            if role in self.known:
                self.groups[role], self.skipped[role] = totals[role], dict(self.known[role].skipped)
                self._complete.add(role)
            elif self.groups[role] >= self.totals[role]:
                self._share(role)

    def add(self, role: Role, loss: Tensor, pairs: int, batch: str, scale: float = 1.0) -> None:
        """Add a batch; see ``GradientAccumulator.backward``.

        With several processes an error waits for the end of the role, so that none is left waiting.
        """
        try:
            self.accumulator.backward(role, loss, pairs, batch, scale)
        except NonFiniteError as error:
            if self.processes.size == 1:
                raise
            self._failure = self._failure or error

    def advance(self, role: Role, groups: int, skipped: Mapping[str, int]) -> None:
        """Note that ``groups`` more groups of a role were seen over all processes.

        Args:
            role: The role.
            groups: How many; may reach beyond the last one.
            skipped: Counts of this process's unusable pairs.
        """
        self.groups[role] = min(self.groups[role] + groups, self.totals[role])
        for reason, count in skipped.items():
            self.skipped[role][reason] = self.skipped[role].get(reason, 0) + count

    def finish_role(self, role: Role) -> None:
        """Sum a role over all processes, now that each has seen its last group.

        Raises:
            NonFiniteError: On every process, if a gradient was not finite on any.
        """
        self._fail_together()
        if role not in self._complete:
            self._collect(role, keep=True)
            self._close(role)

    def finish(self, header: Mapping[str, str]) -> Gradients:
        """The mean gradients; see ``GradientAccumulator.finish``."""
        return self.accumulator.finish(header, self.known)

    def is_due(self, every: int) -> bool:
        """Whether it is time to write: ``every`` groups since the last time, and it costs little."""
        fresh = sum(self.groups[role] - self._written[role] for role in ROLES)
        since = time.monotonic() - self._started
        return fresh >= every and self._spent <= MOST_OVERHEAD * since

    def write(self, path: Path, key: str) -> None:
        """Write the progress on the first process; every process takes part.

        Args:
            path: The file.
            key: What the gradients are of.
        """
        self._fail_together()
        started = time.monotonic()
        for role in ROLES:
            if role not in self._complete:
                self._collect(role, keep=self.processes.first)
        if self.processes.first:
            self.progress().save(path, key)
        self._spent += time.monotonic() - started
        self._written = dict(self.groups)

    def progress(self) -> Progress:
        """What this pass has done so far, as this process knows it, without what was known before."""
        a, groups, skipped = self.accumulator, dict(self.groups), dict(self.skipped)
        for role in self.known:
            groups[role], skipped[role] = 0, {}
        return Progress(a.sums, a.pairs, a.loss_sums, groups, skipped)

    def _collect(self, role: Role, keep: bool) -> None:
        if self.processes.size == 1:
            return
        self.accumulator.reduce_(role, self.processes.sum, keep)
        self.skipped[role] = self.processes.sum_counts(self.skipped[role])
        if not keep:
            self.skipped[role] = {}

    def _take_up(self, earlier: Progress) -> None:
        for role in ROLES:
            self.accumulator.sums[role] = dict(earlier.sums[role])
            self.accumulator.pairs[role] = earlier.pairs[role]
            self.accumulator.loss_sums[role] = earlier.loss_sums[role]
            self.skipped[role] = dict(earlier.skipped[role])

    def _share(self, role: Role) -> None:
        """The sums of a role that was complete before are needed by every process."""
        a, first = self.accumulator, self.processes.from_first
        if self.processes.size > 1:
            a.bring(role)
        for total in a.sums[role].values():
            self.processes.copy_from_first_(total)
        a.pairs[role], a.loss_sums[role] = first((a.pairs[role], a.loss_sums[role]))
        self.skipped[role] = first(self.skipped[role])
        self._close(role)

    def _close(self, role: Role) -> None:
        """A complete role has its sums set aside, unless there is no other to make room for."""
        self._complete.add(role)
        if len(self._complete) < len(ROLES):
            self.accumulator.set_aside(role, self.scratch)

    def _fail_together(self) -> None:
        for message in self.processes.gather(str(self._failure) if self._failure else None):
            if message is not None:
                raise NonFiniteError(message)
