"""The attacks by name: what runs, what judges, and on which hosts."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from slug_lightning.audit.arithmetic import arithmetic, judge_arithmetic
from slug_lightning.audit.checks import Check, Limits
from slug_lightning.audit.drift import drift, judge_drift
from slug_lightning.audit.findings import Findings
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
class Attack:
    """One attack.

    Attributes:
        name: As on the command line; also its field of ``AuditSettings``, if it has one.
        function: Its docstring is its definition.
        call: Runs it on a host, with settings, concept and seed.
        judge: Holds its findings against limits.
        any_host: Whether it runs on hosts other than CLIP.
    """

    name: AttackName
    function: Callable[..., Findings]
    call: Callable[[Any, AuditSettings, str, int], Findings]
    judge: Callable[[Findings, Limits], list[Check]]
    any_host: bool = False

    def settings(self, settings: AuditSettings) -> Any:
        """Its own settings, or ``None``."""
        return getattr(settings, self.name, None)

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


ATTACKS: dict[str, Attack] = {
    attack.name: attack
    for attack in (
        Attack("standing", standing, lambda h, s, c, seed: standing(h), judge_standing, True),
        Attack(
            "quantisation",
            quantisation,
            lambda h, s, c, seed: quantisation(h, s.quantisation),
            judge_quantisation,
            True,
        ),
        Attack(
            "relearning",
            relearning,
            lambda h, s, c, seed: relearning(h, s.relearning, seed),
            judge_relearning,
        ),
        Attack("wordings", wordings, lambda h, s, c, seed: wordings(h, s.wordings, c), judge_wordings),
        Attack("arithmetic", arithmetic, lambda h, s, c, seed: arithmetic(h, s.arithmetic), judge_arithmetic),
        Attack("neighbours", neighbours, lambda h, s, c, seed: neighbours(h, s.neighbours), judge_neighbours),
        Attack(
            "membership",
            membership,
            lambda h, s, c, seed: membership(h, s.membership, seed),
            judge_membership,
        ),
        Attack("probe", probe, lambda h, s, c, seed: probe(h, s.probe), judge_probe),
        Attack("drift", drift, lambda h, s, c, seed: drift(h, s.drift, seed), judge_drift),
        Attack("retrieval", retrieval, lambda h, s, c, seed: retrieval(h, s.retrieval), judge_retrieval),
    )
}


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
