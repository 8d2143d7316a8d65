"""How many processors are used, and how they share the interpreter."""

from __future__ import annotations

import os
import sys

import pytest

from sessiontool import cpus


def test_no_more_than_there_are_and_than_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    assert [cpus.usable(most) for most in (1, 2, 8)] == [1, 2, 3]
    monkeypatch.setattr(cpus, "_limit", None)
    cpus.limit(1)
    assert cpus.usable(8) == 1


def test_where_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cpus.usable(8) == 1


def test_the_interpreters_pace_is_as_before_once_the_last_is_done_with_it() -> None:
    usual = sys.getswitchinterval()
    first, second = cpus.handing_over(), cpus.handing_over()
    with first:
        assert sys.getswitchinterval() == pytest.approx(0.001)
        second.__enter__()
    assert sys.getswitchinterval() == pytest.approx(0.001)
    second.__exit__(None, None, None)
    assert sys.getswitchinterval() == usual
