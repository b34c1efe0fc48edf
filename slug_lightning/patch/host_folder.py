"""Hosts on disk with a patch in them: only the touched tensors are rewritten, and they can be put back.

The host is never loaded. Its folder is copied (or linked), the tensors of the edited layer are overwritten in
the copy, and their originals are kept in ``slug_undo/``: reverting gives every weights file its old bytes.
"""

import json
import shutil
from collections import ChainMap
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from slug_lightning.atomic import atomic_folder, atomic_path, write_text
from slug_lightning.errors import BadDataError, DataNotFoundError, PatchMismatchError, SettingError
from slug_lightning.hosts.files import OTHER_WEIGHTS, WEIGHTS, HostFolder, read_host
from slug_lightning.hosts.shards import TensorFiles, overwrite_
from slug_lightning.hosts.site import Site
from slug_lightning.hosts.spelling import split
from slug_lightning.patch.choosing import choose_site
from slug_lightning.patch.copying import copy_folder, file_digest, files_of
from slug_lightning.patch.ledger import LEDGER_FILE, UNDO_FOLDER, note, read_ledger, write_ledger
from slug_lightning.patch.patch import Patch

CARD_FILE = "README.md"
_SEPARATOR = "|"  # between file and tensor in the names of kept originals

Card = Callable[["Applied", str], str]


@dataclass(frozen=True)
class Applied:
    """What was done to a host on disk.

    Attributes:
        host: The host that was read.
        component: Part of the pipeline that was patched; empty for a single model.
        files: Weights files that were rewritten, relative to the host.
        left_out: Weights in other formats, which were not carried over: they do not have the patch.
        forced: What ``force`` has overridden, as sentences.
    """

    host: HostFolder
    component: str
    files: tuple[str, ...]
    left_out: tuple[str, ...]
    forced: tuple[str, ...]


def apply_to_host(
    patch: Patch,
    source: Path,
    out: Path,
    card: Card | None = None,
    force: bool = False,
    link: bool = False,
    base: str = "",
) -> Applied:
    """Write a host with the patch in it, in the host's own format.

    Every copy of the edited tower's weights is patched, in float32 as in fp16.

    Args:
        patch: The patch.
        source: Host as ``save_pretrained`` of transformers or diffusers writes it; it is left as it was.
        out: Folder to write; must not exist yet.
        card: Makes ``README.md`` from what was done and the host's own README.
        force: See ``Patch.apply_``.
        link: Give files that stay as they are a second name (hard link) instead of copying them.
        base: What the host is called; by default its folder's name.

    Returns:
        What was done.

    Raises:
        SettingError: If ``out`` exists or is inside of ``source``.
        DataNotFoundError: If ``source`` is no host or incomplete.
        HostError: If it is no host that can be patched.
        UnreadLayerError: If the host does not read the layer.
        PatchMismatchError: If the host is not built on the patch's base.
    """
    _refuse(source, out)
    host = read_host(source)
    sites, forced, gone = _sites_for(patch, host.sites, source, force)
    changes: dict[str, dict[str, Tensor]] = {}
    originals: dict[str, dict[str, Tensor]] = {}
    for site in sites:
        weight, pieces = site.weight(patch.layer), site.pieces(patch.layer)
        for name, part in split(patch.edited(weight), pieces).items():
            file = _file_of(site, name, source)
            changes.setdefault(file, {})[name] = part
            originals.setdefault(file, {})[name] = site.tensors[name]
    component = sites[0].place.component
    left_out = [name for name in files_of(source) if _is_left_out(name, component, host)]
    applied = Applied(host, component, tuple(sorted(changes)), tuple(left_out), forced)
    with atomic_folder(out) as draft:
        copy_folder(source, draft, {*left_out}, {*changes}, link)
        _keep(originals, patch, applied, draft, base or source.resolve().name, gone)
        for file, tensors in changes.items():
            overwrite_(draft / file, tensors)
        if card is not None:
            write_text(draft / CARD_FILE, card(applied, _text(source / CARD_FILE)))
    return applied


def revert_host(folder: Path, out: Path, link: bool = False) -> Path:
    """Write a host as it was before its last patch; every weights file has its old bytes.

    Args:
        folder: What ``apply_to_host`` wrote; it is left as it was.
        out: Folder to write; must not exist yet.
        link: See ``apply_to_host``.

    Returns:
        ``out``.

    Raises:
        DataNotFoundError: If the folder carries no patch.
        PatchMismatchError: If its weights were changed since.
    """
    _refuse(folder, out)
    kept = sorted((folder / UNDO_FOLDER).glob(f"*{WEIGHTS}"))
    if not kept:
        msg = f"{str(folder)!r} carries no patch (no {UNDO_FOLDER}/*{WEIGHTS}); there is nothing to revert."
        raise DataNotFoundError(msg)
    originals, header = _kept(kept[-1])
    _require_files(folder, originals)
    card = kept[-1].with_suffix(".md")
    with atomic_folder(out) as draft:
        skipped = {f"{UNDO_FOLDER}/{kept[-1].name}", f"{UNDO_FOLDER}/{card.name}", CARD_FILE, LEDGER_FILE}
        copy_folder(folder, draft, skipped, {*originals}, link)
        for file, digest in json.loads(header["files"]).items():
            overwrite_(draft / file, originals[file])
            if file_digest(draft / file) != digest:
                msg = (
                    f"{file!r} in {str(folder)!r} was changed after the patch, so its old bytes cannot be "
                    f"restored. Restore the host from {header['base']!r}."
                )
                raise PatchMismatchError(msg)
        if card.is_file():
            shutil.copyfile(card, draft / CARD_FILE)
        if (draft / UNDO_FOLDER).is_dir() and not any((draft / UNDO_FOLDER).iterdir()):
            (draft / UNDO_FOLDER).rmdir()
        elif (draft / UNDO_FOLDER).is_dir():
            write_ledger(draft)
    return out


def _sites_for(
    patch: Patch, sites: tuple[Site, ...], source: Path, force: bool
) -> tuple[list[Site], tuple[str, ...], list[str]]:
    """All copies of the tower that the patch belongs to, what was forced, and who was gone when it was made.

    A host that carries patches takes those that were made on it, and those made on the host before all of
    them: updates of both add up.
    """
    gone = [entry.concept for entry in read_ledger(source)]
    try:
        return (*_fitting(patch, sites, force=False), gone)
    except PatchMismatchError:
        before = _before_all(patch, sites, source)
        try:
            found, _ = _fitting(patch, before, force=False)
        except PatchMismatchError:
            return (*_fitting(patch, sites, force), gone)
        return [s for s, old in zip(sites, before, strict=True) if any(old is site for site in found)], (), []


def _before_all(patch: Patch, sites: tuple[Site, ...], source: Path) -> tuple[Site, ...]:
    """The towers as they were before all patches that the host carries, unless this is one of them."""
    kept = [_kept(path) for path in sorted((source / UNDO_FOLDER).glob(f"*{WEIGHTS}"))]
    if any(header.items() >= patch.header.items() for _, header in kept):
        return sites
    return tuple(replace(site, tensors=_originals(site, source, kept)) for site in sites)


def _originals(
    site: Site, source: Path, kept: Sequence[tuple[Mapping[str, Mapping[str, Tensor]], object]]
) -> Mapping[str, Tensor]:
    first: dict[str, Tensor] = {}
    for originals, _ in reversed(kept):  # the first patch's originals are the oldest
        for file, tensors in originals.items():
            paths = {name: name in site.tensors and _file_of(site, name, source) for name in tensors}
            first.update({name: tensor for name, tensor in tensors.items() if paths[name] == file})
    return ChainMap(first, cast(MutableMapping[str, Tensor], site.tensors))  # only read


def _fitting(patch: Patch, sites: tuple[Site, ...], force: bool) -> tuple[list[Site], tuple[str, ...]]:
    """All copies of the tower that the patch belongs to; what was forced."""
    firsts = {site.place: site for site in reversed(sites)}
    chosen = choose_site(patch.update, patch.header, [*firsts.values()][::-1], force)
    others = [site for site in sites if site.place == chosen.site.place and site is not chosen.site]
    fits = [chosen, *(choose_site(patch.update, patch.header, [site], force) for site in others)]
    return [fit.site for fit in fits], tuple(dict.fromkeys(s for fit in fits for s in fit.forced))


def _file_of(site: Site, name: str, source: Path) -> str:
    assert isinstance(site.tensors, TensorFiles)  # it is a site on disk
    return site.tensors.paths[name].relative_to(source).as_posix()


def _is_left_out(name: str, component: str, host: HostFolder) -> bool:
    """Weights that hold the patched tower in another format, or in the one file that pipelines come from."""
    *folders, file = name.split("/")
    suffix = Path(file).suffix
    if host.library != "diffusers":
        return suffix in OTHER_WEIGHTS
    if folders:
        return folders[0] == component and suffix in OTHER_WEIGHTS
    return suffix in (*OTHER_WEIGHTS, WEIGHTS)


def _keep(
    originals: Mapping[str, Mapping[str, Tensor]],
    patch: Patch,
    applied: Applied,
    draft: Path,
    base: str,
    gone: Sequence[str],
) -> None:
    folder = draft / UNDO_FOLDER
    folder.mkdir(exist_ok=True)
    number = len(list(folder.glob(f"*{WEIGHTS}")))
    about = {
        "host": applied.host.name,
        "component": applied.component,
        "base": base,
        "files": json.dumps({file: file_digest(draft / file) for file in originals}),
        **note(gone, applied.forced),
    }
    tensors = {
        f"{file}{_SEPARATOR}{name}": tensor.contiguous()
        for file, kept in originals.items()
        for name, tensor in kept.items()
    }
    with atomic_path(folder / f"{number:03d}{WEIGHTS}") as path:
        save_file(tensors, path, metadata={**patch.header, **about})
    write_ledger(draft)
    if (draft / CARD_FILE).is_file():
        shutil.copyfile(draft / CARD_FILE, folder / f"{number:03d}.md")


def _kept(path: Path) -> tuple[dict[str, dict[str, Tensor]], dict[str, str]]:
    originals: dict[str, dict[str, Tensor]] = {}
    try:
        with safe_open(path, framework="pt") as file:
            header = dict(file.metadata() or {})
            for key in file.keys():  # noqa: SIM118  safetensors' file is no mapping
                name, tensor = key.split(_SEPARATOR, 1)
                originals.setdefault(name, {})[tensor] = file.get_tensor(key)
    except Exception as error:  # safetensors has an error type of its own
        raise BadDataError(f"{str(path)!r} is damaged ({error}); the host cannot be reverted.") from error
    if set(json.loads(header.get("files", "{}"))) != set(originals) or not originals:
        raise BadDataError(f"{str(path)!r} does not hold the originals of a host; it cannot be reverted.")
    return originals, header


def _require_files(folder: Path, names: Mapping[str, object]) -> None:
    """Refuse names that do not lie in the folder; a foreign file may name any path."""
    missing = sorted(set(names) - set(files_of(folder)))
    if missing:
        raise DataNotFoundError(
            f"{str(folder)!r} lacks {missing[0]!r}, which holds the patch; nothing was written."
        )


def _refuse(source: Path, out: Path) -> None:
    if out.exists():
        msg = f"{str(out)!r} exists already. Choose another --out or remove it first; nothing was changed."
        raise SettingError(msg)
    if out.resolve().is_relative_to(source.resolve()):
        raise SettingError(f"Expected --out outside of {str(source)!r}, but got {str(out)!r}.")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
