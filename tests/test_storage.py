"""What holds for every store, checked on a folder and on a real S3 server."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from msgspec import Struct
from msgspec.structs import asdict
from places import Folder, Place, Prefix, publish

from sessiontool.errors import NotFoundError, RecordingError, StorageError, UsageError
from sessiontool.model import SessionListing, StoredObject
from sessiontool.storage import Layout, Limits, open_output, open_store

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


SESSION = {
    "s1/session.json": b"{}",
    "s1/utterances.jsonl": b"",
    "s1/chunks/1/2.webm": b"one two",
    "s1/chunks/1/10.webm": b"one ten",
    "s1/chunks/0/000001.webm": b"zero one",
    "s1/chunks/0/1.webm.tmp": b"half",
}


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty store, in a folder and on S3."""
    if request.param == "folder":
        root = tmp_path / "store"
        root.mkdir()
        return Folder(root)
    return Prefix(request.getfixturevalue("s3_url"), request.getfixturevalue("s3_client"))


@pytest.fixture
def session(place: Place) -> Place:
    for key, body in SESSION.items():
        place.put(key, body)
    return place


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_a_session_is_listed_in_order_and_read_back(session: Place) -> None:
    with open_store(session.url) as store:
        listing = store.list_session("s1")
        assert [(chunk.part, chunk.seq, chunk.object.key) for chunk in listing.chunks] == [
            ("0", 1, "s1/chunks/0/000001.webm"),
            ("1", 2, "s1/chunks/1/2.webm"),
            ("1", 10, "s1/chunks/1/10.webm"),
        ]
        assert list(listing.documents) == ["session.json", "utterances.jsonl"]
        assert [stray.key for stray in listing.ignored] == ["s1/chunks/0/1.webm.tmp"]
        everything = [chunk.object for chunk in listing.chunks] + list(listing.documents.values())
        assert {obj.key: store.read(obj) for obj in everything} | {"s1/chunks/0/1.webm.tmp": b"half"} == SESSION
        assert [len(SESSION[obj.key]) for obj in everything] == [obj.size_bytes for obj in everything]


def test_ids_come_once_each_in_the_order_of_keys(place: Place) -> None:
    for key in ("b/session.json", "a/1", "a-b/1", "a/2", "a.c/x/y", "B/1", "-x/1", "not an id/1", "loose.json"):
        place.put(key, b"")
    with open_store(place.url) as store:
        assert list(store.session_ids()) == ["B", "a-b", "a.c", "a", "b"]


def test_ids_inside_names(place: Place) -> None:
    for key in ("in/a-1-1.webm", "in/a-1.webm", "in/a-2.webm", "in/b/session.json", "in/x.webm", "a-1.webm"):
        place.put(key, b"1")
    with open_store(place.url, layout=Layout("in/{session}-{seq}.{ext}")) as store:
        assert list(store.session_ids()) == ["a-1", "a"]
        assert [chunk.seq for chunk in store.list_session("a").chunks] == [1, 2]
        assert store.list_session("b").folder == "in/b"


@pytest.mark.parametrize("session_id", ["s11", "nothing-like-it"])
def test_an_unknown_session(session: Place, session_id: str) -> None:
    with open_store(session.url) as store, pytest.raises(NotFoundError) as caught:
        store.list_session(session_id)
    assert session_id in caught.value.message
    assert session.url in caught.value.message
    assert ("s1" in caught.value.hint) == (session_id == "s11")


@pytest.mark.parametrize("session_id", ["../x", "s1/chunks", "..", ""])
def test_an_id_that_is_a_path(session: Place, session_id: str) -> None:
    with open_store(session.url) as store:
        for use in (store.list_session, store.target):
            with pytest.raises(UsageError):
                use(session_id)
    with pytest.raises(UsageError):
        open_output("results", session_id)


def test_a_session_with_nothing_but_a_result_exists(place: Place) -> None:
    place.put("s1/merged/report.json", b"{}")
    with open_store(place.url) as store:
        listing = store.list_session("s1")
    assert (listing.chunks, listing.documents, listing.ignored) == ((), {}, ())


def test_an_object_that_changes_or_goes_after_the_listing(session: Place) -> None:
    with open_store(session.url) as store:
        first, second, third = (chunk.object for chunk in store.list_session("s1").chunks)
        time.sleep(0.02)  # two clock ticks of a file system
        session.put(first.key, b"longer than before")
        session.put(second.key, bytes(second.size_bytes))
        session.delete(third.key)
        for obj in (first, second):
            with pytest.raises(StorageError, match="changed since it was listed") as changed:
                store.read(obj)
            assert obj.key in changed.value.message
        with pytest.raises(NotFoundError, match="gone") as gone:
            store.read(third)
        assert third.key in gone.value.message


def test_a_document_of_absurd_size_is_refused_unread(session: Place) -> None:
    with open_store(session.url) as store:
        document = store.list_session("s1").documents["session.json"]
        assert store.read(document) == b"{}"
    with open_store(session.url, limits=Limits(document_bytes=1)) as store:
        with pytest.raises(RecordingError, match=r"s1/session.json is 2 bytes.* 1 at most"):
            store.read(document)
        with store.reading([document]) as read, pytest.raises(RecordingError, match=r"s1/session.json is 2 bytes"):
            read(document)


def test_a_result_is_published_and_read_back(session: Place) -> None:
    with open_store(session.url) as store:
        target = store.target("s1")
        assert target.read("report.json") is None
        publish(target, "audio.webm", "captions.vtt", report=b'{"n": 1}')
        assert target.read("report.json") == b'{"n": 1}'
        assert target.url == f"{session.url}/s1/merged"
        assert target.locate("audio.webm") == f"{session.url}/s1/merged/audio.webm"
        before = store.list_session("s1")
    results = {f"s1/merged/{name}" for name in ("audio.webm", "captions.vtt", "report.json")}
    assert set(session.keys()) == results | set(SESSION)
    assert before.ignored[0].key == "s1/chunks/0/1.webm.tmp"


def test_publishing_again_replaces_the_result_and_nothing_else(session: Place) -> None:
    session.put("s1/merged/audio.webm", b"old")
    session.put("s1/merged/report.json", b"old")
    session.put("s1/merged/notes.txt", b"somebody's")
    with open_store(session.url) as store:
        publish(store.target("s1"), "audio.webm", report=b"new")
        assert store.target("s1").read("report.json") == b"new"
    assert set(session.keys()) - set(SESSION) == {f"s1/merged/{n}" for n in ("audio.webm", "notes.txt", "report.json")}


@pytest.mark.parametrize("names", [["audio.webm"], ["report.json", "../x"], ["report.json", ""]])
def test_a_result_needs_a_report_and_plain_names(session: Place, tmp_path: Path, names: list[str]) -> None:
    with open_store(session.url) as store, pytest.raises(ValueError, match=r"report\.json|not a file name"):
        store.target("s1").publish(dict.fromkeys(names, tmp_path))


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, ValueError, OSError])
def test_the_workspace_goes_whatever_happens(session: Place, stop: type[BaseException]) -> None:
    with open_store(session.url) as store:
        with pytest.raises(stop), store.target("s1").workspace() as work:  # noqa: PT012 - the block is what is tested
            (work / "audio.webm").write_text("half")
            raise stop
        assert not work.exists()
    assert set(session.keys()) == set(SESSION)


def test_a_full_disk_in_the_workspace(session: Place) -> None:
    work: Path
    with (  # noqa: PT012 - the block is what is tested
        open_store(session.url) as store,
        pytest.raises(StorageError, match="no space left") as caught,
        store.target("s1").workspace() as work,
    ):
        (work / "audio.webm").symlink_to("/dev/full")
        (work / "audio.webm").write_bytes(b"sound")
    assert caught.value.hint
    assert not work.exists()
    assert set(session.keys()) == set(SESSION)


def test_a_folder_and_a_bucket_with_the_same_keys_are_the_same_session(
    folder: Folder, s3_url: str, s3_client: Any
) -> None:
    bucket = Prefix(s3_url, s3_client)
    for key, body in SESSION.items():
        folder.put(key, body)
        bucket.put(key, body)

    def facts(value: Any) -> Any:
        if isinstance(value, StoredObject):
            return value.key, value.size_bytes
        if isinstance(value, dict):
            return {key: facts(inner) for key, inner in value.items() if key != "has_result"}
        if isinstance(value, Struct):
            return facts(asdict(value))
        return [facts(inner) for inner in value] if isinstance(value, tuple | list) else value

    with open_store(folder.url) as local, open_store(bucket.url) as remote:
        assert facts(asdict(local.list_session("s1"))) == facts(asdict(remote.list_session("s1")))


def test_when_the_last_chunk_arrived(session: Place) -> None:
    with open_store(session.url) as store:
        listing = store.list_session("s1")
    assert abs(listing.newest_chunk_s - time.time()) < 60
    assert listing.newest_chunk_s == max(chunk.object.modified_s for chunk in listing.chunks)
    assert SessionListing("s1", "s1", (), {}).newest_chunk_s == 0


def test_a_folder_needs_no_boto3(folder: Folder) -> None:
    folder.put("s1/chunks/0/1.webm", b"1")
    program = (
        "import sys; from sessiontool.storage import open_store; store = open_store(sys.argv[1]);"
        "print(store.read(store.list_session('s1').chunks[0].object));"
        "sys.exit(any(name.startswith(('boto', 'urllib3', 's3transfer')) for name in sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", program, folder.url], check=False, capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (0, "b'1'\n")
