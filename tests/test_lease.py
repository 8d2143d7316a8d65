"""One run at a time on one result, in a folder and on S3; and what becomes of the one that comes second."""

from __future__ import annotations

import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from places import Folder, Place, Prefix, publish

from sessiontool.errors import BusyError, StorageError
from sessiontool.options import MergeOptions
from sessiontool.sessions.merge import merge_session, verify_session
from sessiontool.storage import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LEASE = "s1/merged/.sessiontool.lease"
RESULT = ["s1/merged/audio.webm", "s1/merged/report.json"]


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "folder":
        return Folder(tmp_path)
    return Prefix(request.getfixturevalue("s3_url"), request.getfixturevalue("s3_client"))


@pytest.fixture
def bucket(s3_url: str, s3_client: Any) -> Prefix:
    return Prefix(s3_url, s3_client)


@pytest.fixture
def store(bucket: Prefix) -> Iterator[Store]:
    with open_store(bucket.url) as opened:
        yield opened


@pytest.fixture
def out_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every lease has run out as soon as it is taken."""
    monkeypatch.setattr("sessiontool.storage.s3.lease._CLOCK_STEP_S", -3600)


def test_a_second_run_is_told_who_is_at_work(place: Place) -> None:
    with open_store(place.url) as store:
        with store.target("s1").workspace():
            begun = time.monotonic()
            with pytest.raises(BusyError, match=f"at work in .*merged.*: process {os.getpid()} on ") as caught:
                store.target("s1").workspace().__enter__()
            assert time.monotonic() - begun < 20  # and not the minute that a lease lasts
            assert "run again" in caught.value.hint
            assert caught.value.exit_code == StorageError.exit_code
            with store.target("s2").workspace():
                pass
        publish(store.target("s1"), "audio.webm")
    assert place.keys() == RESULT


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_a_run_that_fails_lets_go(place: Place, error: type[BaseException]) -> None:
    with open_store(place.url) as store:
        with pytest.raises(error), store.target("s1").workspace():
            raise error
        publish(store.target("s1"), "audio.webm")
    assert place.keys() == RESULT


def test_of_many_runs_at_once_one_merges(place: Place, recorded_session: Callable[[str], Path]) -> None:
    session = recorded_session("chrome-silence")
    for path in filter(Path.is_file, session.rglob("*")):
        place.put(str(path.relative_to(session.parent)), path.read_bytes())
    together = threading.Barrier(6)

    def run(_: int) -> str:
        together.wait()
        try:
            done = merge_session(shared, session.name, shared.target(session.name), MergeOptions(align=False))
        except BusyError:
            return "busy"
        return "unchanged" if done.unchanged else "merged"

    with open_store(place.url) as shared, ThreadPoolExecutor(6) as pool:
        seen = list(pool.map(run, range(6)))
        assert not verify_session(session.name, shared.target(session.name)).findings
    assert seen.count("merged") == 1
    assert set(seen) <= {"merged", "busy", "unchanged"}


def test_no_two_runs_have_a_lease_at_once(bucket: Prefix, store: Store) -> None:
    together = threading.Barrier(8)
    inside: list[int] = []

    def run(number: int) -> bool:
        together.wait()
        try:
            with store.target("s1").workspace():
                inside.append(number)
                time.sleep(0.3)
                assert inside == [number]
                inside.remove(number)
        except BusyError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert any(pool.map(run, range(8)))
    assert bucket.keys() == []


@pytest.mark.parametrize("body", [b"", b"no lease", b"[]", b'{"seconds": "x"}', b'{"seconds": NaN, "owner": 1}'])
def test_what_is_no_lease_counts_as_one(
    bucket: Prefix, store: Store, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put(LEASE, body)
    with pytest.raises(BusyError):
        publish(store.target("s1"), "audio.webm")
    monkeypatch.setattr("sessiontool.storage.s3.lease._CLOCK_STEP_S", -3600)
    publish(store.target("s1"), "audio.webm")
    assert bucket.keys() == RESULT


def test_a_lease_lasts_as_long_as_its_run_and_little_longer(
    bucket: Prefix, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sessiontool.storage.s3.lease.LEASE_S", 1)
    monkeypatch.setattr("sessiontool.storage.s3.lease._CLOCK_STEP_S", 0.5)
    with store.target("s1").workspace():
        time.sleep(3)
        with pytest.raises(BusyError):
            store.target("s1").workspace().__enter__()
        left = bucket.get(LEASE)
    bucket.put(LEASE, left)  # as a killed run leaves it
    with pytest.raises(BusyError) as caught:
        publish(store.target("s1"), "audio.webm")
    assert "if it was killed, in " in caught.value.hint
    time.sleep(2.6)
    publish(store.target("s1"), "audio.webm")
    assert bucket.keys() == RESULT


def test_a_run_that_lost_its_lease_changes_nothing(bucket: Prefix, store: Store, out_at_once: None) -> None:
    publish(store.target("s1"), "audio.webm", report=b"first")
    slow = store.target("s1")
    with pytest.raises(BusyError, match="took over") as caught, slow.workspace() as work:  # noqa: PT012 - the block is what is tested
        for name in ("audio.webm", "report.json"):
            (work / name).write_text("late")
        publish(store.target("s1"), "audio.webm", report=b"second")
        time.sleep(0.1)
        _let_pass(slow)
        slow.publish({name: work / name for name in ("audio.webm", "report.json")})
    assert "nothing was changed" in caught.value.hint
    assert bucket.keys() == RESULT
    assert (bucket.get(RESULT[0]), bucket.get(RESULT[1])) == (b"new audio.webm", b"second")


def _let_pass(target: Any) -> None:
    """As if the process had stood still since it took the lease."""
    target._publication._lease._renewed -= 120


def test_a_result_that_somebody_else_published_is_not_replaced(bucket: Prefix, store: Store) -> None:
    """Not even by a run that is sure of its lease: the report is put on the condition that there is none."""
    target = store.target("s1")
    with pytest.raises(BusyError), target.workspace() as work:  # noqa: PT012 - the block is what is tested
        for name in ("audio.webm", "report.json"):
            (work / name).write_text("late")
        audio = work / "audio.webm"
        put_file = target._bucket.put_file  # type: ignore[attr-defined]

        def meanwhile(key: str, path: Path) -> None:
            put_file(key, path)
            bucket.put(RESULT[1], b"theirs")

        target._bucket.put_file = meanwhile  # type: ignore[attr-defined]
        target.publish({"audio.webm": audio, "report.json": work / "report.json"})
    assert bucket.get(RESULT[1]) == b"theirs"


def test_a_killed_run_is_cleaned_up_after(bucket: Prefix, store: Store, out_at_once: None, s3_client: Any) -> None:
    publish(store.target("s1"), "audio.webm", report=b"old")
    bucket.put(LEASE, json.dumps({"seconds": 60}).encode())
    bucket.put("s1/merged/.sessiontool-0a/audio.webm", b"half of it")
    upload = {"Bucket": bucket.bucket, "Key": f"{bucket.prefix}s1/merged/.sessiontool-0a/x"}
    s3_client.create_multipart_upload(**upload)
    with store.target("s1").workspace():
        assert store.target("s1").read("report.json") == b"old"
    assert bucket.keys() == RESULT
    uploads = s3_client.list_multipart_uploads(Bucket=bucket.bucket, Prefix=f"{bucket.prefix}s1/merged/")
    assert not uploads.get("Uploads")


def test_what_cannot_be_cleaned_up_now_is_left_to_the_next_run(
    bucket: Prefix, fault_proxy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sessiontool.storage.s3.bucket._PATIENCE_S", 0)
    monkeypatch.setattr("sessiontool.storage.s3.store._REQUEST_ATTEMPTS", 1)
    with open_store(bucket.url) as store:
        publish(store.target("s1"), "audio.webm", report=b"old")
        target = store.target("s1")
        with pytest.raises(StorageError, match="slow down"), target.workspace() as work:  # noqa: PT012 - the block is what is tested
            for name in ("audio.webm", "report.json"):
                (work / name).write_text("new")
            fault_proxy.break_down()
            target.publish({name: work / name for name in ("audio.webm", "report.json")})
        fault_proxy.faults.clear()
        assert bucket.get(RESULT[1]) == b"old"
        assert bucket.get(LEASE)
        monkeypatch.setattr("sessiontool.storage.s3.lease._CLOCK_STEP_S", -3600)
        publish(store.target("s1"), "audio.webm", report=b"next")
    assert bucket.keys() == RESULT
