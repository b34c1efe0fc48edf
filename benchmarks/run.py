"""One measured run in a process of its own: ``python -m benchmarks.run JOB.json``."""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from benchmarks import naive, ours
from benchmarks.measuring import Meter
from benchmarks.setting import Setting
from slug_lightning.models import load_clip
from slug_lightning.search.candidates import choose_candidates, score_layers
from slug_lightning.unlearning import Gradients


def gradients_of(side: str, setting: Setting, meter: Meter) -> Gradients:
    """The gradient pass of one side."""
    if side == "ours":
        return ours.mean_gradients(setting, meter)
    clip = load_clip(setting.model)
    meter.loaded()
    meter.start()
    means = naive.mean_gradients(clip, setting, meter)
    meter.stop()
    return Gradients(means["forget"], means["retain"], {"forget": 0, "retain": 0}, {})


def search_of(side: str, setting: Setting, gradients: Path, meter: Meter) -> dict[str, Any]:
    """The search of one side: ``naive``, or how ours measures."""
    if side != "naive":
        return ours.trace_entries(ours.search(setting, gradients, side, meter))
    clip = load_clip(setting.model)
    meter.loaded()
    found = Gradients.load(gradients)
    settings = ours.search_settings(setting, "all")
    weights = {name: clip.model.get_parameter(name).detach() for name in found.layers}
    scores = score_layers(found.forget, found.retain, weights)
    candidates = choose_candidates(scores, settings.layers, settings.towers)
    meter.start()
    trace = naive.search(clip, setting, candidates, found.forget, settings, meter)
    meter.stop()
    return ours.trace_entries(trace)


def main() -> None:
    """Do the job."""
    job = json.loads(Path(sys.argv[1]).read_text())
    torch.set_num_threads(job["threads"])
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    setting, meter = Setting(**job["setting"]), Meter()
    result: dict[str, Any] = {"side": job["side"], "part": job["part"]}
    if job["part"] == "gradients":
        gradients_of(job["side"], setting, meter).save(job["gradients"])
    else:
        result["trace"] = search_of(job["side"], setting, Path(job["gradients"]), meter)
    assert meter.figures is not None
    Path(job["out"]).write_text(json.dumps({**result, "figures": asdict(meter.figures)}, indent=1))


if __name__ == "__main__":
    main()
