"""``slug apply``, ``slug compose``, ``slug revert`` and ``slug inspect``."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from slug_lightning.cli.typed_function import run_function

Host = Literal["auto", "open_clip", "transformers", "diffusers", "llava"]


def apply(
    patch: Path,
    out: Path,
    model: str | None = None,
    host: Host = "auto",
    pretrained: str | None = None,
    revision: str | None = None,
    variant: str | None = None,
    write: Literal["files", "pretrained"] = "files",
    link: bool = False,
    force: bool = False,
    push_to_hub: str | None = None,
    private: bool = False,
) -> int:
    """Write a model with the patch applied, in its own format: open_clip, transformers, diffusers or LLaVA.

    Of hosts other than open_clip only the touched tensors are rewritten on disk: they are never loaded,
    whatever their size.

    Args:
        patch: patch.safetensors of a run; figures come from the report.json beside it.
        out: Folder to write; must not exist.
        model: Folder or Hub ID of the host; for open_clip also an architecture, hf-hub:ORG/NAME or
            miniature; by default the model that the patch was made on.
        host: Library of the host; auto is what the folder says, else open_clip.
        pretrained: open_clip tag or weights file.
        revision: Branch, tag or commit on the Hub.
        variant: Weights of a variant such as fp16 (diffusers).
        write: files rewrites the touched tensors of the host's safetensors files; pretrained loads the host
            and saves it anew with save_pretrained, for hosts without safetensors files.
        link: Hard-link files that stay as they are instead of copying them; source and copy then share them.
        force: Apply although the weights are not those that the patch was made on; the model card says so.
        push_to_hub: Repository USER/NAME to upload the result to; slug_undo/ is not uploaded.
        private: Make that repository private.
    """
    from slug_lightning.cli.applying import Request, apply_request

    library, resave = None if host == "auto" else host, write == "pretrained"
    request = Request(patch, out, model, library, pretrained, revision, variant, resave, link, force)
    for line in apply_request(request):
        print(line)
    if push_to_hub is not None:
        from slug_lightning.patch import Patch
        from slug_lightning.patch.hub import push_to_hub as push

        concept = Patch.load(patch).header["concept"]
        print(push(out, push_to_hub, private, f"Remove {concept!r} with slug_lightning"))
    return 0


def compose(
    patches: list[Path], out: Path, model: str | None = None, host: Host = "auto", force: bool = False
) -> int:
    """Write a model with several patches applied, one after the other, as slug apply does.

    The figures of the sum are not those of the patches: measure it with slug validate --patch '[A, B]'.

    Args:
        patches: Two or more patch.safetensors, in order: '[A, B]'.
        out: Folder to write; must not exist.
        model: See slug apply.
        host: See slug apply.
        force: See slug apply.
    """
    from slug_lightning.cli.applying import compose_patches

    for line in compose_patches(patches, out, model, None if host == "auto" else host, force):
        print(line)
    return 0


def revert(
    model: Path, out: Path, link: bool = False, concept: str | None = None, number: int | None = None
) -> int:
    """Write a patched model as it was before its last patch, bit for bit, or without another one it carries.

    Args:
        model: Folder that slug apply wrote.
        out: Folder to write; must not exist.
        link: Hard-link files that stay as they are instead of copying them (not for open_clip).
        concept: Take the deletion of this concept back, whenever it was made (open_clip alone).
        number: The same by its number in the ledger, from 0; see slug inspect MODEL.
    """
    from slug_lightning.cli.reverting import revert_model

    for line in revert_model(model, out, link, concept, number):
        print(line)
    return 0


def inspect(patch: Path) -> int:
    """Show what a patch file is (every header entry, shape and size), or which deletions a model carries.

    Args:
        patch: patch.safetensors of a run, or a folder that slug apply wrote.
    """
    if patch.is_dir():
        from slug_lightning.cli.reverting import ledger_lines

        for line in ledger_lines(patch):
            print(line)
        return 0
    from slug_lightning.patch import Patch
    from slug_lightning.patch.patch import HEADER

    loaded = Patch.load(patch)
    facts = {
        "file": str(patch),
        "bytes": str(patch.stat().st_size),
        "shape": str(tuple(loaded.update.shape)),
        "norm": f"{float(loaded.update.norm()):.6g}",
    }
    known = {name: loaded.header[name] for name in HEADER if name != "base_samples"}
    for name, value in {**facts, **known}.items():
        print(f"{name:<18}{value}")
    return 0


COMMANDS: dict[str, Callable[..., int]] = {
    "apply": apply,
    "compose": compose,
    "revert": revert,
    "inspect": inspect,
}


def run(words: Sequence[str]) -> int:
    """Parse and run."""
    # One file to look at is a positional argument; where there are several, each is named.
    return run_function(
        COMMANDS[words[0]], words[1:], f"slug {words[0]}", as_positional=words[0] == "inspect"
    )
