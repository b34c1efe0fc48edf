"""Reading safetensors files whole, with errors a user can act on."""

from pathlib import Path

from safetensors import safe_open
from torch import Tensor

from slug_lightning.errors import BadDataError, DataNotFoundError


def read_tensor_file(path: Path | str, what: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and header of a safetensors file.

    Args:
        path: The file.
        what: What it should be, for errors: ``patch`` or ``gradients``.

    Returns:
        Tensors by name, on the CPU, and the header.

    Raises:
        DataNotFoundError: If there is no such file.
        BadDataError: If the file is cut short or of another kind.
    """
    path = Path(path)
    if not path.is_file():
        inside = path / f"{what}.safetensors"
        if inside.is_file():
            raise DataNotFoundError(f"{str(path)!r} is a run's folder: name the file in it, {str(inside)!r}.")
        raise DataNotFoundError(f"No {what} in {str(path)!r}. Compute one with: slug fit --config ...")
    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            return {name: file.get_tensor(name) for name in names}, dict(file.metadata() or {})
    except Exception as error:  # safetensors has an error type of its own
        raise BadDataError(
            f"{str(path)!r} is not a {what} file of slug_lightning or is cut short ({error}). "
            "Copy it again or run slug fit."
        ) from error
