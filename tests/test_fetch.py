"""Many chunks at once: in order, each as it was listed, bounded in memory, whatever the network does to them."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from faultproxy import Fault
from hypothesis import given, settings
from hypothesis import strategies as st
from places import Prefix
from s3server import BUCKET

from sessiontool.errors import NotFoundError, StorageError
from sessiontool.model import StoredObject
from sessiontool.storage import S3Options, Store, open_store
from sessiontool.storage.s3 import prefetch
from sessiontool.storage.s3.bucket import Bucket
from sessiontool.storage.s3.prefetch import Pace, Prefetcher, prefetching

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from faultproxy import FaultProxy

    from sessiontool.storage import Reader

COUNT = 40
PATIENCE_S = 30  # chosen: a busy machine is waited for, and no more than that for a mistake


def objects(count: int, size_bytes: int = 1) -> list[StoredObject]:
    return [StoredObject(f"{number}", size_bytes, "") for number in range(count)]


class Source:
    """What a prefetcher reads from: counts what is under way."""

    def __init__(self, answer_s: float = 0.002) -> None:
        self.answer_s = answer_s
        self.asked: list[str] = []
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def get(self, obj: StoredObject) -> bytes:
        with self._lock:
            self.asked.append(obj.key)
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(self.answer_s)
        with self._lock:
            self._now -= 1
        if obj.key == "broken":
            raise StorageError("broken")
        return obj.key.encode()


def assert_settles(value: Callable[[], int], expected: int) -> None:
    """The value comes to what is expected, soon or on a busy machine late, and is no more a moment later."""
    deadline = time.monotonic() + PATIENCE_S
    while value() < expected and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert value() == expected


# -- reading ahead


def test_later_ones_travel_while_an_earlier_one_is_waited_for() -> None:
    """None of eight is answered before all are under way."""
    source, wanted, all_asked = Source(), objects(32), threading.Barrier(8)

    def get(obj: StoredObject) -> bytes:
        all_asked.wait(timeout=PATIENCE_S)
        return source.get(obj)

    with prefetching(get, wanted, Pace(8)) as ahead:
        assert [ahead.read(obj) for obj in wanted] == [obj.key.encode() for obj in wanted]
    assert source.most <= 8
    assert len(source.asked) == 32


def test_no_more_is_read_ahead_than_the_window_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefetch, "MAX_OBJECTS", 6)
    monkeypatch.setattr(prefetch, "MAX_BYTES", 40)
    for size_bytes, expected in ((1, 6), (10, 4), (100, 1)):
        source, wanted = Source(), objects(20, size_bytes)
        with prefetching(source.get, wanted, Pace(8)) as ahead:
            assert_settles(source.asked.__len__, expected)
            ahead.read(wanted[0])
            assert_settles(source.asked.__len__, expected + 1)


def test_reading_ahead_goes_on_while_nobody_asks() -> None:
    source = Source()
    with prefetching(source.get, objects(40), Pace(4)):
        assert_settles(lambda: len(source.asked), 40)
    assert source.most <= 4


def test_fewer_are_under_way_after_the_server_asked_for_it() -> None:
    source, pace = Source(0.02), Pace(8)
    pace.slow_down()
    with prefetching(source.get, objects(2000), pace):
        assert_settles(lambda: source.most, 4)
        for _ in range(4):
            pace.succeeded()
        assert_settles(lambda: source.most, 8)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 19), max_size=60))
def test_whoever_asks_in_another_order_gets_what_was_asked_for(order: list[int]) -> None:
    wanted = objects(20)
    with prefetching(Source(0).get, wanted, Pace(4)) as ahead:
        for number in order:
            assert ahead.read(wanted[number]) == b"%d" % number
        assert ahead.read(StoredObject("stranger", 1, "")) == b"stranger"


def test_a_second_pass_is_read_ahead_as_well() -> None:
    source, wanted = Source(), objects(30)
    with prefetching(source.get, wanted, Pace(8)) as ahead:
        for obj in (*wanted[:20], *wanted):
            ahead.read(obj)
    assert source.most > 4
    assert len(source.asked) <= 2 * 30


def test_what_cannot_be_read_is_the_error_of_whoever_asks_for_it() -> None:
    wanted = objects(5)
    wanted[3] = StoredObject("broken", 1, "")
    with prefetching(Source().get, wanted, Pace(8)) as ahead:
        assert [ahead.read(obj) for obj in wanted[:3]] == [b"0", b"1", b"2"]
        for _ in range(2):
            with pytest.raises(StorageError):
                ahead.read(wanted[3])
        assert ahead.read(wanted[4]) == b"4"


def test_nobody_waits_for_a_server_that_does_not_answer() -> None:
    never = threading.Event()

    def get(obj: StoredObject) -> bytes:
        never.wait()
        return b""

    begun = time.monotonic()
    with prefetching(get, objects(5), Pace(2)):
        time.sleep(0.05)
    assert time.monotonic() - begun < PATIENCE_S
    never.set()


def fetching_threads(expected: int) -> int:
    """How many there are, once there are as many as expected or a while has passed."""
    deadline = time.monotonic() + 5
    while (count := sum(one.name == "sessiontool-fetch" for one in threading.enumerate())) != expected:
        if time.monotonic() > deadline:
            break
        time.sleep(0.01)
    return count


def test_threads_end_with_the_reading() -> None:
    assert fetching_threads(0) == 0
    with prefetching(Source().get, wanted := objects(30), Pace(8)) as ahead:
        ahead.read(wanted[0])
        assert fetching_threads(8) == 8
    assert fetching_threads(0) == 0


def test_the_pace_halves_once_in_a_burst_and_comes_back() -> None:
    pace = Pace(64)
    for _ in range(40):
        pace.slow_down()
    assert pace.allowed == 32
    for _ in range(100):
        pace.succeeded()
    assert pace.allowed == 64
    for _ in range(20):
        pace._slowed_at = 0
        pace.slow_down()
    assert pace.allowed == 1
    ahead = Prefetcher(Source().get, objects(3), pace)
    assert [ahead.read(obj) for obj in objects(3)] == [b"0", b"1", b"2"]


# -- from S3


BODIES = {f"s1/chunks/0/{number}.webm": bytes([number]) * (1000 + number) for number in range(COUNT)}


@pytest.fixture
def bucket(s3_url: str, s3_client: Any) -> Prefix:
    place = Prefix(s3_url, s3_client)
    for key, body in BODIES.items():
        place.put(key, body)
    return place


@pytest.fixture(params=["obstore", "boto3"])
def client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whether obstore is installed."""
    if request.param == "boto3":
        monkeypatch.setitem(sys.modules, "obstore", None)
    return str(request.param)


@contextmanager
def reading(bucket: Prefix, **options: Any) -> Iterator[tuple[Reader, list[StoredObject]]]:
    with open_store(bucket.url, options=S3Options(**options)) as store:
        chunks = [chunk.object for chunk in store.list_session("s1").chunks]
        with store.reading(chunks) as read:
            yield read, chunks


def all_read(bucket: Prefix, **options: Any) -> dict[str, bytes]:
    with reading(bucket, **options) as (read, chunks):
        return {obj.key: read(obj) for obj in chunks}


def test_every_chunk_is_asked_for_once(bucket: Prefix, client: str, fault_proxy: FaultProxy) -> None:
    assert all_read(bucket) == BODIES
    assert fault_proxy.count("GET", ".webm") == COUNT


PASSING = ("cut", "short", "corrupt", "reset", "stall", "slow_down", "busy", "too_many")


@pytest.mark.parametrize(
    ("client", "kind"),
    [*(("obstore", kind) for kind in PASSING), *(("boto3", kind) for kind in ("cut", "stall", "slow_down"))],
    indirect=["client"],
)
def test_what_passes_is_sat_out(bucket: Prefix, client: str, fault_proxy: FaultProxy, kind: Any) -> None:
    silent_s = 1.5 if kind == "stall" else 0
    fault_proxy.faults += [Fault(kind, path=f"/{number}.webm", seconds=silent_s) for number in (0, 3, 4, 5, 39)] * 2
    assert all_read(bucket, read_timeout_s=0.5 if kind == "stall" else 30) == BODIES
    assert not fault_proxy.faults


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("cut", "broke off"),
        ("corrupt", "checksum"),
        ("slow_down", "slow down"),
        ("expired", "credentials have expired"),
        ("denied", "access denied"),
    ],
)
def test_what_does_not_pass_is_the_error_of_one_chunk(
    bucket: Prefix, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, kind: Any, words: str
) -> None:
    monkeypatch.setattr("sessiontool.storage.s3.bucket._PATIENCE_S", 0.5)
    monkeypatch.setattr("sessiontool.storage.s3.store._REQUEST_ATTEMPTS", 1)
    fault_proxy.faults.append(Fault(kind, path="/7.webm", lasting=True))
    with reading(bucket) as (read, chunks):
        for obj in chunks:
            if obj.key.endswith("/7.webm"):
                with pytest.raises(StorageError, match=f"{obj.key}: .*{words}"):
                    read(obj)
            else:
                assert read(obj) == BODIES[obj.key]


def test_a_chunk_that_changes_or_goes_while_others_are_read(bucket: Prefix, client: str) -> None:
    with open_store(bucket.url) as store:
        chunks = [chunk.object for chunk in store.list_session("s1").chunks]
        bucket.put(chunks[5].key, BODIES[chunks[5].key][::-1] + b"more")
        bucket.put(chunks[6].key, bytes(len(BODIES[chunks[6].key])))
        bucket.delete(chunks[7].key)
        with store.reading(chunks) as read:
            for number, obj in enumerate(chunks):
                if number in {5, 6, 7}:
                    with pytest.raises(NotFoundError if number == 7 else StorageError, match=obj.key):
                        read(obj)
                else:
                    assert read(obj) == BODIES[obj.key]


def test_a_busy_server_is_asked_for_less_at_once(bucket: Prefix, fault_proxy: FaultProxy) -> None:
    fault_proxy.faults += [Fault("slow_down", path=".webm")] * 5
    with reading(bucket) as (read, chunks):
        assert read(chunks[0]) == BODIES[chunks[0].key]
        pace = read._read.__self__._pace  # type: ignore[attr-defined]
        assert pace.allowed < 64


def test_where_obstore_finds_no_way_boto3_does(
    bucket: Prefix, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def no_way(*arguments: Any) -> Callable[[str, str], bytes]:
        def once(key: str, tag: str) -> bytes:
            asked.append(key)
            raise OSError("certificate verify failed")

        return once

    monkeypatch.setattr("sessiontool.storage.s3.fetch._obstore", no_way)
    assert all_read(bucket) == BODIES
    assert 8 <= len(asked) < COUNT
    assert fault_proxy.count("GET", ".webm") == COUNT


def test_without_a_digest_in_its_tag_the_recorders_word_is_asked_for(
    s3_url: str, s3_client: Any, fault_proxy: FaultProxy, client: str
) -> None:
    body = bytes(range(256)) * 33000  # goes up in parts
    place = Prefix(s3_url, s3_client)
    s3_client.upload_fileobj(io.BytesIO(body), BUCKET, f"{place.prefix}s1/chunks/0/1.webm")
    with open_store(s3_url) as store:
        (obj,) = (chunk.object for chunk in store.list_session("s1").chunks)
        assert "-" in obj.tag
        fault_proxy.faults.append(Fault("corrupt", path="1.webm"))
        with store.reading([obj]) as read:
            assert read(obj, hashlib.sha256(body).hexdigest()) == body
        assert not fault_proxy.faults
        with store.reading([obj]) as read:  # the recorder was wrong: what is there is there
            assert read(obj, "0" * 64) == body


class Encrypting:
    """What boto3's client of a bucket encrypted by KMS does: tags look like digests and are none."""

    def __init__(self, *bodies: bytes) -> None:
        self.bodies = list(bodies)
        self.meta = type("Meta", (), {"endpoint_url": "https://s3.invalid"})

    def get_object(self, **_: Any) -> dict[str, Any]:
        body = self.bodies.pop(0)
        return {"Body": io.BytesIO(body), "ContentLength": len(body)}

    def close(self) -> None: ...


def test_a_tag_that_only_looks_like_a_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sessiontool.storage.s3.bucket._FIRST_DELAY_S", 0.001)
    bucket = Bucket(Encrypting(b"damaged", b"correct", b"correct"), "b", {})
    assert bucket.get("k", "0" * 32, 7) == b"correct"
    assert not bucket.client.bodies
    right = hashlib.md5(b"correct", usedforsecurity=False).hexdigest()
    assert Bucket(Encrypting(b"damaged", b"correct"), "b", {}).get("k", right, 7) == b"correct"
    noise = [b"%07d" % number for number in range(10)]
    with pytest.raises(StorageError, match="checksum"):
        Bucket(Encrypting(*noise), "b", {}).get("k", "0" * 32, 7)


FORKED = """
import os, sys
from sessiontool.storage import open_store
def read_all():
    with store.reading(chunks) as read:
        return sum(len(read(chunk)) for chunk in chunks)
with open_store(sys.argv[1]) as store:
    chunks = [chunk.object for chunk in store.list_session("s1").chunks]
    before = read_all()
    for _ in range(3):
        if not os.fork():
            os._exit(read_all() != before)
        assert os.wait()[1] == 0
        assert read_all() == before
print(before)
"""


def test_a_process_that_forks_reads_on_and_so_does_its_child(bucket: Prefix) -> None:
    argv = [sys.executable, "-c", FORKED, bucket.url]
    run = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=60)
    assert (run.stdout, run.stderr) == (f"{sum(map(len, BODIES.values()))}\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize("client", ["obstore", "boto3"])
def test_a_fork_while_a_thread_is_at_the_pace(bucket: Prefix, client: str) -> None:
    """The lock that such a thread holds is held for ever in the child, where there is no such thread."""
    held = FORKED.replace("before = read_all()", "before = read_all(); store._fetch._pace._changed.acquire()").replace(
        "        assert read_all() == before\n", ""
    )
    without = 'import sys; sys.modules["obstore"] = None\n' if client == "boto3" else ""
    argv = [sys.executable, "-c", without + held, bucket.url]
    run = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=60)
    assert (run.stdout, run.stderr) == (f"{sum(map(len, BODIES.values()))}\n", "")


STALLED = """
import sys
from sessiontool.storage import open_store
with open_store(sys.argv[1]) as store:
    chunks = [chunk.object for chunk in store.list_session("s1").chunks]
    with store.reading(chunks) as read:
        read(chunks[0])
        raise KeyboardInterrupt
"""


def test_a_program_ends_while_the_server_is_silent(bucket: Prefix, client: str, fault_proxy: FaultProxy) -> None:
    fault_proxy.faults += [Fault("stall", path=f"/{number}.webm", seconds=20) for number in (30, 31, 32)]
    without = 'import sys; sys.modules["obstore"] = None\n' if client == "boto3" else ""
    begun = time.monotonic()
    run = subprocess.run([sys.executable, "-c", without + STALLED, bucket.url], check=False, capture_output=True)
    assert b"KeyboardInterrupt" in run.stderr
    assert time.monotonic() - begun < 10


def test_a_folder_is_read_as_it_always_was(tmp_path: Any) -> None:
    (tmp_path / "s1/chunks/0").mkdir(parents=True)
    (tmp_path / "s1/chunks/0/1.webm").write_bytes(b"1")
    store: Store = open_store(str(tmp_path))
    (obj,) = (chunk.object for chunk in store.list_session("s1").chunks)
    with store.reading([obj]) as read:
        assert read(obj, "whatever") == b"1"
