"""Redaction: gone from the sound and from every text, all else as it was, and kept so by every merge."""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import os
import tempfile
import time
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING, Any, cast

import av
import numpy as np
import pytest
from conftest import store_of
from places import Prefix
from typer.testing import CliRunner

from sessiontool import RedactRequest, redact
from sessiontool.cli import app
from sessiontool.media.opus import packet_samples
from sessiontool.sessions import report as reports
from sessiontool.sessions.align_recording import packets_of
from sessiontool.sessions.redaction.forms import Secrets
from sessiontool.sessions.redaction.search import secrets_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from sessiontool.documents.report_model import Report

SESSION = "demo"
PRE_SKIP = 0  # of the demo: Chrome writes none
RING_S = 0.010
SILENT = 10 ** (-70 / 20)


def run(store: Path | str, command: str, *arguments: str, session: str = SESSION, code: int = 0) -> str:
    done = CliRunner().invoke(app, [command, session, "--store", str(store), *arguments])
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture
def store(worded_store: Path, tmp_path: Path) -> Path:
    return Path(copytree(worded_store, tmp_path / "store"))


def whole(store: Path) -> Path:
    return store / SESSION / "merged"


def left(store: Path) -> Path:
    return whole(store) / "redacted"


def read(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / name).read_text(encoding="utf-8"))
    return found


def texts(folder: Path) -> dict[str, str]:
    return {one["id"]: one["text"] for one in read(folder, "transcript.json")["utterances"]}


def sound(path: Path) -> NDArray[np.float32]:
    with av.open(str(path)) as file:
        return np.concatenate([frame.to_ndarray() for frame in file.decode(file.streams.audio[0])], axis=1)


def test_temporary_files_may_be_on_another_disk(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From which nothing can be renamed into the store."""
    elsewhere, real = tmp_path / "elsewhere", os.replace
    elsewhere.mkdir()

    def replace(one: Path, other: Path) -> None:
        if elsewhere in Path(one).parents and elsewhere not in Path(other).parents:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        real(one, other)

    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    for name in ("rename", "replace"):
        monkeypatch.setattr(os, name, replace)
    run(store, "redact", "--text", "fifteen")
    assert "fifteen" not in (left(store) / "captions.vtt").read_text(encoding="utf-8")


def replace_transcript(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a published transcript, and the report so that both fit: as if the log had been of that kind."""
    document, report = read(folder, "transcript.json"), read(folder, "report.json")
    change(document)
    body = reports.to_text(document).encode()
    (folder / "transcript.json").write_bytes(body)
    entry = next(one for one in report["outputs"] if one["name"] == "transcript.json")
    entry |= {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    report["utterances"] = len(document["utterances"])
    report.pop("redacted_as", None)  # it is another one
    reports.seal(cast("Report", report))
    (folder / "report.json").write_text(reports.to_text(report), encoding="utf-8")


def cut_samples(folder: Path) -> list[tuple[int, int]]:
    return [tuple(cut["output_samples"]) for cut in read(folder, "report.json")["redaction"]["cuts"]]


def assert_cut(store: Path, wanted_s: Iterable[tuple[float, float]]) -> None:
    """The packets in and beside what was wanted are silence when decoded; every other one is as it was recorded."""
    before, after = (list(packets_of(folder / "audio.webm")) for folder in (whole(store), left(store)))
    assert [*map(packet_samples, before)] == [*map(packet_samples, after)]
    cuts, heard, at = cut_samples(left(store)), sound(left(store) / "audio.webm"), -PRE_SKIP
    for one, other in zip(before, after, strict=True):
        middle = at + packet_samples(one) // 2
        assert one == other or any(start <= middle < end for start, end in cuts)
        at += packet_samples(one)
    for start_s, end_s in wanted_s:
        assert any(start <= start_s * 48_000 and end_s * 48_000 <= end for start, end in cuts), (start_s, end_s)
    for start, end in cuts:
        assert np.abs(heard[:, start + int(RING_S * 48_000) : end]).max() < SILENT


# -- what goes, and what stays


def test_a_text_goes_from_sound_and_files_and_all_else_stays(store: Path) -> None:
    before = {path.name: path.read_bytes() for path in whole(store).iterdir()}
    told = run(store, "redact", "--text", "fif[a-z]+n", "--text", "Twenty minutes")
    assert "written" in told
    now = {path.name: path.read_bytes() for path in whole(store).iterdir() if path.is_file()}
    old_report, report = (json.loads(some.pop("report.json")) for some in (dict(before), now))
    assert now == {name: body for name, body in before.items() if name != "report.json"}
    assert {name for name in report if report[name] != old_report.get(name)} == {"redacted_as", "report_sha256"}
    words = [
        (word["text"], (word["start_s"], word["end_s"]))
        for one in read(whole(store), "transcript.json")["utterances"]
        for word in one["words"]
        if one["id"] in {"u000", "u007"}
    ]
    assert_cut(store, [times for text, times in words if text in {"fifteen", "minutes?"}])
    after, old = texts(left(store)), texts(whole(store))
    assert after["u000"] == old["u000"].replace("fifteen", "[redacted]")
    assert after["u007"] == "What if you could cut that work down to [redacted]?"
    assert {name: text for name, text in after.items() if name not in {"u000", "u007"}} == {
        name: text for name, text in old.items() if name not in {"u000", "u007"}
    }
    assert {path.name for path in left(store).iterdir()} == {*before, "redactions.json"}
    for path in left(store).iterdir():
        assert b"fifteen" not in path.read_bytes(), path.name
        assert b"twenty minutes" not in path.read_bytes(), path.name
    assert "[redacted]" in (left(store) / "captions.vtt").read_text()
    assert read(left(store), "redactions.json")["cuts_s"] == [
        [start // 48 / 1000, end // 48 / 1000] for start, end in cut_samples(left(store))
    ]
    for body in ((left(store) / "redactions.json").read_bytes(), (store / SESSION / "redactions.jsonl").read_bytes()):
        assert b"fif" not in body
        assert b"minutes" not in body
    assert "2 places are silence" in run(store, "verify", "--text", "fifteen")


def test_no_hash_of_what_was_said_is_left_to_try_numbers_by(store: Path) -> None:
    """Who has all of a text but four digits, and its hash, has the digits."""
    run(store, "redact", "--text", "fifteen")
    before = [path for path in [*whole(store).iterdir(), *(store / SESSION).iterdir()] if path.is_file()]
    bodies = {path.read_bytes() for path in before if path.name not in {"audio.webm", "redactions.jsonl"}}
    made = [path.read_bytes() for path in left(store).iterdir()]
    hashes = {kind(body).hexdigest() for body in bodies - {*made} for kind in (hashlib.sha256, hashlib.md5)}
    assert not [one for one in hashes if one.encode() in b"".join(made)]
    report = read(left(store), "report.json")
    assert report["redaction"]["of"] == report["inputs_fingerprint"] == read(whole(store), "report.json")["redacted_as"]


def test_an_utterance_and_a_time_go(store: Path, tmp_path: Path) -> None:
    spans = tmp_path / "spans.jsonl"
    spans.write_text(
        '{"start_s": 66.0, "end_s": 66.5, "kind": "name"}\n\n{"utterance": "u009", "words": [0, 1], "kind": "who"}\n'
    )
    run(store, "redact", "--utterance", "u004", "--spans", str(spans))
    old = {one["id"]: one for one in read(whole(store), "transcript.json")["utterances"]}
    first_words = old["u009"]["words"][:2]
    assert_cut(
        store,
        [
            (66.0, 66.5),
            (old["u004"]["start_s"], old["u004"]["end_s"]),
            (first_words[0]["start_s"], first_words[1]["end_s"]),
        ],
    )
    found = texts(left(store))
    assert found["u004"] == "[redacted]"
    assert found["u009"] == "[redacted] usually see a return within the first quarter."
    assert [one["kind"] for one in read(left(store), "redactions.json")["redactions"]] == ["name", "who", "utterance"]
    assert "sound" in run(store, "verify")


def test_what_is_said_in_a_time_goes_with_it(store: Path, tmp_path: Path) -> None:
    one = next(u for u in read(whole(store), "transcript.json")["utterances"] if u["id"] == "u012")
    word = one["words"][4]
    (tmp_path / "spans").write_text(json.dumps({"start_s": word["start_s"], "end_s": word["end_s"]}))
    run(store, "redact", "--spans", str(tmp_path / "spans"))
    found = texts(left(store))
    assert word["text"] in one["text"]
    assert word["text"] not in found["u012"]
    assert found["u012"].split()[0] == one["text"].split()[0]
    assert found["u013"] == texts(whole(store))["u013"]


def test_without_words_a_whole_utterance_is_silent(store: Path) -> None:
    run(store, "merge", "--force")
    run(store, "redact", "--text", "painful")
    one = next(u for u in read(whole(store), "transcript.json")["utterances"] if u["id"] == "u003")
    assert_cut(store, [(one["start_s"], one["end_s"])])
    assert texts(left(store))["u003"] == "Okay, that sounds [redacted]."


def test_hybrid_packets_and_one_channel_are_cut(tmp_path: Path) -> None:
    for session in ("chrome-24k", "chrome-mono", "firefox-pause"):
        store = tmp_path / session
        copytree(store_of(session) / session, store / session)
        run(store, "merge", "--no-align", session=session)
        spans = tmp_path / f"{session}.jsonl"
        spans.write_text('{"start_s": 1.03, "end_s": 2.5}')
        run(store, "redact", "--spans", str(spans), session=session)
        assert "redacted: sound" in run(store, "verify", session=session)


# -- everything derived


SECRET = "4111 1111 1111 1111"


def plant(document: dict[str, Any]) -> None:
    """The secret in every field of a transcript that may have it, in another form each time."""
    by_id = {one["id"]: one for one in document["utterances"]}
    one = by_id["u001"]
    one["text"] = f"Right, {SECRET} and so on."
    one["words"] = []
    one |= {"heard_text": one["text"][:20], "asr": {"alternatives": ["4111-1111-1111-1111", 4111111111111111]}}
    one["logged"]["text"] = "four one one one ..."
    by_id["u003"]["text"] = (
        "Four one one one, eleven eleven, double one one one, one one double one, that sounds painful."
    )
    by_id["u005"]["raw"] = base64.b64encode(b'{"said": "4111 1111 1111 1111"}').decode()
    by_id["u011"]["html"] = "4111&#32;1111&nbsp;1111 1111"
    call = {"id": "item_7", "kind": "tool_call", "at_s": 9.0, "name": "pay", "call_id": "c1"}
    document["notes"] = [
        {**call, "arguments": '{"card":"4111111111111111"}', "logged": {"t": 9.0}},
        {"id": "item_8", "kind": "context", "at_s": 1.0, "text": "The customer is known.", "logged": {"t": 1.0}},
    ]


def test_every_field_that_has_a_secret_loses_it(store: Path) -> None:
    replace_transcript(whole(store), plant)
    run(store, "redact", "--text", r"4111(?: 1111){3}")
    document = read(left(store), "transcript.json")
    by_id = {one["id"]: one for one in document["utterances"]}
    assert by_id["u001"]["text"] == "Right, [redacted] and so on."
    assert by_id["u003"]["text"] == "[redacted], that sounds painful."
    assert by_id["u001"]["asr"] == by_id["u005"]["raw"] == by_id["u011"]["html"] == "[redacted]"
    assert document["notes"][0]["arguments"] == "[redacted]"
    assert document["notes"][0]["at_s"] == 9.0
    assert document["notes"][1]["text"] == "The customer is known."
    names = ("transcript.json", "captions.vtt", "captions.srt", "redactions.json")
    every = b" ".join((left(store) / name).read_bytes() for name in names).lower()
    for form in (b"4111", b"four one one one", base64.b64encode(b'{"said": "4111')[:16].lower()):
        assert form not in every
    assert_cut(store, [(by_id[name]["start_s"], by_id[name]["end_s"]) for name in ("u001", "u003")])


@pytest.mark.parametrize(
    "fields",
    [
        {"tokens": ["4111", "1111", "1111", "1111"]},
        {"digits": [*"4111111111111111"]},
        {
            "asr": {
                "best": [
                    {"w": word, "t": n / 3}
                    for n, word in enumerate(["four", "one", "one", "one", "1111", "1111", "1111"])
                ]
            }
        },
        {"first": "4111 1111", "second": "1111 1111"},
        {"card": {"head": 41111111, "tail": 11111111}},
    ],
    ids=["tokens", "letters", "words with times", "fields", "an object"],
)
@pytest.mark.parametrize("place", ["utterance", "note"])
def test_a_secret_that_is_noted_piece_by_piece_goes(store: Path, place: str, fields: dict[str, Any]) -> None:
    def change(document: dict[str, Any]) -> None:
        document["notes"] = [{"id": "item_8", "kind": "context", "at_s": 1.0, "text": "As it was.", "logged": {}}]
        (document["notes"][0] if place == "note" else document["utterances"][5]).update(fields)

    replace_transcript(whole(store), change)
    run(store, "redact", "--text", r"4111(?: ?1111){3}|four one one one 1111 1111 1111|41111111 11111111")
    document = read(left(store), "transcript.json")
    entry = document["notes"][0] if place == "note" else document["utterances"][5]
    assert {entry[name] for name in fields} == {"[redacted]"}
    change(document)
    body = json.dumps(document).encode()
    assert list(secrets_in(Secrets([SECRET]), [("transcript.json", body)])) == ["transcript.json"]


def test_a_secret_in_two_turns_goes_from_both(store: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        for one in document["utterances"]:
            if one["id"] in {"u001", "u003"}:
                one["text"] = {"u001": "It is 4111 1111", "u003": "1111 1111, okay?"}[one["id"]]
                one["words"] = []

    replace_transcript(whole(store), change)
    run(store, "redact", "--text", r"4111(\s+1111){3}")
    assert (texts(left(store))["u001"], texts(left(store))["u003"]) == ("It is [redacted]", "[redacted], okay?")


def test_a_word_that_is_one_of_ours_can_be_redacted(store: Path) -> None:
    said = "A complete user says text and words of the default kind in silence for two quarters."
    replace_transcript(whole(store), change_u003("text", said))
    words = ("complete", "user", "text", "words", "default", "kind", "silence", "quarters")
    run(store, "redact", *(one for word in words for one in ("--text", rf"\b{word}\b")))
    assert not any(word in texts(left(store))["u003"] for word in words)
    assert read(left(store), "report.json")["status"] == "complete"


def test_findings_that_quote_lose_their_words(store: Path) -> None:
    report = read(whole(store), "report.json")
    quote = {"code": "correction-not-used", "severity": "info", "message": "what is 'that sounds painful to me'?"}
    report["findings"].append(quote)
    reports.seal(cast("Report", report))
    (whole(store) / "report.json").write_text(reports.to_text(report), encoding="utf-8")
    run(store, "redact", "--utterance", "u003")
    found = {one["code"]: one["message"] for one in read(left(store), "report.json")["findings"]}
    assert found["correction-not-used"] == "[redacted]"
    assert found["part-gap"] != "[redacted]"


# -- closed where it fails


def change_u003(field: str, value: object) -> Callable[[dict[str, Any]], object]:
    def change(document: dict[str, Any]) -> None:
        one = next(u for u in document["utterances"] if u["id"] == "u003")
        one[field] = value
        if field == "start_s":
            one["end_s"] = value

    return change


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("start_s", None, "u003 is not found"),
        ("status", "unmatched", "u003 is not found"),
        ("confidence", 0.4, "guess"),
    ],
)
def test_what_has_no_place_stops_all_of_it(store: Path, tmp_path: Path, field: str, value: object, says: str) -> None:
    replace_transcript(whole(store), change_u003(field, value))
    told = run(store, "redact", "--text", "painful", "--utterance", "u000", code=4)
    assert says in told
    assert not left(store).exists()
    assert not (store / SESSION / "redactions.jsonl").exists()
    (tmp_path / "spans").write_text('{"utterance": "u003", "start_s": 10.4, "end_s": 12.5}')
    run(store, "redact", "--spans", str(tmp_path / "spans"))
    assert_cut(store, [(10.4, 12.5)])
    assert texts(left(store))["u003"] == "[redacted]"


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        (b"", 2, "no span"),
        (b"\xff\xfe\x00", 2, "line 1: it is no JSON"),
        (b"[1, 2]", 2, "no object"),
        (b'{"start_s": 5}', 2, "need each other"),
        (b'{"start_s": NaN, "end_s": 5}', 2, "NaN"),
        (b'{"start_s": 1e999, "end_s": 5}', 2, "no number"),
        (b'{"start_s": -1, "end_s": 5}', 2, "0 or more"),
        (b'{"start_s": 5, "end_s": 5}', 2, "end_s later"),
        (b'{"start_s": "5", "end_s": 6}', 2, "no number"),
        (b'{"start_s": 5000, "end_s": 5001}', 4, "nothing was recorded"),
        (b'{"utterance": "u999"}', 4, "no utterance"),
        (b'{"utterance": "u003", "words": [2, 90]}', 4, "has no words"),
        (b'{"utterance": "u003", "words": [2, 1]}', 2, "in order"),
        (b'{"utterance": "u003", "text": "painful"}', 2, "a text must not stand here"),
        (b'{"utterance": "u003", "kind": "../x"}', 2, "no name"),
        (b'{"utterance": ["u003"]}', 2, "no id"),
        (b'{"utterance": "u003", "role": "agent"}', 2, "role is none of"),
        (b'{"utterance": "u003", "who": 1}', 2, "no field"),
        (b'{"utterance": "u003"}\n' * 10_001, 2, "more than 10,000"),
        (b"[" * 100_000, 2, "nested"),
        (b" " * ((16 << 20) + 1), 2, "are read"),
    ],
)
def test_hostile_spans_are_named(store: Path, tmp_path: Path, body: bytes, code: int, says: str) -> None:
    (tmp_path / "spans").write_bytes(body)
    told = run(store, "redact", "--spans", str(tmp_path / "spans"), code=code)
    assert says in told
    assert "Traceback" not in told
    assert not left(store).exists()


@pytest.mark.parametrize("pattern", ["(", "a{99999999999}", "(?P<x>a)(?P<x>b)", "[z-a]", ""])
def test_a_bad_pattern_is_named(store: Path, pattern: str) -> None:
    assert "hint:" in run(store, "redact", "--text", pattern, code=2)


def test_a_pattern_that_never_ends_is_ended(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sessiontool.sessions.redaction import asked, matching

    monkeypatch.setattr(asked, "find_matches", lambda pattern, texts: matching.find_matches(pattern, texts, 2.0))
    began = time.monotonic()
    assert "longer than 2 s" in run(store, "redact", "--text", r"((\w|\s)+)+$!", code=2)
    assert time.monotonic() - began < 20


def test_nothing_to_redact_is_said(store: Path) -> None:
    told = run(store, "redact", "--text", "painful", "--text", "xylophone", code=3)
    assert "--text number 2 matches nothing" in told
    assert "xylophone" not in told
    assert "nothing is asked for" in run(store, "redact", code=2)
    assert "there is no" in run(store, "redact", "--spans", "no-such-file", code=3)
    assert not left(store).exists()


def test_a_dry_run_writes_nothing(store: Path) -> None:
    before = sorted(store.rglob("*"))
    assert "dry run" in run(store, "redact", "--text", "painful", "--dry-run")
    assert sorted(store.rglob("*")) == before


def test_a_result_that_is_printed_says_none_of_it(store: Path) -> None:
    """Results of the Python API end up in logs."""
    asked = RedactRequest(texts=("fifteen hours",), utterances=("u002",))
    result = redact(SESSION, store=store, asked=asked, dry_run=True)
    assert result.plan.removed
    assert [text for text in (*result.plan.removed, "fifteen") if text and text in repr(result)] == []
    assert "fifteen" not in repr(RedactRequest(texts=("fifteen hours",), spans=("spans.jsonl", b"fifteen")))


def test_what_cannot_be_redacted_is_refused(store: Path) -> None:
    replace_transcript(whole(store), change_u003("text", f"The session is called {SESSION}!"))
    assert "still have what must be gone" in run(store, "redact", "--text", SESSION, code=4)
    (whole(store) / "transcript.json").write_text("{}")
    assert "not as it was published" in run(store, "redact", "--utterance", "u003", code=4)
    assert not left(store).exists()


# -- kept by every merge


def test_a_merge_keeps_it_redacted(store: Path) -> None:
    run(store, "redact", "--text", "painful", "--utterance", "u009")
    before = cut_samples(left(store))
    for options in (("--words",), ("--words", "--force"), ()):
        assert str(left(store)) in run(store, "merge", *options)
        assert texts(left(store))["u003"] == "Okay, that sounds [redacted]."
        assert all(any(a <= start and end <= b for a, b in cut_samples(left(store))) for start, end in before)
        assert "redacted: sound" in run(store, "verify", "--text", "painful")
    assert "nothing to do" in run(store, "merge")
    assert "and redacted again" not in run(store, "merge")


def test_a_late_chunk_and_a_corrected_text_stay_redacted(tmp_path: Path) -> None:
    store = tmp_path / "store"
    copytree(store_of(SESSION) / SESSION, store / SESSION)
    late = sorted((store / SESSION / "chunks" / "000").iterdir())[2]
    body = late.read_bytes()
    late.unlink()
    run(store, "merge", "--words")
    run(store, "redact", "--text", "quarter")
    found = [name for name, text in texts(left(store)).items() if "[redacted]" in text]
    assert found == ["u006", "u009"]
    late.write_bytes(body)
    run(store, "merge", "--words")
    assert [name for name, text in texts(left(store)).items() if "[redacted]" in text] == found
    assert "redacted: sound" in run(store, "verify", "--text", "quarter")
    run(store, "correct", "--text", "u006=A first quarter?  That would be very early.")
    run(store, "merge", "--words")
    assert texts(left(store))["u006"] == "[redacted]"  # the text was changed: all of it
    one = next(u for u in read(left(store), "transcript.json")["utterances"] if u["id"] == "u006")
    assert one["logged"]["text"] == "[redacted]"
    assert "redacted: sound" in run(store, "verify", "--text", "quarter")
    run(store, "correct", "--drop", "u009")
    run(store, "merge", "--words")
    assert "u009" not in texts(left(store))
    assert b"quarter" not in (left(store) / "transcript.json").read_bytes()


def test_an_older_redacted_result_is_named(store: Path) -> None:
    run(store, "redact", "--utterance", "u003")
    replace_transcript(whole(store), change_u003("text", "Okay, that is painful."))
    assert "redacted-stale" in run(store, "verify", code=4)
    run(store, "merge", "--words", "--force")
    assert "redacted: sound" in run(store, "verify")


def test_captions_again_are_also_made_of_what_is_left(store: Path) -> None:
    run(store, "redact", "--text", "painful")
    run(store, "captions", "--caption-formats", "vtt,txt")
    assert "[redacted]" in (left(store) / "captions.txt").read_text()
    path = whole(store) / "transcript.json"
    path.write_text(path.read_text().replace("accounting systems", "bookkeeping systems"))
    run(store, "captions")
    assert "redacted: sound" in run(store, "verify")
    assert "bookkeeping systems" in (left(store) / "captions.vtt").read_text()


def test_redactions_that_are_not_understood_stop_the_redacted_result(store: Path) -> None:
    (store / SESSION / "redactions.jsonl").write_text('{"utterance": "u003", "chars": [0, 4]}\n')
    told = run(store, "merge", "--words", code=4)
    assert "redactions.jsonl, line 1" in told
    assert "is merged" in told
    assert not left(store).exists()
    (store / SESSION / "redactions.jsonl").write_text('{"utterance": "u003"}\n')
    run(store, "merge", "--words")
    assert texts(left(store))["u003"] == "[redacted]"


def test_a_redacted_result_is_made_in_a_bucket(worded_store: Path, s3_url: str, s3_client: Any) -> None:
    bucket = Prefix(s3_url, s3_client)
    for path in filter(Path.is_file, worded_store.rglob("*")):
        bucket.put(path.relative_to(worded_store).as_posix(), path.read_bytes())
    run(s3_url, "redact", "--text", "painful")
    run(s3_url, "redact", "--text", "fifteen")
    names = [key for key in list(bucket.keys()) if "redact" in key]
    assert f"{SESSION}/redactions.jsonl" in names
    assert f"{SESSION}/merged/redacted/report.json" in names
    assert not [name for name in names if ".sessiontool" in name]
    assert "redacted: sound" in run(s3_url, "verify", "--text", "painful", "--text", "fifteen")


def test_a_clip_of_it_is_exported_into_a_folder_of_its_own(store: Path, tmp_path: Path) -> None:
    run(store, "redact", "--text", "painful")
    run(store, "export", "--redacted", "--into", str(tmp_path / "out"), "--from", "10", "--to", "13")
    (clip,) = (tmp_path / "out" / "redacted" / SESSION).iterdir()
    utterances = read(clip, "transcript.json")["utterances"]
    assert [one["text"] for one in utterances if one["id"] == "u003"] == ["Okay, that sounds [redacted]."]


# -- what verify sees


def spoil_text(folder: Path) -> None:
    replace_transcript(folder, lambda document: document["utterances"][3].update(text="Okay, that sounds painful."))


def spoil_sound(folder: Path) -> None:
    """A whole recording with a report that fits: nothing is silent any longer."""
    report = read(folder, "report.json")
    body = (folder.parent / "audio.webm").read_bytes()
    (folder / "audio.webm").write_bytes(body)
    report["outputs"][0] |= {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    reports.seal(cast("Report", report))
    (folder / "report.json").write_text(reports.to_text(report), encoding="utf-8")


@pytest.mark.parametrize("spoil", [spoil_text, spoil_sound])
def test_verify_sees_what_came_back(store: Path, spoil: Callable[[Path], None]) -> None:
    run(store, "redact", "--text", "painful")
    spoil(left(store))
    told = run(store, "verify", code=4)
    assert "redacted: BROKEN" in told
    assert f"{SESSION}: sound" in told


def test_verify_looks_for_texts_that_are_given_again(store: Path) -> None:
    run(store, "redact", "--text", "painful")
    assert "must be gone is in transcript.json" in run(store, "verify", "--text", "sounds", code=4)


def test_a_text_without_a_redacted_result_is_an_error(worded_store: Path) -> None:
    assert "no redacted result" in run(worded_store, "verify", "--text", "x", code=3)


# -- what is found


def test_what_is_found_is_shown_and_goes_with_yes(store: Path) -> None:
    replace_transcript(whole(store), plant)
    told = run(store, "redact", "--find", "card,email")
    assert "--yes redacts what was found" in told
    assert "4111" not in told
    assert not left(store).exists()
    run(store, "redact", "--find", "card,email", "--yes")
    listed = read(left(store), "redactions.json")["redactions"]
    assert {(one["kind"], one["rule"]) for one in listed} >= {("card", "find")}
    assert {one.get("utterance", one.get("note")) for one in listed} == {"u001", "u003", "item_7"}
    assert texts(left(store))["u003"] == "[redacted], that sounds painful."
    assert "redacted: sound" in run(store, "verify", "--text", "4111", code=4)  # the whole one is none of a merge's


def test_nothing_found_is_no_error(store: Path) -> None:
    assert "nothing was found" in run(store, "redact", "--find", "card", "--yes")
    assert not left(store).exists()
    assert "nothing finds 'names'" in run(store, "redact", "--find", "names", code=2)
