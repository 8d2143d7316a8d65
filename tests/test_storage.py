"""What holds for every store, checked on a folder and on a real S3 server, and what only a folder can do wrong."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
from s3server import BUCKET

from sessiontool.errors import NotFoundError, RecordingError, StorageError, UsageError
from sessiontool.storage import Layout, Store, open_output, open_store, read_document

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from sessiontool.storage import Target

SESSION = {
    "s1/session.json": b"{}",
    "s1/utterances.jsonl": b"",
    "s1/chunks/1/2.webm": b"one two",
    "s1/chunks/1/10.webm": b"one ten",
    "s1/chunks/0/000001.webm": b"zero one",
    "s1/chunks/0/1.webm.tmp": b"half",
}


class Place(Protocol):
    """A store as the world sees it, without sessiontool."""

    url: str

    def put(self, key: str, body: bytes) -> None: ...
    def delete(self, key: str) -> None: ...
    def keys(self) -> list[str]: ...


class Folder:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.url = str(root)

    def put(self, key: str, body: bytes) -> None:
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    def delete(self, key: str) -> None:
        (self.root / key).unlink()

    def keys(self) -> list[str]:
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file())


class Prefix:
    def __init__(self, url: str, client: Any) -> None:
        self.url = url
        self.prefix = url.partition(f"{BUCKET}/")[2] + "/"
        self.client = client

    def put(self, key: str, body: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=self.prefix + key, Body=body)

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=BUCKET, Key=self.prefix + key)

    def keys(self) -> list[str]:
        page = self.client.list_objects_v2(Bucket=BUCKET, Prefix=self.prefix)
        return sorted(entry["Key"].removeprefix(self.prefix) for entry in page.get("Contents", ()))


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


def publish(target: Target, *names: str, report: bytes = b"{}") -> None:
    with target.workspace() as work:
        for name in names:
            (work / name).write_text(f"new {name}")
        (work / "report.json").write_bytes(report)
        # The report comes first here: the order must not depend on the caller's.
        target.publish({name: work / name for name in ("report.json", *names)})


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
        session.put(first.key, b"longer than before")
        session.put(second.key, b"same siz")
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
        assert read_document(store, document, max_bytes=2) == b"{}"
        with pytest.raises(RecordingError, match=r"s1/session.json is 2 bytes"):
            read_document(store, document, max_bytes=1)


def test_a_result_is_published_and_read_back(session: Place) -> None:
    with open_store(session.url) as store:
        target = store.target("s1")
        assert target.read_report() is None
        publish(target, "audio.webm", "captions.vtt", report=b'{"n": 1}')
        assert target.read_report() == b'{"n": 1}'
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
        assert store.target("s1").read_report() == b"new"
    assert set(session.keys()) - set(SESSION) == {f"s1/merged/{n}" for n in ("audio.webm", "notes.txt", "report.json")}


KILLED_WHILE_PUBLISHING = """
import os, signal, sys
from sessiontool.storage import open_store

class Files(dict):
    def items(self):
        for name, path in super().items():
            yield name, path
            if name == "audio.webm":
                os.kill(os.getpid(), signal.SIGKILL)

target = open_store(sys.argv[1]).target("s1")
with target.workspace() as work:
    for name in ("audio.webm", "captions.vtt", "report.json"):
        (work / name).write_text("new")
    target.publish(Files({path.name: path for path in sorted(work.iterdir())}))
"""


def test_a_run_killed_between_two_files_leaves_no_report(session: Place) -> None:
    for name in ("audio.webm", "captions.vtt", "report.json"):
        session.put(f"s1/merged/{name}", b"old")
    run = subprocess.run([sys.executable, "-c", KILLED_WHILE_PUBLISHING, session.url], check=False)
    assert run.returncode == -signal.SIGKILL
    with open_store(session.url) as store:
        assert store.target("s1").read_report() is None
        publish(store.target("s1"), "audio.webm", "captions.vtt", report=b"next run")
        assert store.target("s1").read_report() == b"next run"


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

    def facts(store: Store) -> dict[str, Any]:
        return dataclasses.asdict(store.list_session("s1"))

    def without_tags(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: without_tags(inner) for key, inner in value.items() if key != "tag"}
        return [without_tags(inner) for inner in value] if isinstance(value, tuple) else value

    with open_store(folder.url) as local, open_store(bucket.url) as remote:
        assert without_tags(facts(local)) == without_tags(facts(remote))


def test_a_folder_needs_no_boto3(folder: Folder) -> None:
    folder.put("s1/chunks/0/1.webm", b"1")
    program = (
        "import sys; from sessiontool.storage import open_store; store = open_store(sys.argv[1]);"
        "print(store.read(store.list_session('s1').chunks[0].object));"
        "sys.exit(any(name.startswith(('boto', 'urllib3', 's3transfer')) for name in sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", program, folder.url], check=False, capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (0, "b'1'\n")


@pytest.mark.parametrize("name", ["nowhere", "file.txt", "x" * 300])
def test_a_store_that_is_not_there(tmp_path: Path, name: str) -> None:
    (tmp_path / "file.txt").touch()
    with pytest.raises((NotFoundError, StorageError)) as caught:
        open_store(str(tmp_path / name))
    assert name in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("url", ["gs://bucket/x", "https://example.org/x", "file://host/x", "", " ", "a\0b"])
def test_what_is_no_store(url: str) -> None:
    with pytest.raises(UsageError):
        open_store(url)


def test_names_of_a_folder(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.put("my store/s1/chunks/0/1.webm", b"1")
    monkeypatch.setenv("HOME", folder.url)
    monkeypatch.chdir(folder.root)
    for name in ("my store", "./my store/", "~/my store", f"file://{folder.url}/my%20store", f"{folder.url}/my store"):
        assert list(open_store(name).session_ids()) == ["s1"]


def test_a_link_to_the_store_or_inside_it_is_followed(folder: Folder) -> None:
    folder.put("real/s1/chunks/0/1.webm", b"1")
    (folder.root / "link").symlink_to("real")
    (folder.root / "real/latest").symlink_to("s1")
    (folder.root / "real/s1/chunks/0/2.webm").symlink_to("1.webm")
    store = open_store(f"{folder.url}/link")
    for session_id in ("s1", "latest"):
        assert [store.read(chunk.object) for chunk in store.list_session(session_id).chunks] == [b"1", b"1"]


def test_links_out_of_the_store_are_not_followed(folder: Folder) -> None:
    folder.put("secret/1.webm", b"secret")
    folder.put("secret/chunks/0/1.webm", b"secret")
    folder.put("store/s1/chunks/0/1.webm", b"1")
    chunks = folder.root / "store/s1/chunks"
    (chunks / "0/2.webm").symlink_to(folder.root / "secret/1.webm")
    (chunks / "0/3.webm").symlink_to("3.webm")
    (chunks / "1").symlink_to(folder.root / "secret")
    (chunks / "2").symlink_to("..")
    (folder.root / "store/s1/session.json").symlink_to("/etc/hostname")
    (folder.root / "store/out").symlink_to(folder.root / "secret")
    (folder.root / "store/s1/merged").symlink_to(folder.root / "secret")
    store = open_store(f"{folder.url}/store")
    listing = store.list_session("s1")
    assert [chunk.seq for chunk in listing.chunks] == [1]
    assert not listing.documents
    assert [stray.key for stray in listing.ignored] == [
        "s1/chunks/0/2.webm (link)",
        "s1/chunks/0/3.webm (link)",
        "s1/chunks/1 (link)",
        "s1/chunks/2 (link)",
        "s1/merged (link)",
        "s1/session.json (link)",
    ]
    with pytest.raises(StorageError, match="out of the store"):
        store.list_session("out")
    with pytest.raises(StorageError, match="out of the store"):
        store.target("s1")
    with pytest.raises(StorageError, match="out of the store"):
        store.read(dataclasses.replace(listing.chunks[0].object, key="../secret/1.webm"))


def test_odd_files_are_reported_and_do_no_harm(folder: Folder) -> None:
    folder.put("s1/chunks/0/1.webm", b"1")
    os.mkfifo(folder.root / "s1/chunks/0/2.webm")
    (folder.root / "s1/chunks/0/3.webm").mkdir()
    with Path(os.fsdecode(bytes(folder.root) + b"/s1/chunks/0/\xff.webm")).open("wb"):
        pass
    listing = open_store(folder.url).list_session("s1")
    assert [chunk.seq for chunk in listing.chunks] == [1]
    assert [stray.key for stray in listing.ignored] == [
        "s1/chunks/0/2.webm (no file)",
        "s1/chunks/0/\\udcff.webm",
    ]


def test_an_empty_session_folder_is_a_session(folder: Folder) -> None:
    (folder.root / "s1").mkdir()
    assert open_store(folder.url).list_session("s1").chunks == ()


def test_output_goes_to_a_folder_of_the_session_that_is_made_when_needed(folder: Folder) -> None:
    target = open_output(folder.root / "new/results", "s1")
    assert target.read_report() is None
    with suppress(ZeroDivisionError), target.workspace() as work:
        assert work.is_relative_to(target.url)
        raise ZeroDivisionError
    assert list(folder.root.iterdir()) == []
    publish(target, "audio.webm", report=b"1")
    assert target.read_report() == b"1"
    assert folder.keys() == ["new/results/s1/audio.webm", "new/results/s1/report.json"]


def test_publishing_that_fails_half_way_leaves_no_report(folder: Folder) -> None:
    target = open_output(folder.root, "s1")
    publish(target, "audio.webm", report=b"old")
    folder.put("s1/captions.vtt/in-the-way", b"")
    with pytest.raises(StorageError, match="publish to"):
        publish(target, "audio.webm", "captions.vtt")
    assert target.read_report() is None
    assert folder.keys() == ["s1/audio.webm", "s1/captions.vtt/in-the-way"]


LIMITED = """
import resource, sys
from sessiontool.errors import StorageError
from sessiontool.storage import open_output

target = open_output(sys.argv[1], "s1")
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    with target.workspace() as work:
        (work / "report.json").write_text("new")
        (work / "audio.webm").write_bytes(bytes(2000))
        target.publish({path.name: path for path in work.iterdir()})
except StorageError as error:
    print(error.message)
"""


def test_a_disk_that_takes_no_more_leaves_the_old_result_whole(folder: Folder) -> None:
    publish(open_output(folder.root, "s1"), "audio.webm", report=b"old")
    run = subprocess.run([sys.executable, "-c", LIMITED, folder.url], check=True, capture_output=True, text=True)
    assert "larger than allowed" in run.stdout
    assert folder.keys() == ["s1/audio.webm", "s1/report.json"]
    assert open_output(folder.root, "s1").read_report() == b"old"


def test_leftovers_of_a_killed_run_go_and_those_of_a_living_one_stay(folder: Folder) -> None:
    target = open_output(folder.root, "s1")
    with target.workspace() as living:
        os.utime(living, (0, 0))
        killed = living.with_name(".sessiontool-killed")
        just_made = living.with_name(".sessiontool-just-made")
        for left in (killed, just_made):
            left.mkdir()
            (left / "audio.webm").touch()
        os.utime(killed, (0, 0))
        with target.workspace():
            assert living.exists()
            assert just_made.exists()
            assert not killed.exists()


@contextmanager
def as_nobody() -> Iterator[Path]:
    """A folder that belongs to root, and no right to change it."""
    if os.geteuid() != 0:
        pytest.skip("only root can give up rights and take them back")
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        root = Path(name)
        root.chmod(0o755)
        Folder(root).put("s1/chunks/0/1.webm", b"1")
        (root / "locked").mkdir(mode=0o700)
        os.seteuid(65534)
        try:
            yield root
        finally:
            os.seteuid(0)


def test_a_folder_without_permission() -> None:
    with as_nobody() as root:
        store = open_store(str(root))
        assert store.read(store.list_session("s1").chunks[0].object) == b"1"
        attempts = (
            lambda: open_store(f"{root}/locked/store"),
            lambda: store.list_session("locked"),
            lambda: store.target("s1").workspace().__enter__(),
            lambda: open_output(root / "locked", "s1").workspace().__enter__(),
            lambda: open_output(root / "locked", "s1").read_report(),
        )
        for attempt in attempts:
            with pytest.raises(StorageError, match="permission denied") as caught:
                attempt()
            assert caught.value.hint
