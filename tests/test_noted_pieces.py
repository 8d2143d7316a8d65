"""Chunks that are not stored as they were noted: cut in pieces, joined, under later or earlier numbers."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING, Any

import pytest
from recordings import chunk_ref
from stored_session import assert_verified, merged, packets

from sessiontool.documents.models import ChunkEntry, PartEntry
from sessiontool.recording.noted_pieces import as_stored

if TYPE_CHECKING:
    from collections.abc import Callable

    Blobs = list[bytes]

SESSIONS = Path(__file__).parent / "data" / "sessions"
AT = 4


@pytest.fixture(params=["chrome-load", "firefox-pause"])
def session(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    name: str = request.param
    return copytree(SESSIONS / name, tmp_path / "store" / name)


def store_otherwise(session: Path, change: Callable[[Blobs], Blobs]) -> None:
    paths = sorted((session / "chunks" / "000").iterdir())
    blobs = change([path.read_bytes() for path in paths])
    for path in paths:
        path.unlink()
    for number, blob in enumerate(blobs):
        (paths[0].parent / f"{number:06d}.webm").write_bytes(blob)


def cut(blob: bytes, pieces: int) -> Blobs:
    step = -(-len(blob) // pieces)
    return [blob[at : at + step] for at in range(0, len(blob), step)]


def twice(blobs: Blobs) -> Blobs:
    """A server that numbers uploads stored one that was sent again."""
    return [*blobs[: AT + 1], *blobs[AT:]]


def closed_up(blobs: Blobs) -> Blobs:
    """One was lost, and the server counts those that come."""
    return [*blobs[:AT], *blobs[AT + 1 :]]


def one_cut(blobs: Blobs) -> Blobs:
    return [*blobs[:AT], *cut(blobs[AT], 2), *blobs[AT + 1 :]]


def all_cut(blobs: Blobs) -> Blobs:
    return [piece for blob in blobs for piece in cut(blob, 3)]


def two_joined(blobs: Blobs) -> Blobs:
    return [*blobs[:AT], blobs[AT] + blobs[AT + 1], *blobs[AT + 2 :]]


def all_joined(blobs: Blobs) -> Blobs:
    return [b"".join(blobs[at : at + 2]) for at in range(0, len(blobs), 2)]


@pytest.mark.parametrize("change", [one_cut, all_cut, two_joined, all_joined])
def test_blobs_that_were_cut_or_joined_are_what_was_noted(session: Path, change: Callable[[Blobs], Blobs]) -> None:
    status = merged(session).status
    before = packets(session)
    store_otherwise(session, change)
    result = merged(session)
    assert packets(session) == before
    assert result.status == status
    assert [one.severity for one in result.findings if one.code == "noted-in-pieces"] == ["info"]
    assert_verified(session)


def test_a_blob_that_was_stored_again_under_the_next_number_moves_nothing(session: Path) -> None:
    merged(session)
    before = packets(session)
    store_otherwise(session, twice)
    result = merged(session)
    assert packets(session) == before
    assert result.status == "repaired"
    assert {"chunk-duplicate", "numbers-moved"} <= {one.code for one in result.findings}


def test_a_lost_blob_whose_number_went_to_the_next_one_is_missed(session: Path) -> None:
    merged(session)
    before = {payload: time_ms for time_ms, payload in packets(session)}
    store_otherwise(session, closed_up)
    result = merged(session)
    found = {payload: time_ms for time_ms, payload in packets(session) if payload in before}
    assert len(found) > len(before) / 2
    assert all(abs(before[payload] - time_ms) <= 20 for payload, time_ms in found.items() if len(payload) > 3)
    assert [(one.severity, one.seq) for one in result.findings if one.code == "chunk-missing"] == [("error", AT)]


def test_hashes_of_blobs_in_pieces_are_said_not_to_be_compared(session: Path) -> None:
    document: dict[str, Any] = json.loads((session / "session.json").read_text())
    for chunk in document["parts"][0]["chunks"]:
        chunk["sha256"] = "0" * 64
    (session / "session.json").write_text(json.dumps(document))
    store_otherwise(session, all_cut)
    result = merged(session)
    (found,) = [one for one in result.findings if one.code == "noted-in-pieces"]
    assert (found.severity, result.status) == ("warning", "repaired")
    assert "not compared" in found.message


# -- sizes alone


def noted_as(stored: list[int], noted: list[int]) -> list[tuple[int, int | None, float | None]] | None:
    entry = PartEntry(
        part="0", chunks=[ChunkEntry(seq=seq, bytes=size, emitted_ms=100.0 * seq) for seq, size in enumerate(noted)]
    )
    found = as_stored(entry, [chunk_ref(number, size) for number, size in enumerate(stored)])
    assert found is not None
    return None if found is entry else [(one.seq, one.bytes, one.emitted_ms) for one in found.chunks]


def test_a_piece_has_its_size_and_the_last_one_the_instant() -> None:
    assert noted_as([9, 3, 4, 8], [9, 7, 8]) == [(0, 9, 0.0), (1, 3, None), (2, 4, 100.0), (3, 8, 200.0)]
    assert noted_as([9, 15], [9, 7, 8]) == [(0, 9, 0.0), (1, 15, 200.0)]


@pytest.mark.parametrize(
    "stored",
    [[9, 7, 8], [7, 8], [9, 7], [8, 9, 7], [9, 7, 7, 8], [9, 6, 8], [9, 3, 8], [9, 3, 4, 2], []],
)
def test_what_adds_up_to_nothing_is_as_it_was_noted(stored: list[int]) -> None:
    assert noted_as(stored, [9, 7, 8]) is None


def test_sizes_of_a_constant_rate_that_add_up_here_and_there_are_no_pieces() -> None:
    noted = [43, 42, 44, 45, 41, 45, 40, 46, 47, 39, 48, 49]
    two_in_each = [a + b for a, b in zip(noted, [*noted[1:], 0], strict=True)]
    assert noted_as(two_in_each, noted) is None


def test_what_is_missing_beside_pieces_keeps_a_free_number_or_none() -> None:
    assert noted_as([9, 3, 4, 8], [9, 5, 7, 8]) == [(0, 9, 0.0), (1, 3, None), (2, 4, 200.0), (3, 8, 300.0)]
    assert noted_as([3, 4, 8], [7, 8, 5]) == [(0, 3, None), (1, 4, 0.0), (2, 8, 100.0), (3, 5, 200.0)]
