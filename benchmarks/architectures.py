"""Write the table of docs/models.md: every architecture of open_clip, and how it is served.

    python -m benchmarks.architectures [--cost NAME ...]

Each is built at full size on the meta device, without weights, and asked; half a minute on one core. With
`--cost` nothing is written, and the operations that a trial runs are counted.
"""

import argparse
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import open_clip
import torch
from torch.utils.flop_counter import FlopCounterMode

from slug_lightning.atomic import write_text
from slug_lightning.models.support import Support, support, without_weights
from slug_lightning.models.towers import vision_tower

PAGE = Path(__file__).parent.parent / "docs" / "models.md"
HEADER = (
    "| image tower | text tower | padding | retain loss | fetched by transformers | names |\n"
    "|---|---|---|---|---|---|\n"
)


def rows(found: Mapping[str, Support]) -> str:
    """The table, names that are served alike in one row; what is most and best served first."""
    groups: dict[Support, list[str]] = defaultdict(list)
    for name, how in found.items():
        groups[how].append(f"`{name}`")
    text = HEADER
    for how, names in sorted(groups.items()):
        cells = how.vision, how.text, how.padding, how.retain_loss, how.fetched, ", ".join(names)
        text += f"| {' | '.join(cells)} |\n"
    return text


def read_rows(page: str) -> dict[str, Support]:
    """The table back as names and how they are served."""
    found = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 6 and cells[5].startswith("`"):
            for name in re.findall(r"`([^`]+)`", cells[5]):
                assert name not in found, name
                found[name] = Support(*cells[:5])
    return found


def cost(name: str) -> str:
    """Row of a table: operations of the image tower, and what share of them a trial runs."""
    config = open_clip.get_model_config(name)
    size = config["vision_cfg"]["image_size"]
    tower = vision_tower(without_weights(config).requires_grad_(False))
    with torch.device("meta"):
        states = [tower.start(torch.empty(1, 3, size, size))]
    for number in range(len(tower.stages)):
        states.append(tower.advance(states[-1], number, number + 1))
    blocks, counts = len(tower.stages) - 2, []
    for first in (0, 1 + blocks // 2, blocks):
        with FlopCounterMode(display=False) as counter:
            tower.finish(states[first], first)
        counts.append(counter.get_total_flops())
    shares = " | ".join(f"{100 * count / counts[0]:.0f} %" for count in counts[1:])
    return f"| `{name}` | {blocks} | {counts[0] / 1e9:.0f} | {shares} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cost", nargs="+", default=[], metavar="NAME")
    names = parser.parse_args().cost
    if names:
        print("\n".join(map(cost, names)))
        return
    page = PAGE.read_text(encoding="utf-8")
    table = rows({name: support(name) for name in open_clip.list_models()})
    start = page.index(HEADER)
    end = page.index("\n\n", start) + 1
    write_text(PAGE, page[:start] + table + page[end:])


if __name__ == "__main__":
    main()
