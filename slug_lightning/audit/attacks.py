"""The attacks by name: what runs, what judges, and on which hosts."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Any, Literal, get_args

from slug_lightning.audit import live
from slug_lightning.audit.arithmetic import arithmetic, judge_arithmetic
from slug_lightning.audit.checks import HOST_GOLD, Check, Limits
from slug_lightning.audit.drift import drift, judge_drift
from slug_lightning.audit.findings import Findings
from slug_lightning.audit.host import Host
from slug_lightning.audit.membership import judge_membership, membership
from slug_lightning.audit.neighbours import judge_neighbours, neighbours
from slug_lightning.audit.probe import judge_probe, probe
from slug_lightning.audit.quantisation import judge_quantisation, quantisation
from slug_lightning.audit.relearning import judge_relearning, relearning
from slug_lightning.audit.retrieval import judge_retrieval, retrieval
from slug_lightning.audit.settings import AuditSettings
from slug_lightning.audit.standing import judge_standing, standing
from slug_lightning.audit.wordings import judge_wordings, wordings
from slug_lightning.errors import SettingError, closest
from slug_lightning.hosts.host_attacks import Ability
from slug_lightning.reports.audit_file import CLIP

AttackName = Literal[
    "standing",
    "quantisation",
    "relearning",
    "wordings",
    "arithmetic",
    "neighbours",
    "membership",
    "probe",
    "drift",
    "retrieval",
]
NAMES: tuple[AttackName, ...] = get_args(AttackName)


@dataclass(frozen=True)
class Way:
    """How an attack is made on one kind of host.

    Attributes:
        function: Its docstring is its definition.
        call: Runs it on a host, with settings, concept and seed.
        judge: Holds its findings against limits.
        section: Its own part of the settings, with dots; none for ``""``.
        needs: What the host must offer.
    """

    function: Callable[..., Findings]
    call: Callable[[Any, AuditSettings, str, int], Findings]
    judge: Callable[[Findings, Limits], list[Check]]
    section: str = ""
    needs: tuple[Ability, ...] = ()

    def settings(self, settings: AuditSettings) -> Any:
        """Its own settings, or ``None``."""
        return attrgetter(self.section)(settings) if self.section else None

    @property
    def definition(self) -> str:
        """What it does, from its docstring."""
        return _part(self.function, "Definition")

    @property
    def source(self) -> str:
        """Where it comes from, from its docstring."""
        return _part(self.function, "Source")


def _part(function: Callable[..., Any], title: str) -> str:
    """A paragraph of a docstring that begins with ``title:``, as one line of plain text."""
    text = inspect.getdoc(function) or ""
    found = re.search(rf"^{title}: (.*?)(?=\n\n|\n[A-Z][a-z]+: |\Z)", text, re.DOTALL | re.MULTILINE)
    return "" if found is None else " ".join(found[1].replace("``", "").split())


ON_CLIP: dict[AttackName, Way] = {
    "standing": Way(standing, lambda h, s, c, seed: standing(h), judge_standing),
    "quantisation": Way(
        quantisation,
        lambda h, s, c, seed: quantisation(h, s.quantisation),
        judge_quantisation,
        "quantisation",
    ),
    "relearning": Way(
        relearning, lambda h, s, c, seed: relearning(h, s.relearning, seed), judge_relearning, "relearning"
    ),
    "wordings": Way(wordings, lambda h, s, c, seed: wordings(h, s.wordings, c), judge_wordings, "wordings"),
    "arithmetic": Way(
        arithmetic, lambda h, s, c, seed: arithmetic(h, s.arithmetic), judge_arithmetic, "arithmetic"
    ),
    "neighbours": Way(
        neighbours, lambda h, s, c, seed: neighbours(h, s.neighbours), judge_neighbours, "neighbours"
    ),
    "membership": Way(
        membership, lambda h, s, c, seed: membership(h, s.membership, seed), judge_membership, "membership"
    ),
    "probe": Way(probe, lambda h, s, c, seed: probe(h, s.probe), judge_probe, "probe"),
    "drift": Way(drift, lambda h, s, c, seed: drift(h, s.drift, seed), judge_drift, "drift"),
    "retrieval": Way(
        retrieval, lambda h, s, c, seed: retrieval(h, s.retrieval), judge_retrieval, "retrieval"
    ),
}

ON_HOST: dict[AttackName, Way] = {
    "standing": Way(
        live.standing, lambda h, s, c, seed: live.standing(h), partial(judge_standing, needs=HOST_GOLD)
    ),
    "quantisation": Way(
        live.quantisation,
        lambda h, s, c, seed: live.quantisation(h, s.quantisation),
        judge_quantisation,
        "quantisation",
    ),
    "relearning": Way(
        live.relearning,
        lambda h, s, c, seed: live.relearning(h, s.host.relearning, seed),
        partial(judge_relearning, needs=HOST_GOLD),
        "host.relearning",
        ("lessons",),
    ),
    "wordings": Way(
        live.wordings,
        lambda h, s, c, seed: live.wordings(h),
        partial(judge_wordings, needs=HOST_GOLD),
        needs=("reworded",),
    ),
    "neighbours": Way(
        live.neighbours,
        lambda h, s, c, seed: live.neighbours(h, s.neighbours),
        judge_neighbours,
        "neighbours",
        ("confusion",),
    ),
    "membership": Way(
        live.membership,
        lambda h, s, c, seed: live.membership(h, s.membership, seed),
        judge_membership,
        "membership",
        ("example_losses",),
    ),
    "probe": Way(
        live.probe,
        lambda h, s, c, seed: live.probe(h, s.probe),
        partial(judge_probe, needs=HOST_GOLD),
        "probe",
        ("probing",),
    ),
}


@dataclass(frozen=True)
class Attack:
    """One attack.

    Attributes:
        name: As on the command line.
        on_clip: How it is made on the CLIP.
        on_host: How on a host that carries the patch; ``None`` where that makes no sense.
    """

    name: AttackName
    on_clip: Way
    on_host: Way | None

    def way(self, host: str) -> Way | None:
        """How it is made on a host of this name."""
        return self.on_clip if host == CLIP else self.on_host

    def way_on(self, host: Host) -> Way | None:
        """How it is made on this host; ``None`` if the host does not offer what that needs."""
        way = self.way(host.name)
        return way if way is not None and set(way.needs) <= set(host.abilities) else None


ATTACKS: dict[str, Attack] = {name: Attack(name, way, ON_HOST.get(name)) for name, way in ON_CLIP.items()}


def choose_attacks(names: list[str] | None) -> list[Attack]:
    """The attacks of these names in the order of reports; all for ``None``.

    Raises:
        SettingError: If there is no such attack.
    """
    for name in names or []:
        if name not in ATTACKS:
            near = closest(name, ATTACKS) or list(ATTACKS)
            raise SettingError(f"Expected attacks among {list(ATTACKS)}, but got {name!r}. Closest: {near}.")
    return [attack for name, attack in ATTACKS.items() if names is None or name in names]
