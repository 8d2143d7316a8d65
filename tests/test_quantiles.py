"""Quantiles are numpy's to the last bit: results of a merge are golden."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessiontool.alignment.quantiles import median, quantile

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40)


@given(NUMBERS, st.floats(0, 1))
def test_they_are_numpys(numbers: list[float], share: float) -> None:
    values = np.array(numbers)
    assert median(values) == median(numbers) == np.median(values)
    assert quantile(values, share) == np.quantile(values, share)


@pytest.mark.parametrize("values", [[], [1.0, float("nan"), 2.0]])
def test_what_has_no_order_has_none(values: list[float]) -> None:
    assert np.isnan(median(values))
    assert np.isnan(quantile(np.array(values), 0.25))
