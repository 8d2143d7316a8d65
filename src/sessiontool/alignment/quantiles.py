"""The median and other quantiles of numbers, to the last bit as numpy has them.

`np.median` and `np.quantile` load `numpy.ma` at their first call, to look for masked numbers: a twentieth of a short
session's time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def median(values: NDArray[Any] | Sequence[float]) -> Any:
    """The middle of all values, or the mean of the two in the middle; NaN where one is NaN or there are none."""
    values = np.asarray(values)
    count = values.size
    if not count:
        return np.nan
    low, high = (count - 1) // 2, count // 2
    ordered = np.partition(values, [low, high, count - 1], axis=None)
    return ordered[-1] if np.isnan(ordered[-1]) else np.mean(ordered[low : high + 1])


def quantile(values: NDArray[Any], share: float) -> float:
    """The value below which so large a share of the others is, between two of them by a line; NaN as `median`."""
    count = values.size
    if not count:
        return float("nan")
    place = share * (count - 1)
    low = int(place)
    high = min(low + 1, count - 1)
    ordered = np.partition(values, [low, high, count - 1], axis=None)
    below, above, part = ordered[low], ordered[high], place - low
    if np.isnan(ordered[-1]):
        return float("nan")
    step = above - below
    return float(below + step * part if part < 0.5 else above - step * (1 - part))  # as exact as numpy's at both ends
