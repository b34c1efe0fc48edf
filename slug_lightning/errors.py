"""Errors a user can act on: one sentence that says what was expected, what came, and what to do."""

import difflib
from collections.abc import Iterable


class SlugError(Exception):
    """Base of all errors that are the input's fault; the command line prints only their sentence."""


class DataNotFoundError(SlugError, FileNotFoundError):
    """A file or folder that a setting names is not there."""


class BadDataError(SlugError, ValueError):
    """Data are there but cannot be used: empty, unreadable, too many bad members."""


class LayerNotFoundError(SlugError, LookupError):
    """A layer name is not a parameter of the model."""


class ConceptNotFoundError(SlugError, LookupError):
    """A concept is not among the names of the evaluation data."""


class ModelNotFoundError(SlugError, LookupError):
    """A model name, tag or folder cannot be loaded."""


class PatchMismatchError(SlugError, ValueError):
    """A patch was made for other weights than those it is applied to."""


class HostError(SlugError, TypeError):
    """A model, pipeline or folder is not a host that patches can be applied to."""


class UnreadLayerError(SlugError, ValueError):
    """A patch edits a layer that the host does not read: applying it would change nothing."""


class NonFiniteError(SlugError, ArithmeticError):
    """A loss, gradient or weight is NaN or infinite."""


class SettingError(SlugError, ValueError):
    """Settings contradict each other or are out of range."""


class UnwritableError(SlugError, OSError):
    """A folder that results belong into cannot be written to."""


class MissingExtraError(SlugError, ImportError):
    """A package that an option needs is not installed."""


def closest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Names most like ``name``, best first, for error sentences.

    Example:
        >>> closest("visual.projj", ["visual.proj", "logit_scale"])
        ['visual.proj']
    """
    return difflib.get_close_matches(name, list(known), n=count, cutoff=0.4)
