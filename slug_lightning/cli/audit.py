"""``slug audit --run DIR``: is the concept gone, or only hidden?"""

import hashlib
import json
import shlex
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slug_lightning.audit.attacks import choose_attacks
from slug_lightning.audit.settings import AuditSettings
from slug_lightning.cli.typed_function import run_function
from slug_lightning.errors import DataNotFoundError, SettingError
from slug_lightning.hosts import HostMetric

if TYPE_CHECKING:
    from slug_lightning.audit.clip_host import ClipHost
    from slug_lightning.audit.host import Host
    from slug_lightning.audit.opening import OpenedRun


def audit(
    run: Path,
    gold: Path | None = None,
    host_gold: Path | None = None,
    attacks: list[str] | None = None,
    settings: AuditSettings = AuditSettings(),
    root: Path | None = None,
    device: str = "cpu",
    seed: int = 0,
    host_metric: HostMetric | None = None,
    fresh: bool = False,
) -> int:
    """Attack the patch of a finished run, and write audit.json and the report's audit section.

    Figures are those of the original, the patched and, with --gold, a model that never saw the concept. An
    attack that is done for the same patch, data and settings is not run again; a killed audit goes on.

    Args:
        run: Folder of a run of slug fit.
        gold: open_clip folder of a model of the same architecture, trained without the concept.
        host_gold: The same for the host: its folder, as the host metric's gold method reads it.
        attacks: Which, one or several; by default all: standing (no attack), quantisation, relearning,
            wordings, arithmetic, neighbours, membership, probe, drift, retrieval. On a host those run that
            its metric offers.
        settings: Of the attacks, and the limits of the verdicts; as a file: --config configs/audit.yaml.
        root: Folder that the run's data paths start from, if it is another one now.
        device: Where models run: cpu, cuda, ...
        seed: Of everything that is drawn.
        host_metric: Also audit a host that carries the patch: class path of a HostMetric, see docs/hosts.md;
            by default the run's own (model.host_metric), if it has one.
        fresh: Run attacks again that are done.
    """
    from slug_lightning.audit.metric_host import MetricHost
    from slug_lightning.audit.opening import gold_digest, open_run
    from slug_lightning.audit.runner import AuditPlan
    from slug_lightning.audit.runner import audit as run_audit
    from slug_lightning.reports.audit_summary import audit_summary
    from slug_lightning.reports.build import build_report

    chosen = choose_attacks(attacks)
    opened = open_run(run)
    about = _about(opened, gold, gold_digest(gold), device)
    clip, digests, own = _clip(opened, gold, settings, root, device, seed)
    hosts: list[Host] = [clip]
    if (metric := host_metric or own) is not None:
        hosts.append(host := MetricHost(metric, opened.patch, clip.material.concept, host_gold))
        about["host_gold"] = host.gold
    elif host_gold is not None:
        raise SettingError(
            "Expected a host with --host_gold, but the run has none (model.host_metric). Name the class of "
            "its metric with --host_metric."
        )
    plan = AuditPlan(run, clip.material.concept, about, settings, seed, {**digests, **_counts(clip)})
    document = run_audit(plan, hosts, chosen, fresh, lambda line: print(line, file=sys.stderr))
    built = build_report(run)
    print(audit_summary(document))
    for path in (run / "audit.json", built.page, built.document):
        if path is not None:
            print(f"file  {path}")
    return 0


def _clip(
    opened: "OpenedRun", gold: Path | None, settings: AuditSettings, root: Path | None, device: str, seed: int
) -> "tuple[ClipHost, dict[str, str], HostMetric | None]":
    """The CLIP of a run with its data, digests of shards and of evaluation images, and the run's own host."""
    import torch

    from slug_lightning.audit.clip_host import ClipHost
    from slug_lightning.audit.material import read_material
    from slug_lightning.audit.opening import models_of
    from slug_lightning.cli.lightning import build

    own = ["--trainer.accelerator", "cpu", "--trainer.devices", "1", "--trainer.strategy", "auto"]
    own += ["--trainer.logger", "false", "--trainer.enable_progress_bar", "false"]
    own += [] if root is None else ["--data.root", str(root)]
    cli: Any = build(["--config", str(opened.config), *own], run=False)
    data = cli.datamodule
    try:
        data.look()
    except DataNotFoundError as error:
        moved = "" if root is not None else " If the data are elsewhere now, name their folder with --root."
        raise DataNotFoundError(f"{error}{moved}") from error
    clip = cli.model.load()
    models = models_of(opened, clip.model, gold)
    data.bind(clip.preprocess, clip.tokenize)
    with torch.random.fork_rng(devices=[]):
        material = read_material(data, settings.material, seed)
    host = ClipHost(models, opened.patch.layer, material, device)
    measured = json.dumps(data.evaluation_account(), sort_keys=True)
    digests = {"pairs": data.digest, "evaluation": hashlib.sha256(measured.encode()).hexdigest()}
    return host, digests, getattr(cli.model, "host_metric", None)


def _about(opened: "OpenedRun", gold: Path | None, digest: str | None, device: str) -> dict[str, Any]:
    import torch

    header = opened.patch.header
    return {
        "base_model": header["base_model"],
        "base_fingerprint": header["base_fingerprint"],
        "layer": opened.patch.layer,
        "tower": opened.patch.tower,
        "step": opened.patch.step,
        "patch_sha256": opened.digest,
        "gold": None if gold is None else {"folder": gold.name, "sha256": digest},
        "created": datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": shlex.join(["slug", *sys.argv[1:]]),
        "environment": {"torch": torch.__version__, "device": device},
    }


def _counts(host: "ClipHost") -> dict[str, Any]:
    found = host.material
    return {
        "forget_images": len(found.forget),
        "unseen_images": len(found.unseen),
        "probe_images": len(found.probing),
        "retained_images": {name: len(pictures) for name, pictures in found.retained.items()},
        "forget_pairs": len(found.forget_pairs),
        "retain_pairs": len(found.retain_pairs),
    }


def run(words: Sequence[str]) -> int:
    """Parse and run."""
    return run_function(audit, words[1:], "slug audit")
