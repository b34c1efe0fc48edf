"""The deletions that a model folder carries, in order: what is kept to take each back, what is said of it.

``slug_undo/NNN.safetensors`` holds, for each patch, the edited weights as they were before it and, in
open_clip folders, its update; ``slug_ledger.json`` says the same in words.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from slug_lightning.atomic import write_text
from slug_lightning.errors import BadDataError, PatchMismatchError, SettingError, closest
from slug_lightning.models import tensor_digest
from slug_lightning.patch.copying import file_digest
from slug_lightning.patch.patch import Patch

UNDO_FOLDER, LEDGER_FILE = "slug_undo", "slug_ledger.json"
WEIGHTS_FILE = "open_clip_model.safetensors"
_WEIGHTS = "*.safetensors"


@dataclass(frozen=True)
class LedgerEntry:
    """One deletion.

    Attributes:
        number: Its place in the order, from 0.
        concept: What was removed.
        layer: The edited layer.
        step: Its step.
        made_without: Concepts that were gone already from the model that the patch was made on.
        base_model: Model that the patch was made on.
        update_sha256: Of the bytes of the update, where it is kept.
        created: When the patch was made.
        applied: When it was applied.
        forced: What ``force`` has overridden.
    """

    number: int
    concept: str
    layer: str
    step: float
    made_without: tuple[str, ...]
    base_model: str
    update_sha256: str
    created: str
    applied: str
    forced: tuple[str, ...]


@dataclass(frozen=True)
class Kept:
    """What is kept of one patch in an open_clip folder.

    Attributes:
        header: The patch's header and what was noted when it was applied.
        original: The edited layer before it.
        update: What was added; ``None`` in folders of earlier versions.
    """

    header: Mapping[str, str]
    original: Tensor
    update: Tensor | None

    @property
    def patch(self) -> Patch:
        """The patch."""
        assert self.update is not None
        return Patch(self.update, self.header)


def note(made_without: Sequence[str], forced: Sequence[str]) -> dict[str, str]:
    """Header entries of a kept patch about its application, now."""
    return {
        "made_without": json.dumps(list(made_without)),
        "forced": json.dumps(list(forced)),
        "applied": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def keep(folder: Path, kept: Sequence[Kept]) -> None:
    """Write what is kept of all patches of an open_clip folder, in order, in place of what is there."""
    undo = folder / UNDO_FOLDER
    for file in undo.glob(_WEIGHTS):
        file.unlink()
    if not kept:
        if undo.is_dir() and not any(undo.iterdir()):
            undo.rmdir()
        (folder / LEDGER_FILE).unlink(missing_ok=True)
        return
    undo.mkdir(exist_ok=True)
    for number, one in enumerate(kept):
        tensors = {"original": one.original.cpu().contiguous()}
        if one.update is not None:
            tensors["update"] = one.update.cpu().contiguous()
        digests = {f"{name}_digest": tensor_digest(tensor) for name, tensor in tensors.items()}
        about = {**one.header, **digests}
        save_file(tensors, undo / f"{number:03d}.safetensors", metadata=about)
    write_ledger(folder)


def read_kept(folder: Path) -> list[Kept]:
    """What is kept of the patches of an open_clip folder, in their order.

    Raises:
        BadDataError: If a file of it is damaged.
    """
    return [_read(file) for file in sorted((folder / UNDO_FOLDER).glob(_WEIGHTS))]


def _read(path: Path) -> Kept:
    try:
        with safe_open(path, framework="pt") as file:
            names, header = set(file.keys()), dict(file.metadata() or {})
            if "host" in header:
                raise BadDataError(
                    f"{str(path)!r} is of a {header['host']}, but the folder has no config.json or "
                    "model_index.json of one. Put it back; the patch can then be taken back."
                )
            update = file.get_tensor("update") if "update" in names else None
            return Kept(header, file.get_tensor("original"), update)
    except BadDataError:
        raise
    except Exception as error:  # safetensors has an error type of its own
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> BadDataError:
    return BadDataError(
        f"{str(path)!r} is damaged ({error}): the patch cannot be taken back. Restore that file from a copy."
    )


def read_ledger(folder: Path) -> list[LedgerEntry]:
    """The deletions of a model folder or host, in order, from what is kept of them; empty without any.

    Raises:
        BadDataError: If a file of it is damaged.
    """
    paths = sorted((folder / UNDO_FOLDER).glob(_WEIGHTS))
    return [_entry(number, path) for number, path in enumerate(paths)]


def _entry(number: int, path: Path) -> LedgerEntry:
    try:
        with safe_open(path, framework="pt") as file:
            header = dict(file.metadata() or {})
            update = file.get_tensor("update") if "update" in set(file.keys()) else None
        return LedgerEntry(
            number=number,
            concept=header["concept"],
            layer=header["layer"],
            step=float(header["step"]),
            made_without=tuple(json.loads(header.get("made_without", "[]"))),
            base_model=header["base_model"],
            update_sha256=_sha256(update),
            created=header["created"],
            applied=header.get("applied", ""),
            forced=tuple(json.loads(header.get("forced", "[]"))),
        )
    except Exception as error:
        raise _damaged(path, error) from error


def write_ledger(folder: Path) -> None:
    """Write ``slug_ledger.json`` from what is kept, and of which weights of an open_clip folder that is."""
    ledger: dict[str, object] = {"format_version": 1}
    if (folder / WEIGHTS_FILE).is_file():
        ledger["weights_sha256"] = file_digest(folder / WEIGHTS_FILE)
    ledger["deletions"] = [asdict(entry) for entry in read_ledger(folder)]
    write_text(folder / LEDGER_FILE, json.dumps(ledger, indent=2) + "\n")


def check_weights(folder: Path) -> None:
    """Refuse an open_clip folder whose weights are not those that its ledger is of; older ones do not say.

    Raises:
        PatchMismatchError: If they were changed since.
    """
    try:
        said = json.loads((folder / LEDGER_FILE).read_text(encoding="utf-8")).get("weights_sha256")
    except (OSError, ValueError, AttributeError):
        return
    if said is not None and said != file_digest(folder / WEIGHTS_FILE):
        raise PatchMismatchError(
            f"{WEIGHTS_FILE!r} in {str(folder)!r} was changed after the last patch, so the model before it "
            "cannot be given back bit for bit. Put the patched weights back, or start from the base model."
        )


def find_entry(entries: Sequence[LedgerEntry], concept: str) -> int:
    """Number of the last deletion of a concept.

    Raises:
        SettingError: If there is none; the closest names are said.
    """
    numbers = [entry.number for entry in entries if entry.concept == concept]
    if not numbers:
        names = [entry.concept for entry in entries]
        raise SettingError(
            f"This model carries no deletion of {concept!r}. Closest: {closest(concept, names) or names}."
        )
    return numbers[-1]


def consequences(entries: Sequence[LedgerEntry], number: int) -> list[str]:
    """What taking one deletion back means for the others, one sentence each."""
    gone = entries[number]
    said = []
    for entry in entries:
        if entry.number == number:
            continue
        fate = "stays, bit for bit"
        if entry.layer == gone.layer:
            fate = f"stays, its update added anew to {entry.layer}"
        if gone.concept in entry.made_without and entry.number > number:
            fate += f"; its figures were measured without {gone.concept!r}, measure them again"
        said.append(f"{entry.number} {entry.concept!r}: {fate}.")
    return said


def _sha256(update: Tensor | None) -> str:
    return "" if update is None else hashlib.sha256(update.numpy().tobytes()).hexdigest()
