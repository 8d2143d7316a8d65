"""Processes that align: they answer, and when they die, hang or talk nonsense nobody waits or falls."""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from sessiontool.forced_alignment import pool as pool_module
from sessiontool.forced_alignment.pocketsphinx import Found
from sessiontool.forced_alignment.pool import Pool, Worker, cores
from sessiontool.forced_alignment.worker import Task

if TYPE_CHECKING:
    from collections.abc import Iterator

TASK = Task("yes", "", False)
PCM = b"\0" * 320
ANSWER = "[[[0, 10], null], 0, 2, -1.5, []]"


def worker(code: str) -> Worker:
    """A worker that runs `code` in place of ours; it has `ask()`, which takes a request as ours does."""
    ask = "import json, sys\ndef ask(): return sys.stdin.buffer.read(json.loads(sys.stdin.buffer.readline())[0])\n"
    return Worker([sys.executable, "-c", ask + code])


@pytest.fixture
def running() -> Iterator[list[Worker]]:
    workers: list[Worker] = []
    yield workers
    for one in workers:
        one.close()


def test_a_worker_answers_again_and_again(running: list[Worker]) -> None:
    one = worker(f"while True:\n assert len(ask()) == {len(PCM)}; print('{ANSWER}', flush=True)")
    running.append(one)
    for _ in range(3):
        assert one.align(TASK, PCM) == Found(((0, 10), None), 0, 2, -1.5)


@pytest.mark.parametrize(
    "code", ["", "raise SystemExit(3)", "ask(); import os; os.abort()", "ask(); print('{')", "ask(); print('')"]
)
def test_one_that_dies_or_talks_nonsense_has_found_nothing(code: str, running: list[Worker]) -> None:
    one = worker(code)
    running.append(one)
    assert one.align(TASK, PCM * 1000) is None
    assert one.align(TASK, PCM) is None


def test_one_that_hangs_is_not_waited_for(running: list[Worker], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "_PATIENCE_S", 0.3)
    one = worker("import time; ask(); time.sleep(60)")
    running.append(one)
    begun = time.monotonic()
    assert one.align(TASK, PCM) is None
    assert time.monotonic() - begun < 20


def test_ours_comes_back_after_it_was_killed(running: list[Worker]) -> None:
    one = Worker()
    running.append(one)
    silence = b"\0" * 32_000
    first = one.align(TASK, silence)
    one.close()
    assert one.align(TASK, silence) == first


def test_each_thread_has_a_worker_of_its_own_and_all_are_closed() -> None:
    made: list[Counted] = []

    class Counted:
        closed = 0

        def __init__(self) -> None:
            made.append(self)
            self.thread = threading.get_ident()

        def align(self, task: Task, pcm: bytes) -> None:
            assert threading.get_ident() == self.thread
            time.sleep(0.01)

        def close(self) -> None:
            self.closed += 1

    with Pool(Counted) as pool, ThreadPoolExecutor(3) as threads:
        assert list(threads.map(lambda _: pool.align(TASK, PCM), range(30))) == [None] * 30
    assert 1 <= len(made) <= 3
    assert all(one.closed == 1 for one in made)


def test_there_is_at_least_one_core_and_never_a_crowd() -> None:
    assert 1 <= cores() <= 8
