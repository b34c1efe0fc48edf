"""What ``slug revert`` does, apart from its options, and how a ledger is shown."""

from pathlib import Path

from slug_lightning.errors import DataNotFoundError, SettingError


def revert_model(
    model: Path, out: Path, link: bool = False, concept: str | None = None, number: int | None = None
) -> list[str]:
    """Take the last, or a given, deletion back.

    Returns:
        Lines that say what was done and what it means for the other deletions.

    Raises:
        SettingError: If options do not go together, or the model carries no such deletion.
    """
    from slug_lightning.hosts.files import library_of
    from slug_lightning.patch.folder import revert_folder
    from slug_lightning.patch.host_folder import revert_host
    from slug_lightning.patch.ledger import consequences, find_entry, read_ledger

    if concept is not None and number is not None:
        raise SettingError("Expected --concept or --number, but got both: each says which deletion it is.")
    _refuse_missing(model)
    if library_of(model) not in (None, "open_clip"):
        if concept is not None or number is not None:
            msg = "--concept and --number are for open_clip folders; a host gives its last patch back first."
            raise SettingError(msg)
        revert_host(model, out, link)
        return [f"{out}: the model before its last patch."]
    entries = read_ledger(model)
    number = find_entry(entries, concept) if concept is not None else number
    revert_folder(model, out, number)
    which = len(entries) - 1 if number is None else number
    head = "the model before its last patch" if which == len(entries) - 1 else "the model without it"
    return [f"{out}: {head} ({entries[which].concept!r} is back).", *consequences(entries, which)]


def _refuse_missing(folder: Path) -> None:
    if not folder.is_dir():
        raise DataNotFoundError(f"There is no folder {str(folder)!r}. Name the one that slug apply wrote.")


def ledger_lines(folder: Path) -> list[str]:
    """The deletions that a folder carries, one line each.

    Raises:
        DataNotFoundError: If it carries none.
    """
    from slug_lightning.patch.ledger import read_ledger

    _refuse_missing(folder)
    entries = read_ledger(folder)
    patch = folder / "patch.safetensors"
    if not entries and patch.is_file():
        raise DataNotFoundError(f"{str(folder)!r} is a run's folder: name its patch, {str(patch)!r}.")
    if not entries:
        msg = f"{str(folder)!r} carries no patch. Write one with: slug apply --patch P --out DIR"
        raise DataNotFoundError(msg)
    lines = []
    for entry in entries:
        after = f", made without {', '.join(entry.made_without)}" if entry.made_without else ""
        applied = f", applied {entry.applied}" if entry.applied else ""
        lines.append(f"{entry.number}  {entry.concept}  {entry.layer}  step {entry.step:g}{after}{applied}")
        lines += [f"   forced: {sentence}" for sentence in entry.forced]
    return lines
