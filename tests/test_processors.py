"""How many processors are used, and how they share the interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sessiontool import cpus

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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


def test_programs_switch_threads_often() -> None:
    program = "import sys; from sessiontool.cpus import switch_threads_often as s; s(); print(sys.getswitchinterval())"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert float(printed) == pytest.approx(0.001)


def test_a_library_leaves_the_interpreters_pace_alone(merged_session: Callable[[str], Path]) -> None:
    usual = sys.getswitchinterval()
    merged_session("chrome-24k")
    assert sys.getswitchinterval() == usual
