"""Write the table of docs/models.md: every architecture of open_clip, and how it is served.

    python -m benchmarks.architectures

Each is built at full size on the meta device, without weights, and asked; half a minute on one core.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import open_clip

from slug_lightning.atomic import write_text
from slug_lightning.models.support import Support, support

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


def main() -> None:
    page = PAGE.read_text(encoding="utf-8")
    table = rows({name: support(name) for name in open_clip.list_models()})
    start = page.index(HEADER)
    end = page.index("\n\n", start) + 1
    write_text(PAGE, page[:start] + table + page[end:])


if __name__ == "__main__":
    main()
