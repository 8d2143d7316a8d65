"""Batches on a real Dask cluster: a scheduler and two worker processes, one of which is killed in the middle."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from s3server import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

SESSIONS = Path(__file__).parent / "data" / "sessions"
PROGRAM = [sys.executable, "-m", "sessiontool"]


class Cluster:
    """A scheduler and two workers, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        port = free_ports(1)[0]
        self.address = f"tcp://127.0.0.1:{port}"
        self.folder = folder
        self._log = (folder / "dask.log").open("wb")
        scheduler = ["scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard", "--no-show"]
        self.scheduler = self._start(*scheduler)
        worker = ["worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"]
        self.workers = [self._start(*worker) for _ in range(2)]

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:]]
        return subprocess.Popen(argv, stdout=self._log, stderr=self._log, cwd=self.folder)

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()
        self._log.close()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    running = Cluster(tmp_path)
    yield running
    running.close()


def reports(store: Path) -> dict[str, bytes]:
    """Every published file but for the report's own words about the run."""
    return {str(path.relative_to(store)): path.read_bytes() for path in sorted(store.glob("*/merged/*"))}


def test_a_worker_that_is_killed_changes_nothing(cluster: Cluster, tmp_path: Path) -> None:
    kinds = sorted(path.name for path in SESSIONS.iterdir())
    for root in ("one", "two"):
        for number in range(10):
            shutil.copytree(SESSIONS / kinds[number % len(kinds)], tmp_path / root / f"s{number}")
        (tmp_path / root / "empty").mkdir()
    alone = subprocess.run(
        [*PROGRAM, "batch", "--all", "-s", "two", "-q"], cwd=tmp_path, check=False, capture_output=True
    )
    assert alone.returncode == 4

    argv = [*PROGRAM, "batch", "--all", "-s", str(tmp_path / "one"), "--json", "--dask", cluster.address]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        lines = [json.loads(run.stdout.readline()) for _ in range(2)]
        os.kill(cluster.workers[0].pid, signal.SIGKILL)
        lines += [json.loads(line) for line in run.stdout]
    assert run.returncode == 4

    told = [line["session_id"] for line in lines if line["type"] == "session"]
    assert sorted(told) == sorted(path.name for path in (tmp_path / "one").iterdir())
    summary = lines[-1]
    assert (summary["sessions"], summary["by_status"]["failed"]) == (11, 1)
    assert reports(tmp_path / "one") == reports(tmp_path / "two")


@pytest.mark.parametrize(
    ("address", "code", "message"),
    [
        ("tcp://127.0.0.1:1", 5, "no Dask scheduler answers at tcp://127.0.0.1:1"),
        ("nonsense://x", 2, "'nonsense://x' is no address of a Dask scheduler"),
    ],
)
def test_no_cluster(tmp_path: Path, address: str, code: int, message: str) -> None:
    (tmp_path / "a").mkdir()
    argv = [*PROGRAM, "batch", "--all", "-s", str(tmp_path), "--dask", address]
    begun = time.monotonic()
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, message in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr
    assert time.monotonic() - begun < 40
