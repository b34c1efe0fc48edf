"""Run the attacks that are not done yet, and write ``audit.json``."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from slug_lightning import __version__
from slug_lightning.atomic import write_text
from slug_lightning.audit.attacks import ATTACKS, Attack, Way
from slug_lightning.audit.findings import Findings
from slug_lightning.audit.host import Host
from slug_lightning.audit.settings import AuditSettings
from slug_lightning.reports.audit_file import write_audit

FORMAT_VERSION = 1
FOLDER = "audit"  # in the run's folder: one file for each attack
RESULT_VERSION = 1  # raise it when the same settings give other findings
Results = dict[str, dict[str, dict[str, Any]]]  # by host and attack: the contents of an attack's file


@dataclass(frozen=True)
class AuditPlan:
    """What is audited, and how.

    Attributes:
        folder: Of the run.
        concept: What was forgotten.
        about: What else ``audit.json`` says of the run: model, layer, step, digests.
        settings: Of the attacks.
        seed: Of everything that is drawn.
        about_data: Digest of the data and how many of each kind are looked at.
    """

    folder: Path
    concept: str
    about: Mapping[str, Any]
    settings: AuditSettings
    seed: int
    about_data: Mapping[str, Any]

    def key(self, attack: Attack, host: Host) -> str:
        """SHA-256 over all that an attack's findings depend on; limits are not among it."""
        way = attack.way(host.name)
        own = None if way is None else way.settings(self.settings)
        content = {
            "version": [RESULT_VERSION, __version__],
            "attack": [host.name, dict(host.account), attack.name],
            "settings": None if own is None else asdict(own),
            "material": asdict(self.settings.material),
            "models": [self.about["patch_sha256"], self.about["base_fingerprint"], self.about["gold"]],
            "data": dict(self.about_data),
            "seed": self.seed,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def file(self, attack: Attack, host: Host) -> Path:
        """Where an attack's findings are kept."""
        return self.folder / FOLDER / f"{host.name}.{attack.name}.json"


def run_attacks(
    plan: AuditPlan,
    hosts: Sequence[Host],
    attacks: Sequence[Attack],
    fresh: bool = False,
    tell: Callable[[str], None] = lambda line: None,
) -> Results:
    """Findings by host and attack; those that are there already, for the same everything, are taken up.

    Args:
        plan: What is audited.
        hosts: Where.
        attacks: Which; each is written to a file of its own as soon as it is done.
        fresh: Run them although they are there.
        tell: Is told which attack begins.
    """
    found: Results = {}
    for host in hosts:
        for attack in attacks:
            if (way := attack.way_on(host)) is None:
                continue
            path, key = plan.file(attack, host), plan.key(attack, host)
            kept = None if fresh else _kept(path, key)
            if kept is None:
                tell(f"{host.name}: {attack.name}")
                kept = _run(way, host, plan, key)
                write_text(path, json.dumps(kept, ensure_ascii=False, allow_nan=False) + "\n")
            found.setdefault(host.name, {})[attack.name] = kept
    return found


def _run(way: Way, host: Host, plan: AuditPlan, key: str) -> dict[str, Any]:
    started, used = time.perf_counter(), time.process_time()
    findings = way.call(host, plan.settings, plan.concept, plan.seed)
    seconds = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - used}
    return {"key": key, **seconds, "findings": findings.entry()}


def _kept(path: Path, key: str) -> dict[str, Any] | None:
    """An attack's file if it is there, whole and of the same key."""
    try:
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        Findings.read(kept["findings"])
        return kept if kept["key"] == key else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def collect(plan: AuditPlan, found: Results, attacks: Sequence[Attack]) -> dict[str, Any]:
    """The contents of ``audit.json``: findings, definitions, and verdicts by the limits of now."""
    by_name: dict[str, Attack] = {attack.name: attack for attack in attacks}
    hosts = {
        host: {
            "attacks": {
                name: _entry(way, kept, plan.settings)
                for name, kept in results.items()
                if (way := by_name[name].way(host)) is not None
            }
        }
        for host, results in found.items()
    }
    return {
        "format_version": FORMAT_VERSION,
        "concept": plan.concept,
        **plan.about,
        "package_version": __version__,
        "seed": plan.seed,
        "data": dict(plan.about_data),
        "settings": asdict(plan.settings),
        "hosts": hosts,
    }


def _entry(way: Way, kept: Mapping[str, Any], settings: AuditSettings) -> dict[str, Any]:
    findings = Findings.read(kept["findings"])
    return {
        "definition": way.definition,
        "source": way.source,
        "seconds": kept["seconds"],
        "cpu_seconds": kept["cpu_seconds"],
        **findings.entry(),
        "checks": [check.entry() for check in way.judge(findings, settings.limits)],
    }


def audit(
    plan: AuditPlan,
    hosts: Sequence[Host],
    attacks: Sequence[Attack],
    fresh: bool = False,
    tell: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Run what is not done, write ``audit.json`` of the run's folder, and return its contents.

    Findings of attacks that are not asked for now, but are there for the same everything, stand in it, too.
    """
    found, every = run_attacks(plan, hosts, attacks, fresh, tell), list(ATTACKS.values())
    for host in hosts:
        done = found.get(host.name, {})
        kept = {a.name: done.get(a.name) or _kept(plan.file(a, host), plan.key(a, host)) for a in every}
        found[host.name] = {name: result for name, result in kept.items() if result is not None}
    document = collect(plan, found, every)
    write_audit(plan.folder / "audit.json", document)
    return document
