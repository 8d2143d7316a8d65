"""Fixtures for all tests: an environment that belongs to nobody, and a real S3 server."""

from __future__ import annotations

import os
import signal
import uuid
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from shutil import copytree, rmtree
from typing import TYPE_CHECKING, Any

import pytest
from ahead import step_back
from faultproxy import run_fault_proxy
from hypothesis import settings
from places import memory
from s3server import BUCKET, run_s3_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from faultproxy import FaultProxy
    from s3server import S3Server


if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as for what a shell runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)  # or nothing that the tests start could be interrupted
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # `nohup` has it ignored, which programs inherit
step_back()
if IN_MEMORY := memory():
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", IN_MEMORY)  # a merge waits for a disk eight times
settings.register_profile("patient", deadline=None)  # how long something takes is no test's business
settings.load_profile("patient")


SLOW = frozenset(
    f"test_{name}.py"
    for name in (
        *("align", "align_properties", "batch", "browsers", "captions_browsers", "clicks", "compare", "correct"),
        *("dask", "deploy", "docs", "event_reader", "events_merge", "export", "export_clips", "export_ffmpeg"),
        *("fault_kinds", "faults", "fetch", "fill", "foreign_logs", "fuzz_regressions", "import", "killed"),
        *("lambda", "last_chunk", "lease", "ledger", "list", "merge_faults", "misfiled", "moved_numbers", "mp3"),
        *("mp4", "nights", "normal", "noted_pieces", "noted_strangers", "output", "overwritten", "packaging"),
        *("page_browsers", "placing", "purge_random", "random_blobs", "random_faults", "random_parts"),
        *("recorder_edges", "recorder_firefox", "recorder_page", "recorder_sample", "redact", "redact_killed"),
        *(
            "redact_voice",
            "resync",
            "s3",
            "second_opinion",
            "short_blobs",
            "simulate",
            "slices",
            "terminal",
            "verify_mutations",
        ),
        *("websocket_sound", "words", "wrong_bits"),
    )
)
"""Files that take 6 s or more of a processor, or wait for a browser, a server or a lease: left out by `-m "not slow"`.

Measured with `os.times` at a load of 16, which makes it half as much again.  What is left has a file of each package.
"""


OF_WORDS = frozenset(f"test_{name}.py" for name in ("page_browsers", "phones", "redact", "redact_voice", "words"))
"""Files that are about words and their times, or about what is found by them."""

NO_WORDS = "pocketsphinx is not installed: it has no wheel for this Python"


IN_REAL_TIME = {
    "test_recorder_page.py": "conversations in Chromium",
    "test_recorder_firefox.py": "in other browsers and pages",
    "test_recorder_edges.py": "in other browsers and pages",
}
"""Minutes of waiting for browsers that record, by what one worker does of it.

It is done before all else: the others have the processors meanwhile, and no more than two browsers do at a time.
"""


OF_ONE_POOL = dict.fromkeys(
    (
        *("test_fault_kinds.py", "test_last_chunk.py", "test_ledger.py", "test_misfiled.py", "test_noted_strangers.py"),
        *("test_random_faults.py", "test_random_parts.py", "test_wrong_bits.py"),
    ),
    "recordings of `random_pool`",
)
"""Files for which a process makes recordings that take it 4 s: one worker does them."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: what browsers record and play takes its time, and little of a processor."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file is done by one worker, and so are those of one name in these tables, as if they were one file."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    scheduling = LoadFileScheduling(config, log)
    file_of = scheduling._split_scope

    def split_scope(nodeid: str) -> str:
        file: str = file_of(nodeid)
        return {**IN_REAL_TIME, **OF_ONE_POOL}.get(Path(file).name, file)

    scheduling._split_scope = split_scope
    return scheduling


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Nothing stays in memory of tests that passed."""
    if IN_MEMORY and not exitstatus and "PYTEST_XDIST_WORKER" not in os.environ:
        rmtree(session.config._tmp_path_factory.getbasetemp(), ignore_errors=True)  # type: ignore[attr-defined]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The fast loop does not even import what it leaves out: three workers would take as many times five seconds."""
    return True if config.option.markexpr == "not slow" and collection_path.name in SLOW else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long is begun first, and what is done last is short: no worker is waited for at the end."""
    items.sort(key=lambda item: (item.path.name not in IN_REAL_TIME, item.path.name not in SLOW))
    for item in items:
        if item.path.name in SLOW:
            item.add_marker(pytest.mark.slow)
        if item.path.name in OF_WORDS and not find_spec("pocketsphinx"):
            item.add_marker(pytest.mark.skip(reason=NO_WORDS))


@pytest.fixture(autouse=True)
def _nobodys_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Settings and credentials of whoever runs the tests play no part in them."""
    for name in os.environ:
        if name.startswith(("SESSIONTOOL_", "AWS_")):
            monkeypatch.delenv(name)
    nowhere = tmp_path_factory.getbasetemp() / "no-aws-files"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(nowhere / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(nowhere / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A real S3 server, one for all tests of a process."""
    with run_s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def s3_url(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty store of the test's own on the server; the environment has its owner's credentials and the endpoint."""
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{uuid.uuid4().hex}"


@pytest.fixture(scope="session")
def s3_client(s3_server: S3Server) -> Iterator[Any]:
    """The owner's plain boto3 client, to put and look at objects without sessiontool."""
    client = s3_server.client()
    yield client
    client.close()


@pytest.fixture
def fault_proxy(s3_url: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """A proxy in front of the server, which the environment's endpoint leads to from now on."""
    with run_fault_proxy(s3_server.port) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.endpoint)
        yield proxy


TESTS = Path(__file__).parent


@pytest.fixture(scope="session")
def recorded_session() -> Callable[[str], Path]:
    """The folder of a recorded session by its id: real recordings, to be read and never changed."""
    return lambda session_id: store_of(session_id) / session_id


def store_of(session_id: str) -> Path:
    return TESTS.parent / "samples" if session_id == "demo" else TESTS / "data" / "sessions"


@pytest.fixture(scope="session")
def worded_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of the sample alone, merged with words: to be copied, not changed."""
    from sessiontool import MergeOptions, merge

    store = tmp_path_factory.mktemp("worded") / "store"
    copytree(store_of("demo") / "demo", store / "demo")
    merge("demo", store=store, options=MergeOptions(words=True))
    return store


@pytest.fixture(scope="session")
def merged_session(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a recorded session's result, merged through the public interface once in a test process."""
    from sessiontool import merge

    output = tmp_path_factory.mktemp("merged")

    @cache
    def merged(session_id: str) -> Path:
        return Path(merge(session_id, store=store_of(session_id), output=output).location)

    return merged


@pytest.fixture
def copy(recorded_session: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    """Copies a recorded session into a store of the test's own, `tmp_path/store`, and returns its folder there."""

    def copied(session_id: str) -> Path:
        return Path(copytree(recorded_session(session_id), tmp_path / "store" / session_id))

    return copied


@pytest.fixture
def session(copy: Callable[[str], Path]) -> Path:
    """The sample in a store of the test's own; modules that look at another session have their own of this name."""
    return copy("demo")
