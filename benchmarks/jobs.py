"""Measured runs, each in a process of its own, and the files they exchange."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.setting import Setting

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Bench:
    """Where runs are made.

    Attributes:
        out: Folder of their files.
        threads: Threads of torch in each run.
    """

    out: Path
    threads: int = 1

    def gradients_file(self, side: str) -> Path:
        """Where a side leaves its gradients."""
        return self.out / f"gradients_{side}.safetensors"

    def run(self, part: str, side: str, setting: Setting, tag: str = "") -> dict[str, Any]:
        """Run ``gradients`` or ``search`` of one side; searches read the gradients of our side.

        Returns:
            ``{"figures": ..., "trace": ...}``.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        name = f"{part}_{side}{tag}"
        job, result = self.out / f"{name}.job.json", self.out / f"{name}.json"
        source = self.gradients_file(side if part == "gradients" else "ours")
        about = {"part": part, "side": side, "threads": self.threads, "setting": asdict(setting)}
        job.write_text(json.dumps({**about, "gradients": str(source), "out": str(result)}, indent=1))
        result.unlink(missing_ok=True)
        log = self.out / f"{name}.log"
        environment = {**os.environ, "OMP_NUM_THREADS": str(self.threads), "HF_HUB_OFFLINE": "1"}
        with log.open("w") as file:
            command = [sys.executable, "-m", "benchmarks.run", str(job)]
            status = subprocess.run(
                command, cwd=ROOT, env=environment, stdout=file, stderr=subprocess.STDOUT, check=False
            ).returncode
        if status:
            raise SystemExit(f"{name} failed with status {status}; its end:\n{log.read_text()[-2000:]}")
        found: dict[str, Any] = json.loads(result.read_text())
        figures = found["figures"]
        print(f"{name}: {figures['cpu']:.1f} CPU s, {figures['extra'] / 2**20:.0f} MiB", flush=True)
        return found
