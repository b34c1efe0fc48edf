"""A run directory drawn from a seed: the files that a run writes, with made-up but coherent numbers."""

import base64
import hashlib
import io
import math
import random
from pathlib import Path

from PIL import Image

from slug_lightning.reports.evidence import write_evidence
from slug_lightning.reports.report_file import write_report
from slug_lightning.reports.tables import LayerRow, SearchRow, write_layers, write_search

DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
KINDS = ["attn.in_proj_weight", "attn.out_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight"]


def layer_names(blocks: int = 4) -> list[tuple[str, str]]:
    vision = [f"visual.transformer.resblocks.{b}.{k}" for b in range(blocks) for k in KINDS]
    text = [f"transformer.resblocks.{b}.{k}" for b in range(blocks) for k in KINDS]
    return [
        *((name, "vision") for name in [*vision, "visual.proj", "visual.conv1.weight"]),
        *((name, "text") for name in [*text, "text_projection"]),
    ]


def make_layers(blocks: int = 4, towers: tuple[str, ...] = ("vision", "text")) -> list[LayerRow]:
    draw = random.Random(3)
    raw = []
    for name, tower in layer_names(blocks):
        importance = 10 ** draw.gauss(-1.4 if tower == "vision" else -2.0, 0.45)
        alignment = min(1.0, 10 ** (draw.gauss(-1.0, 0.35) + 0.3 * math.log10(importance / 0.02)))
        if tower in towers:
            raw.append((name, tower, importance, alignment))
    rows = []
    for name, tower, importance, alignment in raw:
        front = not any(t == tower and i >= importance and a <= alignment and n != name for n, t, i, a in raw)
        norm = draw.uniform(4, 12)
        rows.append(LayerRow(name, tower, importance, alignment, norm, importance * norm, 0.4, front))
    return rows


def make_search(layers: list[LayerRow], *, feasible: bool = True) -> list[SearchRow]:
    draw = random.Random(5)
    rows: list[SearchRow] = []
    for layer in (row for row in layers if row.front):
        strength, harm = draw.uniform(0.6, 2.2), draw.uniform(0.05, 0.5)
        relative = 0.1
        for _ in range(10):
            forget = 0.98 / (1 + (relative / (0.35 * strength)) ** 6)
            forget = 0.0 if forget < 0.02 and feasible else max(forget, 0.0 if feasible else 0.1)
            met = forget == 0.0
            images = 0.97 - harm * relative**2 * 0.4
            classes = 0.91 - harm * relative * 0.3 if met or relative < 0.15 else None
            rows.append(
                SearchRow(
                    probe=len(rows),
                    layer=layer.layer,
                    tower=layer.tower,
                    step=relative / layer.importance,
                    relative_step=relative,
                    feasible=met,
                    chosen=False,
                    metrics={
                        "forget/top1": forget,
                        "forget/top5": min(1.0, forget + 0.5),
                        "retain/identities_top1": max(0.1, images),
                        "retain/imagenet_top1": None if classes is None else max(0.0, classes),
                    },
                )
            )
            relative = relative * 2 if not met else relative * 0.84
    best = [k for k, row in enumerate(rows) if row.feasible]
    if best:
        k = max(best, key=lambda k: rows[k].metrics["retain/identities_top1"] or 0)
        rows[k] = SearchRow(**{**vars(rows[k]), "chosen": True})
    return rows


def wilson(value: float, n: int) -> list[float]:
    z = 1.959964
    middle = (value + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(value * (1 - value) / n + z * z / (4 * n * n))
    return [max(0.0, middle - half), min(1.0, middle + half)]


def measured(value: float, n: int) -> dict:
    return {"value": value, "n": n, "ci95": wilson(value, n)}


def make_report(search: list[SearchRow], concept: str = "seven") -> dict:
    chosen = next((row for row in search if row.chosen), None)
    values = {
        "forget/top1": (0.981, 0.0, 54),
        "forget/top5": (1.0, 0.407, 54),
        "retain/identities_top1": (0.969, 0.951, 486),
        "retain/imagenet_top1": (0.912, 0.905, 1200),
    }
    metrics = {
        name: {
            "before": measured(before, n),
            "after": measured(after, n) if chosen else None,
        }
        for name, (before, after, n) in values.items()
    }
    patch = {"file": "patch.safetensors", "bytes": 65_712, "sha256": "ab12" * 16}
    same = {"other_tower": "0d" * 32}
    change = {
        "shape": [192, 64],
        "update_norm": 3.5,
        "weight_norm": 7.0,
        "fingerprint": {
            "before": {"layer": "1a" * 32, "tower": "2b" * 32, **same},
            "after": {"layer": "3c" * 32, "tower": "4d" * 32, **same},
        },
    }
    manifest = {"file": "manifest.json", "sha256": "5e" * 32, "concept": concept, "package_version": "0.1.0"}
    digest = hashlib.sha256(SHARDS.encode()).hexdigest()
    return {
        "format_version": 1,
        "concept": concept,
        "method": "slug",
        "base_model": "miniature-ViT / shipped",
        "layer": chosen.layer if chosen else None,
        "tower": chosen.tower if chosen else None,
        "step": chosen.step if chosen else None,
        "feasible": chosen is not None,
        "metrics": metrics,
        "search": [{"layer": row.layer, "step": row.step, **row.metrics} for row in search],
        "efficiency": {
            "gradient_seconds": 3.214,
            "search_seconds": 8.77,
            "peak_memory_bytes": 412_000_000,
            "patch_bytes": 65_712 if chosen else None,
            "device": "cpu",
        },
        "data": {
            "forget": {
                "pairs": 96,
                "skipped": {"no caption": 2, "broken image": 1},
                "digest": digest,
                "problems": ["00001.tar is truncated after 31 samples."],
                "manifest": {**manifest, "digest": digest, "agrees": True},
            },
            "retain": {"pairs": 1024, "skipped": 0, "digest": "9a8b" * 16},
        },
        "environment": {"python": "3.11.2", "torch": "2.15.0", "slug_lightning": "0.1.0"},
        "command": "slug fit --config configs/miniature.yaml --model.concept seven",
        "criterion": {"metric": "forget/top1", "target": 0.0, "measured_on": "search"},
        "created": "2026-01-02T03:04:05+00:00",
        "run": "20260102-030405",
        "seed": 0,
        "labels": {"retain/imagenet_top1": "styles (ImageNet layout), top-1"},
        "patch": patch if chosen else None,
        "change": change if chosen else None,
        "layers": {"candidates": 34, "front": 9},
    }


SHARDS = "".join(f"{n:064x}  {n:05d}.tar\n" for n in range(15))


def make_image(hue: int) -> str:
    image = Image.new("RGB", (32, 32), (hue % 256, (hue * 7) % 256, 120))
    for k in range(8, 24):
        image.putpixel((k, 31 - k), (250, 250, 250))
        image.putpixel((k, 8), (250, 250, 250))
    content = io.BytesIO()
    image.save(content, format="PNG")
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()


def make_evidence(names: list[str], concept: str) -> dict:
    draw = random.Random(11)
    size, own = len(names), names.index(concept)
    before = [
        [draw.uniform(0.62, 0.74) if i == j else draw.uniform(0.02, 0.4) for j in range(size)]
        for i in range(size)
    ]
    after = [[value + draw.uniform(-0.02, 0.02) for value in row] for row in before]
    after[own] = [value * 0.4 - 0.05 for value in before[own]]
    samples = []
    for k in range(6):
        truth = concept if k < 3 else names[(own + k) % size]
        others = [name for name in names if name != truth][:2]
        good = [[truth, 0.982], [others[0], 0.011], [others[1], 0.004]]
        bad = [[others[0], 0.71], [others[1], 0.2], [truth, 0.034]]
        role, dataset = ("forget", "identities") if k < 3 else ("retain", "imagenet")
        entry = {"role": role, "dataset": dataset, "truth": truth, "image": make_image(40 * k)}
        samples.append({**entry, "before": good, "after": bad if role == "forget" else good})
    text = {"rows": "mean image embedding per name", "columns": "prompt"}
    similarity = {"names": names, "before": before, "after": after, **text}
    return {"format_version": 1, "similarity": similarity, "samples": samples}


def write_run(
    folder: Path,
    *,
    concept: str = "seven",
    feasible: bool = True,
    towers: tuple[str, ...] = ("vision", "text"),
    blocks: int = 4,
    evidence: bool = True,
) -> Path:
    """Write all files of a run into ``folder`` and return it."""
    layers = make_layers(blocks, towers)
    search = make_search(layers, feasible=feasible)
    folder.mkdir(parents=True, exist_ok=True)
    write_layers(folder / "layers.csv", layers)
    write_search(folder / "search.csv", search)
    write_report(folder / "report.json", make_report(search, concept))
    (folder / "forget.sha256").write_text(SHARDS)
    if evidence:
        names = [concept if name == "seven" else name for name in DIGITS]
        write_evidence(folder / "evidence.json", make_evidence(names, concept))
    return folder
