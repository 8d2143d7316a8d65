"""Deleting for good: what is deleted, what never is, and what is written down of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from places import Folder, Place, Prefix
from purging import forge
from typer.testing import CliRunner
from websocket_logs import WebsocketLog, conversation

from sessiontool.cli import app
from sessiontool.errors import BusyError, RecordingError, StorageError
from sessiontool.model import StoredVersion
from sessiontool.options import MergeOptions
from sessiontool.sessions.merge import merge_session, verify_session
from sessiontool.sessions.purge import Purge, Purger, Rule
from sessiontool.storage import Layout, open_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from sessiontool.storage import Store

ID = "chrome-silence"
SESSION = Path(__file__).parent / "data" / "sessions" / ID
DAY_S = 86_400
WANTED = {"delete_chunks_after_days": 30, "delete_all_after_days": 365}
FAST = MergeOptions(align=False)


def document(retention: Any = None, **changes: Any) -> bytes:
    found = json.loads((SESSION / "session.json").read_text()) | changes
    if retention is not None:
        found["retention"] = retention
    found.pop("started_at", None) if "started_at" not in changes else None
    return json.dumps(found).encode()


def put_session(place: Place, session_id: str = ID, *, retention: Any = WANTED) -> None:
    for path in filter(Path.is_file, SESSION.rglob("*")):
        place.put(f"{session_id}/{path.relative_to(SESSION).as_posix()}", path.read_bytes())
    place.put(f"{session_id}/session.json", document(retention, session_id=session_id))


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A store with a session that asks for its chunks to go after 30 days and for the rest after a year."""
    found: Place
    if request.param == "folder":
        found = Folder(tmp_path / "store")
    else:
        found = Prefix(request.getfixturevalue("s3_url"), request.getfixturevalue("s3_client"))
    put_session(found)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    found = Folder(tmp_path / "store")
    put_session(found)
    return found


def keys(place: Place) -> list[str]:
    return place.keys()


class Receipt:
    def __init__(self) -> None:
        self.events: list[tuple[str, Purge]] = []

    def __call__(self, event: str, found: Purge) -> None:
        self.events.append((event, found))


def merge(store: Store, session_id: str = ID) -> None:
    merge_session(store, session_id, store.target(session_id), FAST)


def purge(store: Store, days: float, rule: Rule | None = None, *, session_id: str = ID, **options: Any) -> Purge:
    """Purge as it would be so many days from now."""
    purger = Purger(store, rule or Rule(), now_s=time.time() + days * DAY_S, **options)
    return purger.purge(session_id, store.target(session_id), Receipt())


def test_chunks_go_after_their_term_and_all_after_its_own(place: Place) -> None:
    put_session(place, f"{ID}-2")  # whose keys begin the same
    neighbour = [key for key in keys(place) if key.startswith(f"{ID}-2/")]
    with open_store(place.url) as store:
        merge(store)
        everything = keys(place)
        assert purge(store, 29.9).action == "none"
        assert keys(place) == everything

        done = purge(store, 30.1)
        assert (done.action, done.deleted) == ("chunks", True)
        assert keys(place) == [key for key in everything if "/chunks/" not in key or key in neighbour]
        assert {version.key for version in done.versions} == set(everything) - set(keys(place))
        assert set(done.sha256) == {version.key for version in done.versions}
        assert verify_session(ID, store.target(ID)).findings == ()
        assert purge(store, 40).reason == "its chunks are deleted"

        done = purge(store, 366)
        assert (done.action, done.deleted) == ("all", True)
        assert keys(place) == neighbour
        if isinstance(place, Folder):  # the server of the tests lists folders that are empty
            assert list(store.session_ids()) == [f"{ID}-2"]
            assert not (place.root / ID).exists()


def test_a_session_that_was_made_from_events_never_had_chunks(tmp_path: Path) -> None:
    (tmp_path / "s1").mkdir()
    (tmp_path / "s1" / "events.jsonl").write_text(conversation(WebsocketLog()).text())
    with open_store(str(tmp_path)) as store:
        merge(store, "s1")
        found = purge(store, 40, Rule(chunks_after_days=30), session_id="s1")
    assert (found.action, found.reason) == ("none", "it has no chunks")


def test_a_purge_that_was_killed_goes_on(place: Place) -> None:
    with open_store(place.url) as store:
        merge(store)
        first = store.list_session(ID).chunks[0].object.key
        place.delete(first)
        assert purge(store, 31).action == "chunks"
        assert not [key for key in keys(place) if "/chunks/" in key]


def test_what_says_when_goes_last(folder: Folder) -> None:
    """So that a run that is killed anywhere is gone on with."""
    with open_store(folder.url) as store:
        merge(store)
        found = Purger(store, Rule(), now_s=time.time() + 366 * DAY_S).examine(ID, store.target(ID))
        order = [version.key.removeprefix(f"{ID}/") for version in found.versions]
        assert order[-1] == "session.json"
        assert set(order[-len(store.list_session(ID).documents) :]) == set(store.list_session(ID).documents)
        for version in found.versions[:-1]:
            folder.delete(version.key)
            assert Purger(store, Rule(), now_s=time.time() + 366 * DAY_S).examine(ID, store.target(ID)).action == "all"
        assert purge(store, 366).deleted
    assert folder.keys() == []


def test_versions_and_delete_markers_go_too(s3_url: str, s3_client: Any) -> None:
    bucket = f"versioned-{time.time_ns()}"
    s3_client.create_bucket(Bucket=bucket)
    s3_client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

    def put(key: str, body: bytes) -> None:
        s3_client.put_object(Bucket=bucket, Key=f"p/{key}", Body=body)

    def left() -> list[tuple[str, str]]:
        page = s3_client.list_object_versions(Bucket=bucket, Prefix="p/")
        found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        return sorted((entry["Key"].removeprefix("p/"), entry["VersionId"]) for entry in found)

    for path in filter(Path.is_file, SESSION.rglob("*")):
        put(f"{ID}/{path.relative_to(SESSION).as_posix()}", path.read_bytes())
    put("other/session.json", b"{}")
    chunk = min(path.relative_to(SESSION).as_posix() for path in SESSION.rglob("*.webm"))
    for body in (b"an older upload", (SESSION / chunk).read_bytes()):
        put(f"{ID}/{chunk}", body)
    put(f"{ID}/session.json", document(WANTED))
    with open_store(f"s3://{bucket}/p") as store:
        merge(store)
        assert purge(store, 31).action == "chunks"
        assert not [key for key, _ in left() if "/chunks/" in key]
        s3_client.delete_object(Bucket=bucket, Key=f"p/{ID}/utterances.jsonl")
        done = purge(store, 366)
        assert {version.is_marker for version in done.versions} == {True, False}
    assert [key for key, _ in left()] == ["other/session.json"]


# -- what is never deleted


def test_a_session_that_asks_for_nothing_is_left_alone(folder: Folder) -> None:
    folder.put(f"{ID}/session.json", document())
    with open_store(folder.url) as store:
        merge(store)
        everything = keys(folder)
        assert purge(store, 10_000).reason == "nothing says how long to keep it"
        assert keys(folder) == everything
        assert purge(store, 8, Rule(chunks_after_days=7)).action == "chunks"


def test_what_a_session_asks_for_overrules_the_rule(folder: Folder) -> None:
    with open_store(folder.url) as store:
        merge(store)
        assert purge(store, 29, Rule(1, 1)).action == "none"
        assert purge(store, 31, Rule(9999, 9999)).action == "chunks"
        folder.put(f"{ID}/session.json", document({}))
        assert purge(store, 31, Rule(1, 1)).action == "none"  # it asks for nothing to be deleted


def test_the_age_counts_from_the_last_thing_that_came(folder: Folder) -> None:
    old_s = time.time() - 40 * DAY_S
    for path in filter(Path.is_file, folder.root.rglob("*")):
        os.utime(path, (old_s, old_s))
    with open_store(folder.url) as store:
        merge(store)
        assert Purger(store, Rule()).examine(ID, store.target(ID)).action == "chunks"
        os.utime(folder.root / ID / "utterances.jsonl")
        assert Purger(store, Rule()).examine(ID, store.target(ID)).action == "none"
        os.utime(folder.root / ID / "utterances.jsonl", (old_s, old_s))
        folder.put(f"{ID}/session.json", document(WANTED, started_at="2999-01-01T00:00:00Z"))
        os.utime(folder.root / ID / "session.json", (old_s, old_s))
        assert Purger(store, Rule()).examine(ID, store.target(ID)).action == "none"


def _flip(path: Path) -> None:
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)


def _first_chunk(root: Path) -> Path:
    return min((root / "chunks").rglob("*.webm"))


def _new_chunk(root: Path) -> None:
    shutil.copyfile(_first_chunk(root), _first_chunk(root).with_name("000099.webm"))


def _grow(root: Path) -> None:
    with _first_chunk(root).open("ab") as file:
        file.write(b"x")


def _link(root: Path) -> None:
    """A chunk that leads to another place in the store: it may be read, but what is deleted then?"""
    chunk = _first_chunk(root)
    moved = chunk.rename(root.parent / "moved")
    chunk.symlink_to(moved)


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "not merged": (lambda root: shutil.rmtree(root / "merged"), "it is not merged"),
    "no report": (lambda root: (root / "merged" / "report.json").unlink(), "it is not merged"),
    "a broken report": (lambda root: (root / "merged" / "report.json").write_text("{"), "is no JSON object"),
    "audio changed": (lambda root: _flip(root / "merged" / "audio.webm"), "its result is broken"),
    "audio gone": (lambda root: (root / "merged" / "audio.webm").unlink(), "its result is broken"),
    "captions changed": (lambda root: _flip(root / "merged" / "captions.vtt"), "its result is broken"),
    "a chunk came since": (_new_chunk, "is not in the report of the merge"),
    "a chunk changed": (lambda root: _flip(_first_chunk(root)), "has changed since it was merged"),
    "a chunk grew": (_grow, "has changed since it was merged"),
    "another's report": (
        lambda root: forge(root.parent, lambda report: report.update(session_id="other"), ID),
        "its result is broken: session_id in report.json: expected chrome-silence, found other",
    ),
    "a report that says too little": (
        lambda root: forge(root.parent, lambda report: report["chunks"][0].pop("sha256"), ID),
        r"its result is broken: report.json: chunks\[0\].sha256 is missing",
    ),
    "a link": (_link, "cannot be deleted as a file"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_chunks_that_are_not_proved_to_be_merged_stay(folder: Folder, case: str) -> None:
    hurt, message = REFUSED[case]
    with open_store(folder.url) as store:
        merge(store)
        hurt(folder.root / ID)
        everything = keys(folder)
        with pytest.raises((RecordingError, StorageError), match=message) as caught:
            purge(store, 31)
        assert caught.value.hint
        with pytest.raises((RecordingError, StorageError), match=message):
            purge(store, 31, even_damaged=True)
        assert keys(folder) == everything


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"\xff\xfe\xff",
        document(WANTED, session_id="another"),
        document({"delete_chunks_after_days": -1}),
        document({"delete_chunks_after_days": "30"}),
        document({"delete_chunks_after_days": True}),
        document({"delete_chunks_after_days": 30, "legal_hold": True}),
        document(30),
        document(WANTED).replace(b"30", b"NaN"),
        document(WANTED).replace(b"30", b"1e999"),
    ],
)
def test_a_retention_that_is_unclear_deletes_nothing_whatever_the_rule(folder: Folder, body: bytes) -> None:
    folder.put(f"{ID}/session.json", body)
    with open_store(folder.url) as store:
        merge(store)
        everything = keys(folder)
        with pytest.raises(RecordingError, match=r"session\.json") as caught:
            purge(store, 10_000, Rule(0, 0))
        assert caught.value.hint
        assert keys(folder) == everything


def test_a_session_that_is_being_merged_is_left_alone(place: Place) -> None:
    with open_store(place.url) as store, open_store(place.url) as other:
        merge(store)
        everything = keys(place)
        with other.target(ID).workspace(), pytest.raises(BusyError):
            purge(store, 31)
        assert keys(place) == everything


def test_links_are_not_followed_and_what_they_lead_to_stays(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("stays")
    folder = Folder(tmp_path / "store")
    put_session(folder)
    (folder.root / ID / "more").symlink_to(outside)
    with open_store(folder.url) as store:
        with pytest.raises(RecordingError, match="cannot be deleted as a file"):
            purge(store, 366)
        (folder.root / ID / "more").unlink()
        (folder.root / ID).rename(tmp_path / "store" / "real")
        (folder.root / ID).symlink_to(folder.root / "real")
        with pytest.raises(StorageError, match="is reached through a link"):
            purge(store, 366)
    assert (outside / "precious").read_text() == "stays"
    assert (folder.root / "real" / "session.json").exists()


def test_a_store_deletes_nothing_that_is_not_the_sessions(place: Place) -> None:
    place.put("other/session.json", b"{}")
    with open_store(place.url) as store:
        for key in ("other/session.json", f"{ID}-2/session.json", f"{ID}/", "session.json", f"../{ID}/session.json"):
            with pytest.raises(ValueError, match="not of session"):
                store.delete(ID, [StoredVersion(key, 2, "t", 0.0, "null")])
        with pytest.raises(StorageError):
            store.delete(ID, [StoredVersion(f"{ID}/../other/session.json", 2, "t", 0.0, "no-such-version")])
    assert "other/session.json" in keys(place)


def test_a_session_without_a_folder_of_its_own(tmp_path: Path) -> None:
    """`a-` begins the keys of session `a` and of session `a-1`."""
    folder = Folder(tmp_path / "store")
    chunks = sorted(SESSION.rglob("*.webm"))
    for name in ("a", "a-1"):
        for number, path in enumerate(chunks):
            folder.put(f"{name}-{number}.webm", path.read_bytes())
    with open_store(folder.url, layout=Layout("{session}-{seq}.webm")) as store:
        merge(store, "a")
        done = purge(store, 2, Rule(all_after_days=1), session_id="a")
    assert done.action == "all"
    assert keys(folder) == [f"a-1-{number}.webm" for number in range(len(chunks))]


# -- the command


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, ["purge", *map(str, arguments)])


def test_the_command_lists_first_and_writes_a_receipt(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder.put(f"{ID}/session.json", document({"delete_chunks_after_days": 0}))
    put_session(folder, "unmerged", retention={"delete_chunks_after_days": 0})
    put_session(folder, "over", retention={"delete_all_after_days": 0})
    put_session(folder, "kept", retention=None)
    output = tmp_path / "out"
    with open_store(folder.url) as store:
        merge(store)
    CliRunner().invoke(app, ["merge", "over", "-s", folder.url, "-o", str(output), "--no-align", "-q"])
    everything = keys(folder)
    listed = run("--all", "-s", folder.url)
    assert listed.exit_code == 4, listed.output
    for line in (
        "chrome-silence: would delete its chunks, 5 objects",
        "over: would delete everything",
        "kept: kept: nothing says",
        "error: unmerged: nothing is deleted: it is not merged",
        "nothing is deleted without --yes",
    ):
        assert line in listed.output
    assert keys(folder) == everything
    assert not list(tmp_path.glob("purge-*"))

    done = run("over", "-s", folder.url, "-o", output, "--yes", "--receipt", "over.jsonl")
    assert done.exit_code == 0, done.output
    assert not (output / "over").exists()
    assert run(ID, "-s", folder.url, "--yes", "--receipt", "over.jsonl").exit_code == 5  # there is one of that name
    assert not [key for key in keys(folder) if key.startswith("over/")]

    done = run("--all", "-s", folder.url, "--yes", "--json")
    assert done.exit_code == 4
    told = {one["session_id"]: one for one in json.loads(done.stdout)["sessions"]}
    assert (told[ID]["count"], told[ID]["deleted"], told["unmerged"]["exit_code"]) == (5, True, 4)
    assert keys(folder) == [key for key in everything if not key.startswith(("over/", f"{ID}/chunks/"))]
    (receipt,) = tmp_path.glob("purge-*.jsonl")
    before, after = map(json.loads, receipt.read_text().splitlines())
    assert (before["event"], after["event"]) == ("deleting", "deleted")
    assert (after["session_id"], after["action"], after["store"]) == (ID, "chunks", folder.url)
    assert "its chunks are kept for 0" in after["reason"]
    assert after["at"].endswith("Z")
    for entry in after["objects"]:
        assert entry["sha256"]
        assert entry["bytes"] == (SESSION / entry["key"].removeprefix(f"{ID}/")).stat().st_size
    nothing = run(ID, "-s", folder.url, "--yes", "--receipt", "nothing.jsonl")
    assert (nothing.exit_code, (tmp_path / "nothing.jsonl").exists()) == (0, False)
    left_alone = CliRunner().invoke(app, ["batch", ID, "-s", folder.url, "--workers", "1", "--no-align"])
    assert "its chunks were deleted after it was merged" in left_alone.output


def test_a_receipt_is_kept_where_something_is_deleted_also_when_the_run_ends_badly(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder.put(f"{ID}/session.json", document())
    refused = run(ID, "-s", folder.url, "--chunks-after", "0", "--yes", "--receipt", "nothing.jsonl")
    assert (refused.exit_code, Path("nothing.jsonl").exists()) == (4, False)
    with open_store(folder.url) as store:
        merge(store)
    half = run(ID, "nobody", "-s", folder.url, "--chunks-after", "0", "--yes", "--receipt", "half.jsonl")
    assert (half.exit_code, "receipt: half.jsonl" in half.stderr) == (3, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no session is named"),
        (["a", "--all"], "name sessions twice"),
        (["--all", "--chunks-after", "-1"], "--chunks-after -1 is no number of days"),
        (["--all", "--all-after", "nan"], "--all-after nan is no number of days"),
        (["--all", "--receipt", "r"], "--receipt is of what is deleted"),
    ],
)
def test_calls_that_make_no_sense(arguments: list[str], message: str) -> None:
    done = run(*arguments)
    assert (done.exit_code, message in done.output) == (2, True), done.output
    assert set(re.findall(r"--[a-z-]+", done.output)) <= set(re.findall(r"--[a-z-]+", run("--help").output))


def test_a_hold_keeps_an_object_and_says_so(s3_url: str, s3_client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may read but not delete gets an error that names the object, and nothing is gone."""
    bucket = Prefix(s3_url, s3_client)
    put_session(bucket)
    with open_store(s3_url) as store:
        versions = list(store.versions(ID))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "reader")
    before = keys(bucket)
    with open_store(s3_url) as store, pytest.raises(StorageError, match=r"cannot delete|access denied"):
        store.delete(ID, versions)
    assert keys(bucket) == before
