"""How many processors are used, and how they share the interpreter."""

from __future__ import annotations

import os
import platform
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


@pytest.mark.parametrize("said", [{}, {"OMP_NUM_THREADS": "2"}, {"OPENBLAS_NUM_THREADS": "2"}])
def test_programs_have_one_blas_thread_where_nobody_said_how_many(said: dict[str, str]) -> None:
    program = (
        "import os; from sessiontool import cpus; cpus.use_one_blas_thread(); own = cpus.given_environment();"
        "import numpy; print(len(os.listdir('/proc/self/task')), own.get('OPENBLAS_NUM_THREADS'))"
    )
    usual = {name: value for name, value in os.environ.items() if "NUM_THREADS" not in name}
    printed = subprocess.check_output([sys.executable, "-c", program], env={**usual, **said}, text=True).split()
    assert printed[1] == str(said.get("OPENBLAS_NUM_THREADS")), "others get what we were given"
    assert int(printed[0]) == (min(2, cpus.usable(2)) if said else 1)


def test_a_library_changes_nothing_of_its_host(merged_session: Callable[[str], Path]) -> None:
    usual = sys.getswitchinterval(), dict(os.environ)
    merged_session("chrome-24k")
    assert (sys.getswitchinterval(), dict(os.environ)) == usual


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such heap")
@pytest.mark.parametrize(("first", "most_mb"), [("cpus.use_one_blas_thread()", 12), ("pass", None)])
def test_programs_give_back_large_arrays(first: str, most_mb: float | None) -> None:
    program = f"""
from sessiontool import cpus
{first}
cpus.give_back_memory()
held = lambda: int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6
before = held()
bytearray(b"x") * (20 << 20)  # from now on glibc takes arrays of this size from its heap
arrays = [bytearray(b"x") * (6 << 20) for _ in range(10)]
del arrays[:9]
print(held() - before)
"""
    grown_mb = float(subprocess.check_output([sys.executable, "-c", program], text=True))
    assert grown_mb < most_mb if most_mb else grown_mb > 30, "a library changes nothing of its host"
