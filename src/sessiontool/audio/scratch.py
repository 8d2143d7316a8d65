"""Arrays that a thread works in over and over: to have them anew for each block costs as much as to fill them."""

from __future__ import annotations

from math import prod
from threading import local
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray


class Arrays(local):
    """Arrays by what they are used for; each thread has its own."""

    def __init__(self) -> None:
        self._kept: dict[str, NDArray[Any]] = {}

    def get(self, use: str, shape: tuple[int, ...], dtype: DTypeLike = np.float32) -> NDArray[Any]:
        """The array for this use, holding whatever was there before; of one use, always the same `dtype`."""
        size = prod(shape)
        if use not in self._kept or self._kept[use].size < size:
            self._kept[use] = np.empty(size, dtype)
        return self._kept[use][:size].reshape(shape)
