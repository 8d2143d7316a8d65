"""Whoever may write to a store chooses names, links and kinds of files: nothing outside is read, moved or written."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING, Any

import pytest
from test_verify import put_report

from sessiontool.captions import CaptionOptions
from sessiontool.errors import RecordingError, StorageError
from sessiontool.options import MergeOptions
from sessiontool.sessions.merge import inspect_session, merge_session, verify_session
from sessiontool.sessions.recaption import recaption_session
from sessiontool.sessions.result_files import OUTPUTS
from sessiontool.storage import open_store
from sessiontool.storage.local.untrusted import open_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sessiontool.storage import Store, Target

SESSION = "chrome-silence"
SECRET = b"somebody else's"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder that is none of the store's business; it must be as it was when the test ends."""
    folder = tmp_path / "outside"
    folder.mkdir()
    for name in ("report.json", "audio.webm", "captions.vtt", "not-ours"):
        (folder / name).write_bytes(SECRET)
    return folder


@pytest.fixture
def merged(copy: Callable[[str], Path], outside: Path) -> Iterator[Path]:
    """The folder of a published result, in a store of the test's own."""
    session = copy(SESSION)
    merge(session.parent)
    yield session / "merged"
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == dict.fromkeys(
        ("report.json", "audio.webm", "captions.vtt", "not-ours"), SECRET
    )


def merge(root: Path, **options: Any) -> None:
    with open_store(str(root)) as store:
        merge_session(store, SESSION, store.target(SESSION), MergeOptions(align=False, force=True, **options))


def target_of(merged: Path) -> Target:
    return open_store(str(merged.parent.parent)).target(SESSION)


KINDS: dict[str, Callable[[Path, Path], Any]] = {
    "a pipe": lambda path, _: os.mkfifo(path),
    "a socket": lambda path, _: os.mknod(path, stat.S_IFSOCK | 0o600),
    "a link": lambda path, outside: path.symlink_to(outside / "not-ours"),
    "a link ": lambda path, _: path.symlink_to("/dev/zero"),
    "a link  ": lambda path, _: path.symlink_to(path.name),
    "a folder": lambda path, _: path.mkdir(),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["report.json", "transcript.json", "audio.webm", "captions.srt"])
def test_what_is_no_file_is_refused_by_whoever_reads_it(merged: Path, outside: Path, name: str, kind: str) -> None:
    (merged / name).unlink()
    KINDS[kind](merged / name, outside)
    with pytest.raises(StorageError, match=f"{name} is {kind.strip()}, not a file") as caught:
        verify_session(SESSION, target_of(merged))
    assert caught.value.hint
    if name == "report.json":
        with pytest.raises(StorageError, match=r"report\.json is"):
            merge(merged.parent.parent)


@pytest.mark.parametrize("name", ["audio.webm", "captions.vtt", "transcript.json"])
def test_publishing_replaces_a_link_and_does_not_write_through_it(merged: Path, outside: Path, name: str) -> None:
    (merged / name).unlink()
    (merged / name).symlink_to(outside / "not-ours")
    merge(merged.parent.parent)
    assert not (merged / name).is_symlink()
    assert verify_session(SESSION, target_of(merged)).findings == ()


def test_a_link_to_a_folder_is_replaced_as_well(merged: Path, outside: Path) -> None:
    (merged / "captions.vtt").unlink()
    (merged / "captions.vtt").symlink_to(outside)
    merge(merged.parent.parent)
    assert verify_session(SESSION, target_of(merged)).findings == ()


@pytest.mark.parametrize("there", ["nothing", "a result"])
def test_results_that_are_a_link_are_refused(merged: Path, outside: Path, there: str) -> None:
    """Also inside the store, where it would lead into another session's results."""
    other = merged.parent.parent / "other" / "merged"
    other.mkdir(parents=True)
    if there == "a result":
        copytree(merged, other, dirs_exist_ok=True)
    before = sorted(other.iterdir())
    merged.rename(merged.with_name("before"))
    for to in (other, outside):
        merged.unlink(missing_ok=True)
        merged.symlink_to(to)
        for run in (lambda: merge(merged.parent.parent), lambda: verify_session(SESSION, target_of(merged))):
            with pytest.raises(StorageError, match="is a link"):
                run()
    assert sorted(other.iterdir()) == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_lock_that_is_no_file_is_refused(merged: Path, outside: Path, kind: str) -> None:
    KINDS[kind](merged / ".sessiontool.lock", outside)
    with pytest.raises(StorageError, match=f"lock is {kind.strip()}, not a file"):
        merge(merged.parent.parent)


def test_a_lock_that_is_another_files_second_name_is_not_written_to(merged: Path, outside: Path) -> None:
    os.link(outside / "not-ours", merged / ".sessiontool.lock")
    with pytest.raises(StorageError, match="second name of another file"):
        merge(merged.parent.parent)


@pytest.mark.parametrize("kind", ["link", "pipe", "name", "inner link", "inner pipe"])
def test_files_to_be_finished_that_no_run_left_are_not_moved(merged: Path, outside: Path, kind: str) -> None:
    ready = merged / ".sessiontool.ready"
    if kind == "link":
        ready.symlink_to(outside)
    elif kind == "pipe":
        os.mkfifo(ready)
    else:
        ready.mkdir()
        (ready / "report.json").write_text("{}")
        if kind == "name":
            (ready / "..audio").touch()
        elif kind == "inner link":
            (ready / "captions.vtt").symlink_to(outside / "captions.vtt")
        else:
            os.mkfifo(ready / "captions.vtt")
    before = sorted(merged.iterdir())
    with pytest.raises(StorageError, match=r"\.sessiontool\.ready"):
        merge(merged.parent.parent)
    assert sorted(merged.iterdir()) == before


def test_a_chunk_that_becomes_a_pipe_or_a_link_after_the_listing_is_not_waited_for(merged: Path, outside: Path) -> None:
    with open_store(str(merged.parent.parent)) as store:
        chunk = store.list_session(SESSION).chunks[0].object
        path = merged.parent.parent / chunk.key
        for kind, make in KINDS.items():
            path.unlink() if not path.is_dir() else path.rmdir()
            make(path, outside)
            with pytest.raises(StorageError, match="is a" if kind.strip() != "a link" else "link"):
                store.read(chunk)


def test_a_chunk_folder_with_odd_files_in_it_is_merged_without_them(merged: Path, outside: Path) -> None:
    folder = next((merged.parent / "chunks").iterdir())
    for number, make in enumerate(KINDS.values(), 1000):
        make(folder / f"{number}.webm", outside)
    merge(merged.parent.parent)
    assert verify_session(SESSION, target_of(merged)).findings == ()
    with open_store(str(merged.parent.parent)) as store:
        assert inspect_session(store, SESSION).report["chunks"]


def test_a_device_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="/dev/zero is a device, not a file"):
        open_file(Path("/dev/zero"))


# -- names


HOSTILE = (
    "/etc/hostname",
    "../../session.json",
    "..",
    "",
    ".",
    "a/b",
    "a\\b",
    "\0",
    "x" * 300,
    ".sessiontool.lock",
    "café",
)


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path, recorded_session: Callable[[str], Path]) -> Iterator[Store]:
    """A store with one session, in a folder and on S3."""
    session = recorded_session(SESSION)
    files = {str(path.relative_to(session.parent)): path for path in session.rglob("*") if path.is_file()}
    url = str(tmp_path / "store")
    if request.param == "folder":
        copytree(session, tmp_path / "store" / SESSION)
    else:
        url = request.getfixturevalue("s3_url")
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        client = request.getfixturevalue("s3_client")
        for key, path in files.items():
            client.put_object(Bucket=bucket, Key=f"{prefix}/{key}", Body=path.read_bytes())
    with open_store(url) as opened:
        yield opened


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_is_a_path_is_neither_read_nor_fetched(store: Store, name: str) -> None:
    target = store.target(SESSION)
    with pytest.raises(RecordingError, match="not the name of a file"):
        target.read(name)
    with pytest.raises(RecordingError, match="not the name of a file"), target.fetched(name):
        pass


def test_outputs_that_no_result_has_are_named_and_not_fetched(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    target = store.target(SESSION)
    document = merge_session(store, SESSION, target, MergeOptions(align=False)).report
    document["outputs"] += [{"name": name, "bytes": 1, "sha256": "0" * 64} for name in (*HOSTILE, "session.json")]
    with target.workspace() as work:
        put_report(work, document)
        target.publish({"report.json": work / "report.json"})
    asked: list[str] = []
    for kind in ("read", "fetched"):
        monkeypatch.setattr(type(target), kind, watched(getattr(type(target), kind), asked))
    problems = verify_session(SESSION, target).findings
    assert [problem.code for problem in problems] == ["verify-outputs"] * (len(HOSTILE) + 1)
    assert set(asked) <= {*OUTPUTS, "report.json"}


def watched(method: Any, asked: list[str]) -> Any:
    def call(target: Target, name: str) -> Any:
        asked.append(name)
        return method(target, name)

    return call


def test_captions_made_again_drop_names_that_no_result_has(store: Store) -> None:
    target = store.target(SESSION)
    document = merge_session(store, SESSION, target, MergeOptions(align=False)).report
    document["outputs"] += [{"name": "/etc/hostname", "bytes": 1, "sha256": "0" * 64}]
    with target.workspace() as work:
        put_report(work, document)
        target.publish({"report.json": work / "report.json"})
    recaption_session(SESSION, target, CaptionOptions())
    assert verify_session(SESSION, target).findings == ()


def test_files_of_an_earlier_result_go_with_it(store: Store) -> None:
    target = store.target(SESSION)
    options = CaptionOptions(formats=("vtt", "srt", "txt"))
    merge_session(store, SESSION, target, MergeOptions(align=False, captions=options))
    assert "captions.txt" in target.sizes()
    merge_session(store, SESSION, target, MergeOptions(align=False))
    assert set(target.sizes()) == {"audio.webm", "captions.srt", "captions.vtt", "report.json", "transcript.json"}
    assert verify_session(SESSION, target).findings == ()


def test_a_file_that_the_report_does_not_name_is_said(merged: Path) -> None:
    (merged / "captions.txt").write_text("not of this recording")
    (merged / "my notes.txt").write_text("whatever")
    (problem,) = verify_session(SESSION, target_of(merged)).findings
    assert (problem.code, "captions.txt" in problem.message) == ("verify-outputs", True)


def test_a_session_under_another_id_is_said(merged: Path) -> None:
    other = merged.parent.with_name("another")
    copytree(merged.parent, other)
    with open_store(str(other.parent)) as store:
        (problem,) = verify_session("another", store.target("another")).findings
    assert (problem.code, "session_id" in problem.message) == ("verify-report", True)
