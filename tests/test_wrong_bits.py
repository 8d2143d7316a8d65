"""One wrong bit in what bounds or dates packets: the noted SHA-256 finds it, and the chunk is what was sent."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from random_cases import SESSION, merge, would_purge
from random_folder import Piece
from recordings import chunk_ref
from test_fault_kinds import codes, flip, folder_of, outcome_of

from sessiontool import verify
from sessiontool.documents.models import ChunkEntry, PartEntry
from sessiontool.recording import wrong_bits
from sessiontool.recording.manifest import Noted
from sessiontool.recording.survey import survey
from sessiontool.recording.wrong_bits import BitMender

if TYPE_CHECKING:
    from pathlib import Path

SPOTS = [
    ("demo/1", "block-head", 0, 1),
    ("demo/1", "block-head", 3, 4),
    ("demo/1", "length", 0, 6),
    ("demo/1", "cluster-time", -1, 4),
    ("sim-firefox", "block-head", 4, 3),
    ("sim-firefox", "cluster-time", -1, 5),
    ("firefox-ogg/0", "segment-table", 3, 2),
    ("firefox-ogg/0", "page-head", 15, 0),
    ("chrome-mp4-opus/0", "trun", 40, 3),
    ("chrome-mp4-opus/0", "tfdt", -1, 3),
    ("chrome-mp4-opus/0", "mdat-size", 1, 2),
]


@pytest.mark.parametrize(("name", "kind", "byte", "bit"), SPOTS)
def test_one_wrong_bit_costs_nothing_where_hashes_are_noted(name: str, kind: str, byte: int, bit: int) -> None:
    folder = folder_of(name)
    for number in (2, 4):
        flip(folder, folder.uploads[number], kind, bit, byte=byte)
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict
    assert not outcome.verdict.gone
    assert {("bit-mended", 2), ("bit-mended", 4)} <= codes(outcome)
    assert {finding["severity"] for finding in outcome.findings} <= {"info", "warning"}


def test_a_wrong_bit_behind_bytes_of_the_chunk_before() -> None:
    folder = folder_of("demo/1")
    before, own = folder.uploads[1:3]
    flip(folder, own, "length", 6, byte=0)
    own.splice(0, 0, [Piece(before.data[-300:], 0, own.pieces[0].start - 300, tag=2)])
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict
    assert {("bit-mended", 2), ("chunk-overlap", 2)} <= codes(outcome)


def test_a_copy_with_one_wrong_bit_is_what_was_sent_and_the_other_one_is_left_out() -> None:
    folder = folder_of("demo/1")
    own = folder.uploads[2]
    flip(folder, own, "cluster-time", 4)
    folder.insert(again := replace(own, copy=True, pieces=[*own.pieces], seq=3))
    again.splice(20_000, 20_200, [Piece(b"\x5a\xc3" * 100, tag=2)])
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict
    assert {("bit-mended", 2), ("chunk-near-duplicate", 3)} <= codes(outcome)


def test_the_result_is_sound_and_the_chunk_is_no_longer_what_was_sent(tmp_path: Path) -> None:
    folder = folder_of("demo/1")
    flip(folder, folder.uploads[2], "length", 6, byte=0)
    folder.write(tmp_path / SESSION, bare=False)
    report = merge(tmp_path)
    assert report["status"] == "repaired"
    chunk = report["chunks"][2]
    assert (chunk["verdict"], chunk["sha256"]) == ("altered", hashlib.sha256(folder.uploads[2].data).hexdigest())
    assert not verify(SESSION, store=tmp_path).findings
    assert not would_purge(tmp_path)


def test_what_is_tried_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_of("demo/1")
    own = folder.uploads[2]
    noted = ChunkEntry(seq=2, bytes=len(own.data), sha256=hashlib.sha256(own.data).hexdigest())
    flip(folder, own, "length", 6, byte=0)
    found = survey(chunk_ref(2, len(own.data)), own.data)
    part = Noted(PartEntry(part="000", chunks=[noted]))
    assert BitMender(part).look_at(found, own.data)
    monkeypatch.setattr(wrong_bits, "_MOST_HASHED_BYTES", 8 * len(own.data) - 1)
    assert not BitMender(part).look_at(found, own.data)


def test_nothing_is_tried_for_chunks_that_were_noted_without_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that nothing can end is 2.3 s of a processor for each damaged part."""
    monkeypatch.setattr(BitMender, "_byte_in", lambda *_: pytest.fail("it was searched"))
    own, other = folder_of("demo/1").uploads[2:4]
    hashed = ChunkEntry(seq=3, bytes=len(other.data), sha256=hashlib.sha256(other.data).hexdigest())
    part = Noted(PartEntry(part="000", chunks=[ChunkEntry(seq=2, bytes=len(own.data)), hashed]))
    found = survey(chunk_ref(2, len(own.data)), own.data)
    assert not BitMender(part).look_at(found, own.data)
