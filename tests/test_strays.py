"""What lies in a session's folder and no merge reads: told apart by its name, named by merge, inspect and doctor."""

from __future__ import annotations

import json
import os
import time
from shutil import copytree
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import Prefix
from typer.testing import CliRunner

from sessiontool import MergeOptions, merge
from sessiontool.cli import app
from sessiontool.errors import RecordingError
from sessiontool.model import StoredObject
from sessiontool.sessions.provenance import find_strays, fingerprint
from sessiontool.storage import Layout
from sessiontool.storage.layout_hint import fitting_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sessiontool.model import SessionListing

    Copy = Callable[[str], Path]

CHUNK = "s/chunks/0/000001.webm"


def listed(*keys: str, layout: str | None = None) -> SessionListing:
    found = (Layout(layout) if layout else Layout()).listing("s", [StoredObject(key, 7, "tag") for key in keys])
    assert found is not None
    return found


def kinds(*keys: str, layout: str | None = None) -> dict[str, str]:
    return {one.object.key: one.kind for one in find_strays(listed(*keys, layout=layout))}


def told(folder: Path, code: str) -> list[Any]:
    """The findings of a code, of a merge into the session's own folder."""
    result = merge(folder.name, store=folder.parent, options=MergeOptions(align=False))
    return [finding for finding in result.report["findings"] if finding["code"] == code]


def inspected(folder: Path) -> tuple[str, dict[str, Any]]:
    """What `inspect` prints, and its findings by their code."""
    arguments = ["inspect", folder.name, "--store", str(folder.parent)]
    document = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    findings = {one["code"]: one for one in document["sessions"][0]["report"]["findings"]}
    return CliRunner().invoke(app, [*arguments, "-v"]).stdout, findings


def names_check(store: Path | str) -> Any:
    """What `doctor` finds of the names in a store."""
    checks = json.loads(CliRunner().invoke(app, ["doctor", "--store", str(store), "--json"]).stdout)["checks"]
    return next(check for check in checks if check["name"] == "names")


# -- kinds


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *[(f"chunks/0/{name}", "recording") for name in ("5 (1).webm", "4.webm.bak", "5.webm~", "IMG.mp4")],
        *[(f"chunks/0/{name}", "recording") for name in ("5", "webm", "x.unknown", "a/1.webm", "1.webm.gz", "-1.webm")],
        *[(f"chunks/0/{name}", "recording") for name in ("9.webm (link)", "pipe (no file)", "\u0661.webm")],
        *[(name, "recording") for name in ("chunks/chunk-7.webm", "audio.webm", "old/1.OGG", "5", "chunks (link)")],
        *[(f"chunks/0/{name}", "upload") for name in ("7.webm.part", "2.tmp", ".7.webm.x7TqA2", "000001.tmp")],
        *[(name, "other") for name in ("transcript.txt", "events.json.bak", "utterances.pdf", "notes/1.jsonl")],
        *[(name, "other") for name in ("README", "chunks/0/9.webm.md5", "old/a.vtt", "b (link)", "corrections.txt")],
        *[(f"chunks/0/{name}", None) for name in ("000001.webm.md5", "000001.json", ".DS_Store", "._000001.webm")],
        *[(name, None) for name in ("session.json", "utterances.jsonl", "truth.json", "chunks/.keep", "Thumbs.db")],
        ("merged/audio.webm", None),
    ],
)  # fmt: skip
def test_what_a_name_says(name: str, kind: str | None) -> None:
    found = kinds(CHUNK, f"s/{name}")
    assert found == ({f"s/{name}": kind} if kind else {})


def test_the_second_of_two_documents_of_a_kind_is_not_read() -> None:
    assert kinds(CHUNK, "s/utterances.json", "s/utterances.jsonl", "s/events.json") == {"s/utterances.json": "other"}


def test_a_copy_of_a_result_is_no_recording() -> None:
    assert kinds("s/merged.old/audio.webm", "s/merged.old/report.json") == {
        "s/merged.old/audio.webm": "other",
        "s/merged.old/report.json": "other",
    }


def test_where_chunks_lie_among_all_else_only_what_looks_like_a_recording_is_one() -> None:
    found = kinds("s/1.webm", "s/notes", "s/2 (1).webm", "s/3.WEBM", layout="{session}/{seq}.webm")
    assert found == {"s/notes": "other", "s/2 (1).webm": "recording", "s/3.WEBM": "recording"}


@pytest.mark.parametrize(
    ("layout", "folder"),
    [
        ("{session}/chunks/{part}/{seq}.{ext}", "s/chunks/"),
        ("{session}/{seq}.{ext}", ""),
        ("a/{session}/b/c/{part}-{seq}.webm", "a/s/b/c/"),
        ("{session}-{seq}.webm", ""),
        ("calls/{session}.chunks/{part}_{seq}.{ext}", "calls/s.chunks/"),
        ("calls/{session}/{session}_{part}_{seq}.{ext}", ""),
    ],
)
def test_the_folder_of_the_chunks(layout: str, folder: str) -> None:
    made = layout.format(session="s", part="0", seq="1", ext="webm")
    assert listed(made, layout=layout).chunks_folder == folder


@given(st.lists(st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1, max_size=12)))
def test_any_name_can_be_said(names: Sequence[str]) -> None:
    from sessiontool.sessions.strays import stray_findings

    listing = listed(CHUNK, *(f"s/chunks/{name}" for name in names))
    for finding in stray_findings(find_strays(listing), listing):
        assert finding.message.isprintable()
        assert finding.hint.isprintable()
        assert len(finding.message) < 500


# -- findings


def test_recordings_under_strange_names_are_named(copy: Copy) -> None:
    folder = copy("demo")
    chunks = folder / "chunks"
    (chunks / "002/000005.webm").rename(chunks / "002/000005 (1).webm")
    (chunks / "002/000004.webm").rename(chunks / "002/000004.webm.bak")
    (chunks / "001/000001.webm").rename(chunks / "chunk-7.webm")
    size = sum(
        path.stat().st_size for path in (*chunks.glob("002/*.bak"), *chunks.glob("*/* *"), *chunks.glob("*.webm"))
    )
    [finding] = told(folder, "chunks-ignored")
    assert finding["severity"] == "warning"
    assert finding["message"].startswith(f"3 objects ({size:,} bytes) that may be recordings are not read")
    for name in ("chunks/002/000005 (1).webm", "chunks/002/000004.webm.bak", "chunks/chunk-7.webm"):
        assert name in finding["message"]
    assert "'chunks/002/000004.webm.bak' to '000004.webm'" in finding["hint"]
    shown, findings = inspected(folder)
    assert findings["chunks-ignored"] == finding
    assert finding["message"] in shown
    check = names_check(folder.parent)
    assert (check["status"], finding["message"] in check["what"]) == ("warning", True)


def test_strict_refuses_what_may_be_a_recording(copy: Copy) -> None:
    folder = copy("demo")
    (folder / "chunks/002/9.webm.bak").write_bytes(b"sound")
    with pytest.raises(RecordingError, match="may be a recording"):
        merge("demo", store=folder.parent, options=MergeOptions(align=False, strict=True))


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("002/000001 (1).webm", "has the number of 'chunks/002/000001.webm': compare the two"),
        ("002/000006.webm.bak", "to '000006.webm' if it is that chunk"),
        ("002/20240601.webm.bak", "chunks are named like 'chunks/000/000000.webm'"),
        ("002/\u0661\u0662/9.webm", "chunks are named like"),
        ("002/IMG.mp4", "chunks are named like"),
    ],
)
def test_what_to_do_with_a_strange_name(copy: Copy, name: str, hint: str) -> None:
    folder = copy("demo")
    target = folder / "chunks" / name
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(b"sound")
    assert hint in told(folder, "chunks-ignored")[0]["hint"]


def test_of_many_names_a_few_are_said_and_all_counted(copy: Copy) -> None:
    folder = copy("demo")
    for number in range(50):
        (folder / "chunks" / f"{'x' * 200}\x1b[2J{number:02d}.webm").write_bytes(b"1")
    message = told(folder, "chunks-ignored")[0]["message"]
    assert message.startswith("50 objects (50 bytes)")
    assert message.endswith("and 47 more")
    assert len(message) < 500
    assert message.isprintable()


def test_the_report_lists_what_was_not_read(copy: Copy) -> None:
    folder = copy("demo")
    for name in ("chunks/002/9.webm.bak", "chunks/002/7.webm.part", "notes.txt", ".DS_Store"):
        (folder / name).write_bytes(b"1234")
    report = merge("demo", store=folder.parent, options=MergeOptions(align=False)).report
    listed = [
        {"key": f"demo/{key}", "bytes": 4, "kind": kind}
        for key, kind in (
            ("chunks/002/7.webm.part", "upload"),
            ("chunks/002/9.webm.bak", "recording"),
            ("notes.txt", "other"),
        )
    ]
    assert (report["ignored"], report["ignored_count"]) == (listed, 3)
    shown, _ = inspected(folder)
    assert shown.splitlines()[-3:] == [
        "  not read          4 bytes  upload        demo/chunks/002/7.webm.part",
        "  not read          4 bytes  recording     demo/chunks/002/9.webm.bak",
        "  not read          4 bytes  other         demo/notes.txt",
    ]


def test_a_report_lists_a_hundred_of_them_and_counts_all(copy: Copy) -> None:
    folder = copy("demo")
    for number in range(105):
        (folder / f"chunks/002/x\x1b{number:03d}.webm").write_bytes(b"1")
    report = merge("demo", store=folder.parent, options=MergeOptions(align=False)).report
    assert (len(report["ignored"]), report["ignored_count"]) == (100, 105)
    shown, _ = inspected(folder)
    assert shown.endswith("  … and 5 more that are not read\n")
    assert "\x1b" not in shown


def test_a_link_and_a_pipe_among_the_chunks_are_named(copy: Copy, tmp_path: Path) -> None:
    folder = copy("demo")
    (tmp_path / "outside.webm").write_bytes(b"secret")
    (folder / "chunks/002/000006.webm").symlink_to(tmp_path / "outside.webm")
    os.mkfifo(folder / "chunks/002/000007.webm")
    assert "2 objects (0 bytes)" in told(folder, "chunks-ignored")[0]["message"]


@pytest.mark.parametrize(
    ("name", "severity"), [("000005.webm.part", "info"), ("000006.webm.part", "warning"), ("000006.tmp", "warning")]
)
def test_an_unfinished_upload_is_a_doubt_where_its_chunk_is_not_there(copy: Copy, name: str, severity: str) -> None:
    folder = copy("demo")
    (folder / "chunks/002" / name).write_bytes(b"half of it")
    [finding] = told(folder, "uploads-unfinished")
    assert finding["severity"] == severity
    assert f"1 unfinished upload (10 bytes) is not read: 'chunks/002/{name}'" in finding["message"]


def test_logs_that_are_not_read_are_named(copy: Copy) -> None:
    folder = copy("demo")
    for name in ("transcript.txt", "events.json.bak", "utterances.json", "utterances.log", ".DS_Store", "truth.json"):
        (folder / name).write_text("[]")
    (folder / "chunks/000/000000.webm.md5").write_text("0")
    [finding] = told(folder, "documents-ignored")
    assert finding["severity"] == "info"
    assert finding["message"] == (
        "4 files are not read: 'events.json.bak', 'transcript.txt', 'utterances.log' and 1 more"
    )


def test_what_is_as_it_should_be_is_not_said(copy: Copy) -> None:
    folder = copy("demo")
    _, findings = inspected(folder)
    assert not {code for code in findings if code.endswith(("-ignored", "-unfinished", "-recording", "-differs"))}
    assert names_check(folder.parent)["status"] == "ok"


def test_a_recording_that_comes_under_a_strange_name_makes_a_result_out_of_date(copy: Copy) -> None:
    folder = copy("demo")
    settings: Any = {}
    marks = [fingerprint(listed(CHUNK, *more), settings) for more in ((), ("s/merged/x",), ("s/chunks/.DS_Store",))]
    assert len(set(marks)) == 1
    assert fingerprint(listed(CHUNK, "s/chunks/0/1.webm.bak"), settings) != marks[0]
    assert not merge("demo", store=folder.parent, options=MergeOptions(align=False)).unchanged
    assert merge("demo", store=folder.parent, options=MergeOptions(align=False)).unchanged
    (folder / "chunks/9 (1).webm").write_bytes(b"sound")
    assert not merge("demo", store=folder.parent, options=MergeOptions(align=False)).unchanged


# -- layouts


@pytest.mark.parametrize(
    ("keys", "pattern"),
    [
        (["s/1.webm", "s/2.webm"], "{session}/{seq}.{ext}"),
        (["s/chunks/1.webm", "s/chunks/2.webm"], "{session}/chunks/{seq}.{ext}"),
        (["s/chunk-1.webm", "s/chunk-2.webm", "s/x.webm"], "{session}/chunk-{seq}.{ext}"),
        (["s/a/000/1.webm", "s/a/001/1.webm"], "{session}/a/{part}/{seq}.{ext}"),
        (["s/audio/blob_1.webm"], "{session}/audio/blob_{seq}.{ext}"),
        (["s/0-1.webm", "s/0-2.webm", "s/1-1.webm"], "{session}/{part}-{seq}.{ext}"),
        (["s/recording.webm"], "{session}/{*}.{ext}"),
        (["s/{seq}1.webm"], "{session}/{*}.{ext}"),
        (["s/a/2024-06-01T10-00-05-875Z.webm"], "{session}/a/{time}.{ext}"),
        (["s/16fd2706-8baf-433b-82eb-8c7fada847da.webm"], "{session}/{*}.{ext}"),
        ([f"s/chunks/{number:04x}.webm" for number in range(30)], "{session}/chunks/{*}.{ext}"),
        ([*(f"s/chunks/{number}.webm" for number in range(30)), "s/chunks/all.webm"], "{session}/chunks/{seq}.{ext}"),
        (["s/chunks/xaa", "s/chunks/xab"], "{session}/chunks/{*}"),
        (["s/chunks/0/blob.webm", "s/chunks/1/blob.webm"], "{session}/chunks/{seq}/{*}.{ext}"),
        (["s/chunks/0/0.webm", "s/chunks/1/0.webm", "s/chunks/1/1.webm"], "{session}/chunks/{part}/{seq}.{ext}"),
        (["s/chunks/0-5000.webm", "s/chunks/5000-10000.webm"], "{session}/chunks/{seq}-{*}.{ext}"),
        ([], ""),
    ],
)
def test_the_layout_that_fits_is_found_where_it_is_plain(keys: list[str], pattern: str) -> None:
    assert fitting_pattern("s", "s", keys)[0] == pattern
    prefixed = fitting_pattern("s", "calls/2026/s", [f"calls/2026/{key}" for key in keys])
    assert prefixed[0] == (f"calls/2026/{pattern}" if pattern else "")


def test_names_with_the_minute_before_a_counter_are_no_parts(copy: Copy) -> None:
    folder = copy("demo")
    for part in ("001", "002"):
        for path in (folder / "chunks" / part).iterdir():
            path.unlink()
    for place, path in enumerate(sorted((folder / "chunks/000").iterdir())):
        path.rename(folder / f"chunks/{202603312357 + place // 3}-{place}.webm")
    with pytest.raises(RecordingError) as refused:
        merge("demo", store=folder.parent)
    assert refused.value.hint == "--layout '{session}/chunks/{*}-{seq}.{ext}' takes 6 of 6 as chunks"


def test_a_session_under_another_layout_is_told_which(copy: Copy) -> None:
    folder = copy("demo")
    for part in ("001", "002"):
        for path in (folder / "chunks" / part).iterdir():
            path.unlink()
    for path in (folder / "chunks/000").iterdir():
        path.rename(folder / f"blob-{path.name}")
    with pytest.raises(RecordingError) as refused:
        merge("demo", store=folder.parent)
    assert refused.value.hint == "--layout '{session}/blob-{seq}.{ext}' takes 6 of 6 as chunks"
    proposed = "6 of 6 keys fit --layout '{session}/blob-{seq}.{ext}' (1 session)"
    assert names_check(folder.parent)["hint"].startswith(proposed)
    (folder / "session.json").unlink()
    assert len(merge("demo", store=folder.parent, layout="{session}/blob-{seq}.{ext}").report["chunks"]) == 6


def test_on_s3_it_is_the_same(s3_url: str, s3_client: Any, copy: Copy) -> None:
    bucket, store = Prefix(s3_url, s3_client), copy("demo").parent
    for path in store.rglob("*.*"):
        bucket.put(str(path.relative_to(store)), path.read_bytes())
    bucket.put("demo/chunks/002/000009 (1).webm", b"sound")
    findings = merge("demo", store=bucket.url, options=MergeOptions(align=False)).report["findings"]
    [message] = [one["message"] for one in findings if one["code"] == "chunks-ignored"]
    assert "'chunks/002/000009 (1).webm'" in message
    assert message in names_check(bucket.url)["what"]


# -- session.json of another session


def rewrite(folder: Path, change: Callable[[Any], object]) -> None:
    path = folder / "session.json"
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document))


def test_a_renamed_session_keeps_what_its_recorder_noted(copy: Copy) -> None:
    folder = copy("demo")
    moved = folder.rename(folder.with_name("moved"))
    [finding] = told(moved, "session-id-differs")
    assert finding["severity"] == "info"
    assert "'demo', and notes the size of 18 of 18 chunks: it is used all the same" in finding["message"]
    assert {one.code for one in merge("moved", store=moved.parent).findings} >= {"part-gap"}
    assert inspected(moved)[1]["session-id-differs"] == finding


def test_the_manifest_of_another_session_accuses_no_chunk(copy: Copy, recorded_session: Copy) -> None:
    folder = copy("chrome-1s")
    right = merge("chrome-1s", store=folder.parent, options=MergeOptions(align=False)).report
    (folder / "session.json").write_bytes((recorded_session("demo") / "session.json").read_bytes())
    report = merge("chrome-1s", store=folder.parent, options=MergeOptions(align=False)).report
    assert report["chunks"] == right["chunks"]
    findings = {finding["code"]: finding for finding in report["findings"]}
    assert "it is not used" in findings["session-id-differs"]["message"]
    assert {finding["severity"] for finding in report["findings"]} == {"warning", "info"}
    assert report["status"] == "repaired"
    assert findings["session-id-differs"]["message"] in names_check(folder.parent)["what"]


CONSENT = {"recorded": True, "policy": "2026-01", "who": ["user"], "at": "2026-11-22T09:00:00Z"}


def test_the_consent_of_another_session_is_none(copy: Copy) -> None:
    folder = copy("demo")
    rewrite(folder, lambda one: one.update(session_id="x", consent=CONSENT))
    assert (
        merge("demo", store=folder.parent, options=MergeOptions(align=False, require_consent=True)).status == "complete"
    )  # renamed
    rewrite(folder, lambda one: [chunk.update(bytes=1) for part in one["parts"] for chunk in part["chunks"]])
    with pytest.raises(RecordingError, match="without a recorded consent"):
        merge("demo", store=folder.parent, options=MergeOptions(align=False, require_consent=True))


@pytest.mark.parametrize("wrong", [9, 10])
def test_half_of_the_sizes_decide(copy: Copy, wrong: int) -> None:
    folder = copy("demo")

    def change(one: Any) -> None:
        one["session_id"] = "x"
        for chunk in [chunk for part in one["parts"] for chunk in part["chunks"]][:wrong]:
            chunk["bytes"] += 1

    rewrite(folder, change)
    [finding] = told(folder, "session-id-differs")
    assert finding["severity"] == "warning"
    assert ("used all the same" if wrong == 9 else "not used") in finding["message"]


# -- a session that is still being recorded


def without_stop(one: Any) -> None:
    del one["parts"][-1]["stop_ms"]


def test_a_part_that_was_not_stopped(copy: Copy) -> None:
    folder = copy("demo")
    rewrite(folder, without_stop)
    [finding] = told(folder, "session-still-recording")
    assert (finding["severity"], finding["part"]) == ("info", "2")
    assert finding["message"] == "session.json does not say that part 2 was stopped"


@pytest.mark.parametrize(("age_s", "severity", "came"), [(5, "warning", " s ago"), (7200, "info", "2 h ago")])
def test_the_age_of_the_newest_chunk_says_whether_it_goes_on(copy: Copy, age_s: int, severity: str, came: str) -> None:
    folder = copy("demo")
    rewrite(folder, without_stop)
    then = time.time() - age_s
    for path in folder.rglob("*.webm"):
        os.utime(path, (then, then))
    shown, findings = inspected(folder)
    finding = findings["session-still-recording"]
    assert finding["severity"] == severity
    assert finding["message"].endswith(came)
    assert finding["message"].partition(";")[0] in shown
    assert ("not say that part 2 was stopped" in names_check(folder.parent)["what"]) == (severity == "warning")


def test_what_a_merge_says_does_not_depend_on_the_time(copy: Copy) -> None:
    folder = copy("demo")
    rewrite(folder, without_stop)
    other = copytree(folder, folder.parent / "later" / "demo")
    for path in other.rglob("*.webm"):
        os.utime(path, (0, 0))
    findings = [merge("demo", store=one.parent, options=MergeOptions(align=False)).findings for one in (folder, other)]
    assert findings[0] == findings[1]


def test_an_earlier_part_without_a_stop_is_not_still_recording(copy: Copy) -> None:
    folder = copy("demo")

    def change(one: Any) -> None:
        del one["parts"][0]["stop_ms"]
        one["parts"].reverse()

    rewrite(folder, change)
    assert told(folder, "session-still-recording") == []
