"""A transform that is known only once the model is loaded, after the data were looked at."""

import re
from collections.abc import Callable

from PIL import Image
from torch import Tensor


class LatePreprocess:
    """Calls the transform it is bound to; data sets can be made before there is one."""

    def __init__(self) -> None:
        self._transform: Callable[[Image.Image], Tensor] | None = None

    def bind(self, transform: Callable[[Image.Image], Tensor]) -> None:
        """Set the transform."""
        self._transform = transform

    def __call__(self, image: Image.Image) -> Tensor:
        """Tensor ``(3, H, W)`` of an RGB image."""
        assert self._transform is not None
        return self._transform(image)

    def __repr__(self) -> str:
        return re.sub(r" at 0x[0-9a-f]+", "", repr(self._transform))  # addresses change from run to run
