"""How many processors are used."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sessiontool import processors

if TYPE_CHECKING:
    import pytest


def test_no_more_than_there_are_and_than_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    assert [processors.usable(most) for most in (1, 2, 8)] == [1, 2, 3]
    monkeypatch.setattr(processors, "_limit", None)
    processors.limit(1)
    assert processors.usable(8) == 1


def test_where_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert processors.usable(8) == 1
