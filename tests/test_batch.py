"""`sessiontool batch`, as it is run: many sessions, some broken, workers that die, runs that are stopped."""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from sessiontool.batch.job import Job
from sessiontool.batch.process_pool import WorkerPool
from sessiontool.batch.run_report import written_whole
from sessiontool.cli import app
from sessiontool.console.worker_table import NoTable
from sessiontool.errors import NotFoundError
from sessiontool.options import MergeOptions
from sessiontool.sessions.merge import verify_session
from sessiontool.storage import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SESSIONS = Path(__file__).parent / "data" / "sessions"
KINDS = ("chrome-1s", "chrome-24k", "chrome-load", "chrome-mono", "chrome-pause", "chrome-silence", "firefox-pause")


@dataclass(slots=True)
class Run:
    code: int
    out: str
    err: str
    lines: list[dict[str, Any]] = field(default_factory=list)

    @property
    def sessions(self) -> dict[str, dict[str, Any]]:
        return {line["session_id"]: line for line in self.lines if line["type"] == "session"}

    @property
    def statuses(self) -> Counter[str]:
        return Counter(line["status"] for line in self.lines if line["type"] == "session")

    @property
    def summary(self) -> dict[str, Any]:
        return next(line for line in self.lines if line["type"] == "summary")


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "sessiontool", "batch", *map(str, arguments)]


def batch(*arguments: str | Path, stdin: str = "", env: dict[str, str] | None = None) -> Run:
    argv = command("--workers", "1", *arguments)
    around = {**os.environ, **(env or {})}
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False, timeout=120, env=around)
    lines = [json.loads(line) for line in done.stdout.splitlines()] if "--json" in arguments else []
    return Run(done.returncode, done.stdout, done.stderr, lines)


def multiplied(store: Path, count: int) -> Path:
    """A store of `count` sessions, recordings of every kind in turn."""
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        shutil.copytree(SESSIONS / kind, store / f"s{number:03d}-{kind}")
    return store


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Seven sessions, one of each kind, and three that are broken in different ways."""
    root = multiplied(tmp_path / "store", len(KINDS))
    (root / "x1-empty").mkdir()
    for session_id, body in (("x2-noise", b"no sound" * 1000), ("x3-zeroes", bytes(5000))):
        (root / session_id / "chunks" / "0").mkdir(parents=True)
        (root / session_id / "chunks" / "0" / "0.webm").write_bytes(body)
    return root


MERGED = {"complete", "repaired", "partial"}
BROKEN = {"x1-empty", "x2-noise", "x3-zeroes"}


def test_broken_sessions_do_not_stop_the_others(store: Path, tmp_path: Path) -> None:
    report, metrics = tmp_path / "report.jsonl", tmp_path / "batch.prom"
    first = batch("--all", "-s", store, "--json", "--report", report, "--metrics", metrics, "--workers", "2")
    assert first.code == 4, first.err
    assert {name for name, line in first.sessions.items() if line["status"] == "failed"} == BROKEN
    assert all(first.sessions[name]["exit_code"] == 4 and first.sessions[name]["error"] for name in BROKEN)
    merged = set(first.sessions) - BROKEN
    assert len(merged) == len(KINDS)
    for session_id in merged:  # every figure is that of the session's own report
        line = first.sessions[session_id]
        made = json.loads((store / session_id / "merged" / "report.json").read_text())
        assert (line["status"], line["duration_s"]) == (made["status"], made["duration_s"])
        assert line["chunks"] == len(made["chunks"])
        assert line.get("findings", {}) == Counter(finding["severity"] for finding in made["findings"])
        named = Counter(finding["code"] for finding in made["findings"] if finding["severity"] != "info")
        assert line.get("codes", {}) == named
        assert {"listing", "joining", "aligning", "writing", "publishing"} <= set(line["stages_s"])
    done = first.summary
    assert done["sessions"] == 10
    assert {name: n for name, n in done["by_status"].items() if n} == dict(first.statuses)
    assert done["by_exit_code"] == {"0": 7, "4": 3}
    assert done["chunks"] == sum(first.sessions[name]["chunks"] for name in merged)
    assert round(done["duration_s"], 2) == round(sum(first.sessions[name]["duration_s"] for name in merged), 2)
    assert report.read_text() == first.out
    assert 'sessions{status="failed"} 3.0' in metrics.read_text()

    again = batch("--retry-failed", report, "-s", store, "--report", report)
    assert again.code == 4
    assert len(again.out.splitlines()) == 3 + 4
    assert f"--retry-failed {report}" in again.out


def test_the_second_night_only_does_what_is_new(store: Path) -> None:
    planned = batch("--pending", "-s", store, "--plan", "--json")
    assert planned.statuses == {"planned": 7, "skipped": 3}
    assert not list(store.glob("*/merged"))
    assert planned.sessions["x2-noise"]["reason"].startswith("no manifest says that it has ended, and the last chunk")

    first = batch("--pending", "-s", store, "--json", "--settle", "0", "--no-align")
    assert first.statuses == {"complete": 4, "repaired": 3, "failed": 2, "skipped": 1}
    changed = store / "s000-chrome-1s"
    (changed / "utterances.jsonl").unlink()
    shutil.rmtree(store / "s003-chrome-mono" / "chunks")
    second = batch("--pending", "-s", store, "--json", "--no-align")
    assert second.statuses == {"complete": 1, "unchanged": 6, "skipped": 3}
    assert second.sessions["s000-chrome-1s"]["status"] == "complete"
    assert second.sessions["s003-chrome-mono"]["reason"] == "its chunks were deleted after it was merged"


def test_a_time_shard_and_list_choose_sessions(store: Path) -> None:
    day = 86_400
    for session_id, age_s in (("s000-chrome-1s", 0), ("s001-chrome-24k", 2 * day), ("s002-chrome-load", 9 * day)):
        for chunk in (store / session_id).rglob("*.webm"):
            chunk.unlink()  # it is a link to the recording: not to be touched
            shutil.copyfile(SESSIONS / session_id[5:] / chunk.relative_to(store / session_id), chunk)
            os.utime(chunk, (time.time() - age_s,) * 2)
    listed = "s000-chrome-1s\n# not today\ns001-chrome-24k\ns002-chrome-load\ns000-chrome-1s\n../etc\n"
    chosen = batch("--ids", "-", "-s", store, "--since", "3d", "--until", "1d", "--plan", "--json", stdin=listed)
    assert {name: line["status"] for name, line in chosen.sessions.items()} == {
        "s000-chrome-1s": "skipped", "s001-chrome-24k": "planned", "s002-chrome-load": "skipped", "../etc": "failed",
    }  # fmt: skip
    assert chosen.sessions["../etc"]["exit_code"] == 2
    shards = [
        set(
            batch(
                "--all", "-s", store, "--plan", "--json", "--shard", "/3", env={"JOB_COMPLETION_INDEX": str(n)}
            ).sessions
        )
        for n in range(3)
    ]
    assert sum(map(len, shards)) == 10
    assert set.union(*shards) == {path.name for path in store.iterdir()}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "no session is named"),
        (["a", "--all"], 2, "IDs and --all name sessions twice"),
        (["--all", "--settle", "5"], 2, "only --pending asks"),
        (["--pending", "--settle", "nan"], 2, "--settle nan is no length of time"),
        (["--all", "--since", "soon"], 2, "--since 'soon' is no time"),
        (["--all", "--shard", "2/2"], 2, "there is no shard 2 of 2"),
        (["--all", "--store", "nowhere"], 3, "the store nowhere does not exist"),
        (["--ids", "nothing.txt"], 3, "there is no nothing.txt"),
        (["--retry-failed", "nothing.jsonl"], 3, "there is no nothing.jsonl"),
        (["--all", "--report", "no/where.jsonl"], 5, "cannot write no/where.jsonl"),
        (["--all", "--workers", "0"], 2, "--workers"),
        (["--all", "--report", "."], 5, "cannot write .: it is a folder"),
    ],
)
def test_calls_that_make_no_sense(arguments: list[str], code: int, message: str) -> None:
    done = CliRunner().invoke(app, ["batch", *arguments])
    assert (done.exit_code, message in done.output) == (code, True), done.output


def test_quiet_tells_of_failures_alone_and_json_logs_of_everything(store: Path) -> None:
    quiet = batch("x1-empty", "s000-chrome-1s", "-s", store, "--quiet", "--no-align")
    assert (quiet.code, quiet.out) == (4, "")
    assert quiet.err.splitlines()[0] == "error: x1-empty: session x1-empty has no chunks"
    logged = batch("x1-empty", "s000-chrome-1s", "-s", store, "--quiet", "--no-align", "--log-format", "json")
    events = [json.loads(line) for line in logged.err.splitlines()]
    assert sorted((event["event"], event["level"]) for event in events) == [
        ("session", "error"), ("session", "info"), ("summary", "info"),
    ]  # fmt: skip
    unchanged = next(event for event in events if event.get("status") == "unchanged")
    assert unchanged["session_id"] == "s000-chrome-1s"
    assert unchanged["time"].endswith("Z")
    assert "listing" in unchanged["stages_s"]


def test_a_run_that_could_not_begin_leaves_the_last_ones_report_and_numbers(tmp_path: Path) -> None:
    report, metrics = tmp_path / "night.jsonl", tmp_path / "night.prom"
    for path in (report, metrics):
        path.write_text("last night")
    done = batch("--all", "-s", tmp_path / "nowhere", "--report", report, "--metrics", metrics)
    assert (done.code, done.out) == (3, "")
    assert {path.read_text() for path in (report, metrics)} == {"last night"}
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("options", [(), ("--quiet",)])
def test_a_store_without_sessions_may_be_the_wrong_one(tmp_path: Path, options: tuple[str, ...]) -> None:
    """Also for cron, which would be silent of a mistyped prefix for ever."""
    done = batch("--pending", "-s", tmp_path, *options)
    assert (done.code, done.err.splitlines()) == (
        0,
        [f"there is no session in {tmp_path}: is this the right store, and the right layout?"],
    )


@pytest.mark.parametrize("place", ["folder", "s3"])
def test_a_folder_with_chunks_whose_name_is_no_id_is_not_passed_over(
    tmp_path: Path, request: pytest.FixtureRequest, place: str
) -> None:
    """No mail means that all is well: a recording that no command can name is none of it."""
    odd = ("with space", "-rf", "übung", "x" * 150)
    for name in ("fine", *odd, ".trash"):
        shutil.copytree(SESSIONS / "chrome-24k", tmp_path / name)
    (tmp_path / "my scripts").mkdir()
    (tmp_path / "my scripts" / "clean.sh").write_text("")
    store = str(tmp_path)
    if place == "s3":
        store, client = request.getfixturevalue("s3_url"), request.getfixturevalue("s3_client")
        upload(store, client, tmp_path)
    report = tmp_path.parent / f"{place}.jsonl"
    one = batch("--pending", "-s", store, "--plan", "--settle", "0", "--json", "--report", report)
    found = {session_id: line["status"] for session_id, line in one.sessions.items()}
    assert found == {"fine": "planned", **dict.fromkeys(odd, "failed")}
    assert (one.code, one.sessions["-rf"]["error"]) == (2, "not a session id: '-rf'")
    again = batch("--pending", "-s", store, "--plan", "--quiet", "--report", report)
    assert again.err.splitlines() == [f"4 sessions failed as announced before; sessiontool report {report} names them"]
    listed = CliRunner().invoke(app, ["list", "-s", store])
    assert "not listed, as their names are no session ids: 4 with chunks: '-rf', 'with space'" in listed.stderr


def test_strict_publishes_nothing_with_findings_and_says_so(store: Path) -> None:
    done = batch("s001-chrome-24k", "s000-chrome-1s", "-s", store, "--strict", "--json")
    assert done.code == 4
    assert done.statuses == {"complete": 1, "failed": 1}
    assert not (store / "s001-chrome-24k" / "merged").exists()


def test_ids_may_be_long_in_coming(store: Path) -> None:
    """What has ended is told before the next id comes, and Ctrl-C does not wait for it."""
    argv = command("--ids", "-", "-s", store, "--workers", "1", "--no-align")
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for session_id in (b"s000-chrome-1s\n", b"bad \xff bytes\n", b"s005-chrome-silence\n"):
            process.stdin.write(session_id)
            process.stdin.flush()
            assert process.stdout.readline().startswith(session_id.split()[0])
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read().decode()
        assert process.wait(timeout=20) == 130
        assert "3 sessions: 2 complete, 1 failed; interrupted after" in rest
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_a_table_on_a_terminal_and_nothing_of_it_elsewhere(store: Path) -> None:
    import pty

    ours, terminal = pty.openpty()
    argv = command("--all", "-s", store, "--workers", "1")  # aligned, so that each is there to be drawn
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=terminal, text=True) as process:
        os.close(terminal)
        shown = b""
        while True:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # how a terminal says that nobody is there any more
                break
        assert process.stdout is not None
        out = process.stdout.read()
    os.close(ours)
    assert re.search(rb"s00\d-[a-z0-9-]+ +[a-z]+ +\d+ s", shown)
    assert b"3 failed" in shown
    assert len(out.splitlines()) == 10 + 3
    assert "\x1b" not in out


# -- workers that die, runs that are stopped


class _Killer(NoTable):
    """Kills the worker of one session when it has begun to join it."""

    def __init__(self, victim: str, number: int) -> None:
        self.victim, self.number = victim, number
        self.pool: WorkerPool | None = None

    def doing(self, worker: int, session_id: str, stage: str) -> None:
        if session_id == self.victim and stage.startswith("joining"):
            assert self.pool is not None
            pid = self.pool._workers[worker].process.pid
            assert pid is not None
            os.kill(pid, self.number)


@pytest.mark.parametrize(("number", "name"), [(signal.SIGKILL, "SIGKILL"), (signal.SIGSEGV, "SIGSEGV")])
def test_a_worker_that_dies_costs_its_session_alone(tmp_path: Path, number: int, name: str) -> None:
    store = multiplied(tmp_path / "store", 3)
    shutil.copytree(SESSIONS.parent.parent.parent / "samples" / "demo", store / "victim")
    ids = sorted(path.name for path in store.iterdir())
    ids.insert(2, ids.pop(ids.index("victim")))
    killer = _Killer("victim", number)
    pool = killer.pool = WorkerPool(Job(str(store), "{session}/chunks/{part}/{seq}.{ext}"), 2, killer)
    try:
        outcomes = {outcome.session_id: outcome for outcome in pool.run(iter(ids))}
    finally:
        pool.close()
    assert set(outcomes) == set(ids)
    lost = outcomes.pop("victim")
    assert (lost.status, lost.exit_code, lost.reason) == ("failed", 1, f"its worker was ended by {name}")
    assert {outcome.status for outcome in outcomes.values()} <= {"complete", "repaired"}
    assert not (store / "victim" / "merged" / "report.json").exists()


class _KillsTheIdle(NoTable):
    """Kills each worker once, when it has done its first session and has no other yet."""

    def __init__(self) -> None:
        self.killed: set[int] = set()
        self.pool: WorkerPool | None = None

    def doing(self, worker: int, session_id: str, stage: str) -> None:
        assert self.pool is not None
        if worker in self.pool._workers and not session_id and len(self.killed) < 2:
            process = self.pool._workers[worker].process
            assert process.pid is not None
            self.killed.add(process.pid)
            process.kill()
            process.join()


def test_a_worker_that_dies_with_nothing_to_do_costs_nothing(tmp_path: Path) -> None:
    store = multiplied(tmp_path / "store", 4)
    killer = _KillsTheIdle()
    options = MergeOptions(align=False)
    pool = killer.pool = WorkerPool(Job(str(store), "{session}/chunks/{part}/{seq}.{ext}", options=options), 1, killer)
    try:
        outcomes = list(pool.run(path.name for path in sorted(store.iterdir())))
    finally:
        pool.close()
    assert len(killer.killed) == 2
    assert {outcome.status for outcome in outcomes} <= MERGED
    assert len(outcomes) == 4


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a batch over ten sessions and returns it when the first has ended."""
    store = multiplied(tmp_path / "store", 10)
    started: list[subprocess.Popen[str]] = []

    def start(*more: str | Path) -> subprocess.Popen[str]:
        argv = command("--all", "-s", store, "--workers", "2", *more)
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline()
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def children(pid: int) -> list[int]:
    return [int(found) for found in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def wait_until_gone(pids: Sequence[int]) -> None:
    wait_until(lambda: all(map(is_gone, pids)), "a worker lives on")


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_ends_well(
    running: Callable[..., subprocess.Popen[str]], tmp_path: Path, number: int
) -> None:
    report = tmp_path / "report.jsonl"
    interrupted: list[str] = []
    for _ in range(5):  # a moment may fall between two sessions
        process = running("--report", report, "--force")
        workers = children(process.pid)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 130, err
        assert "Traceback" not in err
        assert "interrupted after" in out
        left = re.search(r"left       (\d+) stopped in the middle, (\d+) not begun", out)
        assert left is not None
        wait_until_gone(workers)
        lines = [json.loads(line) for line in report.read_text().splitlines()]
        assert lines[-1]["interrupted"] is True
        assert not list((tmp_path / "store").glob("*/merged/.sessiontool-*")), "a work folder was left"
        interrupted = [line["session_id"] for line in lines if line.get("status") == "interrupted"]
        assert (int(left[1]), int(left[2])) == (len(interrupted), 10 - (len(lines) - 1)), out
        assert f"again      sessiontool batch --all -s {tmp_path / 'store'}" in out
        if interrupted:
            break
    assert 0 < len(interrupted) <= 2
    again = batch("--retry-failed", report, "-s", tmp_path / "store", "--json")
    assert set(again.sessions) == set(interrupted)
    assert set(again.statuses) <= {"complete", "repaired", "unchanged"}


def swallowing(source: str) -> str:
    """What a program prints in which a stop comes while a compiled package is imported, which makes another error."""
    swallowed = """
import os, signal
def importing():
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except BaseException:
        raise ImportError("cannot initialise module strings") from None
"""
    program = [sys.executable, "-c", swallowed + source]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    return f"{done.returncode} {done.stdout}{done.stderr}".strip()


def test_a_worker_that_is_stopped_while_it_imports_has_not_failed() -> None:
    source = """
from multiprocessing import Pipe
from sessiontool.batch import job, process_pool
job.Runner._do = lambda *_: importing()
ours, theirs = Pipe()
ours.send("s1")
process_pool._leave_with_parent = lambda: None
class Closing:
    recv = staticmethod(theirs.recv)
    def send(self, word):
        if isinstance(word, job.Outcome):
            print(word.session_id, word.status)
            ours.close()
process_pool._serve(Closing(), job.Job(".", "default"))
"""
    assert swallowing(source) == "0 s1 interrupted"


def test_a_command_that_is_stopped_while_it_imports_was_interrupted() -> None:
    source = """
from sessiontool.commands.common import errors_as_exits
try:
    with errors_as_exits(debug=False):
        importing()
except BaseException as error:
    print(type(error).__name__, error.exit_code)
"""
    assert swallowing(source) == "0 Exit 130\ninterrupted"


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes in /proc")
def test_workers_do_not_outlive_a_run_that_was_killed(
    running: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = running()
    workers = children(process.pid)
    assert len(workers) >= 2
    process.kill()
    process.wait()
    wait_until_gone(workers)
    again = batch("--all", "-s", tmp_path / "store", "--json", "--no-align")
    assert again.code == 0
    assert set(again.statuses) <= {"complete", "repaired", "unchanged"}
    assert again.summary["sessions"] == 10


@pytest.mark.parametrize("reader", ["| head -n 1", "2>&1 >/dev/null | head -n 1", ">&-"])
def test_output_that_is_not_read_does_not_end_the_run(tmp_path: Path, reader: str) -> None:
    """By a real shell: `head` takes a line and goes, or stdout is closed from the start."""
    store, report = multiplied(tmp_path / "store", 4), tmp_path / "report.jsonl"
    for name in ("a-empty", "b-empty"):
        (store / name).mkdir()
    run = shlex.join(command("--all", "-s", store, "--no-align", "--workers", "1", "--report", report))
    around = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    script = (
        f"set -o pipefail; {run} --quiet {reader}" if reader.startswith("2>") else f"set -o pipefail; {run} {reader}"
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, timeout=60, env=around)
    assert (done.returncode, done.stderr) == (4, "")
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    assert Counter(line.get("status") for line in lines) == {"complete": 2, "repaired": 2, "failed": 2, None: 1}
    assert lines[-1]["sessions"] == 6
    assert len(done.stdout.splitlines()) == (0 if reader == ">&-" else 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("arguments", [["--version"], ["merge", "--help"], ["batch", "a-empty", "b-empty", "--plan"]])
def test_output_without_room_is_said_and_does_not_end_the_run(tmp_path: Path, arguments: list[str]) -> None:
    for name in ("a-empty", "b-empty"):
        (tmp_path / name).mkdir()
    report = tmp_path / "report.jsonl"
    where = ["-s", str(tmp_path), "--report", str(report)] if "batch" in arguments else []
    with Path("/dev/full").open("w") as full:
        argv = [sys.executable, "-m", "sessiontool", *arguments, *where]
        done = subprocess.run(argv, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr.splitlines()) == (
        5,
        ["error: cannot write the output: No space left on device", "hint: is there room where it goes?"],
    )
    assert not where or len(report.read_text().splitlines()) == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_an_error_that_cannot_be_said_keeps_its_exit_code(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        argv = [sys.executable, "-m", "sessiontool", "merge", "nobody", "-s", str(tmp_path)]
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=full, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (3, b"")


def test_a_report_goes_into_what_has_the_name_and_takes_no_device_s_place(tmp_path: Path) -> None:
    """`--report /dev/null`, `/dev/stdout` and a link in a folder of logs stay what they are."""
    link, real = tmp_path / "link.jsonl", tmp_path / "logs" / "real.jsonl"
    real.parent.mkdir()
    link.symlink_to(real)
    with written_whole(link) as file:
        file.write("whole")
    assert (link.is_symlink(), real.read_text()) == (True, "whole")

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with written_whole(pipe) as file:
        file.write("piped")
    assert (pipe.is_fifo(), os.read(reader, 100)) == (True, b"piped")
    os.close(reader)

    kept = tmp_path / "stdout.txt"
    with kept.open("w") as out:
        argv = command("nobody", "-s", tmp_path, "--quiet", "--report", "/dev/stdout")
        done = subprocess.run(argv, stdout=out, stderr=subprocess.DEVNULL, check=False, timeout=60)
    assert done.returncode == 3
    assert [json.loads(line)["type"] for line in kept.read_text().splitlines()] == ["session", "summary"]


# -- more than one run


def upload(url: str, client: Any, store: Path) -> None:
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    for path in filter(Path.is_file, store.rglob("*")):
        client.put_object(Bucket=bucket, Key=f"{prefix}/{path.relative_to(store)}", Body=path.read_bytes())


@pytest.mark.parametrize("place", ["folder", "s3"])
def test_two_batches_at_once_merge_every_session_once(
    place: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = multiplied(tmp_path / "store", 6)
    url = str(folder)
    if place == "s3":
        url = request.getfixturevalue("s3_url")
        upload(url, request.getfixturevalue("s3_client"), folder)
    argv = command("--all", "-s", url, "--workers", "2", "--json", "--no-align")
    started = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    runs = []
    for process in started:
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        runs.append(Run(0, out, "", [json.loads(line) for line in out.splitlines()]))
    for session_id in (path.name for path in folder.iterdir()):
        statuses = [run.sessions[session_id]["status"] for run in runs]
        assert sum(status in MERGED for status in statuses) == 1, (session_id, statuses)
        assert set(statuses) <= MERGED | {"unchanged", "busy"}, [run.sessions[session_id] for run in runs]
        with open_store(url) as store:
            assert verify_session(session_id, store.target(session_id)).findings == ()


KILLS = 3


@pytest.mark.skipif(sys.platform == "win32", reason="kills process groups")
def test_a_batch_that_is_killed_again_and_again_is_ended_by_the_next(tmp_path: Path) -> None:
    """All its processes at once, as a machine dies."""
    folder = multiplied(tmp_path / "store", 6)
    argv = command("--all", "-s", folder, "--workers", "2", "--quiet", "--force", "--no-align")
    chance = random.Random(7)
    for _ in range(KILLS):
        process = subprocess.Popen(argv, start_new_session=True)
        time.sleep(0.5 + chance.uniform(0, 1.5))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        with open_store(str(folder)) as store:
            for session_id in store.session_ids():
                try:
                    assert verify_session(session_id, store.target(session_id)).findings == ()
                except NotFoundError:
                    continue  # not merged yet
    last = batch("--all", "-s", folder, "--json", "--no-align", "--force")
    assert (last.code, last.summary["by_status"]["failed"], last.summary["sessions"]) == (0, 0, 6)
    for path in folder.iterdir():
        assert sorted(one.name for one in (path / "merged").iterdir()) == [
            "audio.webm", "captions.srt", "captions.vtt", "report.json", "transcript.json",
        ]  # fmt: skip
