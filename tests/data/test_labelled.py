from pathlib import Path

from slug_lightning.data.labelled import Entry, pick


def test_picking_is_stable_under_adding_images():
    entries = [Entry(Path(f"{i}.jpg"), f"{i}.jpg", i % 4) for i in range(80)]
    fewer = [entry for entry in entries if entry.label != 3 and entry.key != "79.jpg"]
    kept = pick(entries, lambda label: 5, seed=3)
    assert [e for e in kept if e.label != 3] == pick(fewer, lambda label: 5, seed=3)
    assert sorted(e.label for e in kept) == [0] * 5 + [1] * 5 + [2] * 5 + [3] * 5
    assert kept == [e for e in entries if e in kept]
