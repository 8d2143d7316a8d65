"""Documents that an upload compressed (`Content-Encoding: gzip`) are read as what they were."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from sessiontool import MergeOptions, merge
from sessiontool.errors import RecordingError
from sessiontool.sessions import gzipped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sessiontool import MergeResult

DOCUMENTS = ("session.json", "utterances.jsonl", "events.jsonl")


def merged(session: Path) -> MergeResult:
    return merge(session.name, store=session.parent, options=MergeOptions(align=False, force=True))


def with_events(session: Path) -> Path:
    """Gives a session a small log of events beside its utterances."""
    kind = "conversation.item.input_audio_transcription.completed"
    events = [
        {"t_ms": 4000 + 1000 * n, "event": {"type": kind, "item_id": f"i{n}", "transcript": "Yes."}} for n in range(3)
    ]
    (session / "events.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in events))
    return session


def compress(session: Path) -> list[str]:
    there = [session / name for name in DOCUMENTS if (session / name).exists()]
    for path in there:
        path.write_bytes(gzip.compress(path.read_bytes()))
    return [path.name for path in there]


@pytest.mark.parametrize("session", ["chrome-24k", "demo"])
def test_a_session_whose_documents_are_compressed_is_the_same(session: str, copy: Callable[[str], Path]) -> None:
    folder = with_events(copy(session))
    plain = merged(folder)
    assert len(compress(folder)) == len(DOCUMENTS)
    found = merged(folder)
    for field in ("status", "findings", "utterances", "utterance_counts", "realtime", "chunks"):
        assert found.report.get(field) == plain.report.get(field)


def test_what_came_out_of_a_cut_log_is_read_and_said(copy: Callable[[str], Path]) -> None:
    folder = copy("chrome-24k")
    log = folder / "utterances.jsonl"
    lines = len(log.read_bytes().splitlines())
    log.write_bytes(gzip.compress(log.read_bytes())[:-30])
    found = merged(folder)
    said = [f.message for f in found.findings if f.code == "document-invalid"]
    assert any("cut short" in message for message in said)
    assert 0 < found.report["utterances"] < lines


def test_a_document_of_several_members_is_one() -> None:
    assert gzipped.inflated(gzip.compress(b"one\nt") + gzip.compress(b"wo\n"), "x") == (b"one\ntwo\n", "")


def test_pieces_that_are_compressed_each_are_one_log(copy: Callable[[str], Path]) -> None:
    folder = with_events(copy("chrome-24k"))
    lines = (folder / "events.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "events.jsonl").unlink()
    (folder / "events").mkdir()
    for number, line in enumerate(lines):
        (folder / f"events/{number}.jsonl").write_bytes(gzip.compress(line))
    assert merged(folder).report["realtime"]["events"] == len(lines)


def test_a_small_object_holds_no_large_document() -> None:
    with pytest.raises(RecordingError, match="bytes come out"):
        gzipped.inflated(gzip.compress(bytes(1 << 25)), "x.json")


def test_a_bomb_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(1 << 24))
    (tmp_path / "x").write_bytes(bomb)
    monkeypatch.setattr(gzipped, "_MOST_BYTES", 1 << 16)
    monkeypatch.setattr(gzipped, "_MOST_LOG_BYTES", 1 << 16)
    with pytest.raises(RecordingError, match=r"65,536 bytes come out"):
        gzipped.inflated(bomb, "x.json")
    file = (tmp_path / "x").open("rb")
    with file, pytest.raises(RecordingError, match=r"65,536 bytes come out"), gzipped.inflated_file(file, "x.jsonl"):
        pass


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_damaged_document_costs_no_recording(name: str, copy: Callable[[str], Path]) -> None:
    folder = with_events(copy("demo"))
    data = bytearray(gzip.compress((folder / name).read_bytes()))
    data[10:40] = bytes(30)
    (folder / name).write_bytes(data)
    found = merged(folder)
    assert any(f.severity == "warning" for f in found.findings)
    assert found.report["status"] != "complete" or name != "session.json"
