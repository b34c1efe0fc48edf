"""The command ``slug``: a dispatcher that imports nothing heavy until a command is chosen."""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from slug_lightning import __version__
from slug_lightning.errors import SlugError, closest

# Command -> module and function that run it, and its line in the help.
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "unlearn a digit in the miniature world, offline: data, gradients, search, report"),
    "fit": ("lightning", "gradients -> layer scores -> step search -> patch and report"),
    "validate": ("lightning", "all metrics of the original model, or with --patch of the patched one"),
    "compare": ("compare", "SLUG and other methods on many concepts, in one table"),
    "curate": ("curate", "from a concept to a forget set, out of LAION-style shards or your own images"),
    "apply": ("patches", "write a model with the patch applied: open_clip, transformers, diffusers, LLaVA"),
    "compose": ("patches", "the same with several patches, one after the other"),
    "revert": ("patches", "write a patched model as it was before, bit for bit"),
    "inspect": ("patches", "show what a patch file is"),
    "canvas": ("canvas", "UnlearnCanvas: what pipelines draw after unlearning a style or an object"),
    "sweep": ("sweep", "many deletion requests on one model: a patch and a report each, one retain pass"),
    "audit": ("audit", "does the forgetting hold: rounding, training on, other prompts, probes"),
    "report": ("report", "rebuild the report of a run from its files"),
}
INFEASIBLE = 3


def main(args: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        args: Words after ``slug``; the process's own by default.

    Returns:
        Exit status: 0 done, 2 wrong input, 3 no feasible point, 130 interrupted, 143 ended by SIGTERM.
    """
    words = list(sys.argv[1:] if args is None else args)
    here = str(Path.cwd())
    if here not in sys.path:  # classes that a configuration names may be here; last, so that none is hidden
        sys.path.append(here)
    if not words or words[0] in ("-h", "--help"):
        print(usage())
        return 0
    if words[0] == "--version":
        print(f"slug_lightning {__version__}")
        return 0
    if words[0] not in COMMANDS:
        near = closest(words[0], COMMANDS)
        return _fail(f"There is no command {words[0]!r}. Closest: {near or list(COMMANDS)}. See: slug --help")
    module = import_module(f"slug_lightning.cli.{COMMANDS[words[0]][0]}")
    try:
        return int(module.run(words))
    except SlugError as error:
        return _fail(str(error))
    except OSError as error:
        if error.errno is None:  # not the file system's
            raise
        where = "" if error.filename is None else f" {str(error.filename)!r}"
        return _fail(
            f"Could not read or write{where}: {error.strerror}. Free it or choose another folder; files "
            "already written are whole."
        )
    except KeyboardInterrupt:
        print("Interrupted; files already written are whole.", file=sys.stderr)
        return 130


def usage() -> str:
    """The help text.

    Example:
        >>> usage().splitlines()[0]
        'usage: slug COMMAND [options]'
    """
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {line}" for name, (_, line) in COMMANDS.items()]
    return "\n".join(
        [
            "usage: slug COMMAND [options]",
            "",
            "Remove one concept from a CLIP with one update of one layer, and show that it worked.",
            "",
            *lines,
            "",
            "slug COMMAND --help tells the options of a command; slug --version the version.",
        ]
    )


def _fail(sentence: str) -> int:
    if "Original Traceback" in sentence:  # raised in a loader's worker, which sends its trace as text
        sentence = sentence.strip().splitlines()[-1].split(": ", 1)[-1]
    print(f"slug: {sentence}", file=sys.stderr)
    return 2
