"""What only a folder can do wrong: links, special files, permissions, full disks, leftovers of killed runs."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace
from places import Folder, publish

from sessiontool.errors import NotFoundError, StorageError, UsageError
from sessiontool.storage import open_output, open_store, scratch_folder

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


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
        store.read(replace(listing.chunks[0].object, key="../secret/1.webm"))


def test_a_work_folder_may_go_while_a_session_is_listed(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another run ends this moment, and takes its work folder away between two looks."""
    folder.put("s1/chunks/0/0.webm", b"sound")
    work = folder.root / "s1" / "merged" / ".sessiontool-work"
    work.mkdir(parents=True)
    real = os.scandir

    def scandir(path: Path) -> Any:
        if Path(path) == work:
            work.rmdir()
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with open_store(folder.url) as store:
        assert [chunk.object.key for chunk in store.list_session("s1").chunks] == ["s1/chunks/0/0.webm"]
    assert not work.exists()


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
    assert target.read("report.json") is None
    with suppress(ZeroDivisionError), target.workspace() as work:
        assert work.is_relative_to(target.url)
        raise ZeroDivisionError
    assert list(folder.root.iterdir()) == []
    publish(target, "audio.webm", report=b"1")
    assert target.read("report.json") == b"1"
    assert folder.keys() == ["new/results/s1/audio.webm", "new/results/s1/report.json"]


def test_publishing_that_cannot_succeed_changes_nothing(folder: Folder) -> None:
    target = open_output(folder.root, "s1")
    publish(target, "audio.webm", report=b"old")
    folder.put("s1/captions.vtt/in-the-way", b"")
    with pytest.raises(StorageError, match=r"publish to .* captions\.vtt is a folder"):
        publish(target, "audio.webm", "captions.vtt")
    assert target.read("report.json") == b"old"
    assert folder.keys() == ["s1/audio.webm", "s1/captions.vtt/in-the-way", "s1/report.json"]


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
    assert open_output(folder.root, "s1").read("report.json") == b"old"


def test_leftovers_of_a_killed_run_go_and_those_of_a_living_one_stay(folder: Folder) -> None:
    target = open_output(folder.root, "s1")
    killed, living = (folder.root / "s1" / f".sessiontool-{name}" for name in ("killed", "living"))
    for left in (killed, living):
        left.mkdir(parents=True)
        (left / "audio.webm").touch()
    descriptor = os.open(living, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with target.workspace():
        assert living.exists()
        assert not killed.exists()
    os.close(descriptor)


def test_a_scratch_folder_that_was_just_made_is_not_taken_for_a_leftover(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    old, young = (tmp_path / f"sessiontool-work-{name}" for name in ("old", "young"))
    for left in (old, young):
        left.mkdir()
    os.utime(old, (0, 0))
    with scratch_folder() as work:
        os.utime(work, (0, 0))
        with scratch_folder():
            assert work.exists()
        assert not old.exists()
        assert young.exists()


@contextmanager
def no_rights() -> Iterator[Path]:
    """A store that may be read and not changed, with a folder `locked` that may not even be read."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:  # the folders of pytest are closed to everybody else
        root, locked = Path(name), Path(name) / "locked"
        Folder(root).put("s1/chunks/0/1.webm", b"1")
        locked.mkdir()
        modes = {locked: 0o000, root / "s1": 0o555, root: 0o555}
        for path, mode in modes.items():
            path.chmod(mode)
        me = os.geteuid()
        if me == 0:  # whom modes do not stop
            os.seteuid(65534)
        try:
            yield root
        finally:
            os.seteuid(me)
            for path in reversed(modes):
                path.chmod(0o755)


def test_a_folder_without_permission() -> None:
    with no_rights() as root:
        store = open_store(str(root))
        assert store.read(store.list_session("s1").chunks[0].object) == b"1"
        attempts = (
            lambda: open_store(f"{root}/locked/store"),
            lambda: store.list_session("locked"),
            lambda: store.target("s1").workspace().__enter__(),
            lambda: open_output(root / "locked", "s1").workspace().__enter__(),
            lambda: open_output(root / "locked", "s1").read("report.json"),
        )
        for attempt in attempts:
            with pytest.raises(StorageError, match="permission denied") as caught:
                attempt()
            assert caught.value.hint


def test_files_are_on_the_disk_before_they_are_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer that loses its power has the old result or the new one; waits that prove nothing are left out."""
    steps: list[tuple[str, str]] = []
    sync, rename = os.fsync, os.rename

    def synced(descriptor: int) -> None:
        sync(descriptor)
        steps.append(("sync", Path(f"/proc/self/fd/{descriptor}").readlink().name))

    def renamed(old: str, new: str) -> None:
        steps.append(("rename", Path(new).name))
        rename(old, new)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "rename", renamed)
    target = open_output(str(tmp_path / "out"), "s1")
    for waits in (2, 3):  # in the folder itself: one more where an old report goes before the new files come
        steps.clear()
        with target.workspace() as work:
            for name in ("audio.webm", "captions.vtt", "report.json"):
                (work / name).write_bytes(os.urandom(9))
            target.publish({name: work / name for name in ("audio.webm", "captions.vtt", "report.json")})
        decided = steps.index(("rename", ".sessiontool.ready"))
        before = {name for step, name in steps[:decided] if step == "sync"}
        assert before == {"audio.webm", "captions.vtt", "report.json", ".sessiontool.ready"}
        assert steps[decided + 1 :] == [("sync", "s1")] * waits
