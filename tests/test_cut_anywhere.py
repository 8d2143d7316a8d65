"""Pieces of a recording that were cut anywhere, whatever its container: bytes say which go on with one another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from random_blobs import in_pieces, in_slices
from random_cases import Case, run_case
from random_folder import Folder, Piece, Upload

if TYPE_CHECKING:
    from collections.abc import Callable

    from random_cases import Outcome
    from random_recordings import Recording

FAMILIES = ("chrome", "firefox", "ogg", "mp4")
SIZES_BYTES = (1_000, 2_500, 16_384)
FALSE = {"bytes-skipped", "chunk-truncated", "chunk-unreadable", "sound-lost"}
"""What is never said where nothing but the order is wrong."""


def a_recording(family: str, size_bytes: int) -> Recording:
    """The recording of a container that makes the most pieces of a size."""
    return max(in_pieces(size_bytes, is_full=False)[family], key=lambda one: len(one.blobs))


def judged(folder: Folder, *, bare: bool = True) -> Outcome:
    return run_case(Case(0, 0, folder, [], bare=bare))


def exchanged(folder: Folder, at: int) -> None:
    one, other = folder.uploads[at], folder.uploads[at + 5]
    one.seq, other.seq = other.seq, one.seq


def renamed(folder: Folder, at: int) -> None:
    folder.uploads[at].seq = folder.last() + 40


def sent_twice(folder: Folder, at: int) -> None:
    again = replace(folder.uploads[at], copy=True, pieces=[*folder.uploads[at].pieces])
    again.seq += 1
    folder.insert(again)


def beside_noise(folder: Folder, at: int) -> None:
    folder.insert(Upload(at, 0, -1, [Piece(bytes(range(1, 250)) * 3)], None, copy=True))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size_bytes", SIZES_BYTES)
@pytest.mark.parametrize("what", [exchanged, renamed, sent_twice])
def test_pieces_out_of_order_go_on_with_one_another(
    family: str, size_bytes: int, what: Callable[[Folder, int], None]
) -> None:
    folder = Folder.of(a_recording(family, size_bytes), {})
    what(folder, int(0.6 * len(folder.uploads)) - 3)
    outcome = judged(folder)
    assert outcome.is_right, outcome
    assert not outcome.verdict.unpublished
    assert not FALSE & {finding["code"] for finding in outcome.findings}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size_bytes", SIZES_BYTES)
def test_what_is_between_two_pieces_tears_no_packet(family: str, size_bytes: int) -> None:
    folder = Folder.of(a_recording(family, size_bytes), {})
    beside_noise(folder, len(folder.uploads) // 2)
    outcome = judged(folder)
    assert outcome.is_right, outcome
    assert not outcome.verdict.unpublished


def an_ogg(name: str, size_bytes: int, *, is_full: bool) -> Folder:
    return Folder.of(
        next(one for one in in_pieces(size_bytes, is_full=is_full)["ogg"] if one.name.startswith(name)), {}
    )


@pytest.mark.parametrize("at", [20, 23, 41])
def test_a_page_that_goes_on_behind_a_lost_end_keeps_what_was_whole(at: int) -> None:
    """The packet that is cut at the end of a piece is not made whole with bytes of the next one."""
    folder = an_ogg("firefox-ogg", 4096, is_full=False)
    upload = folder.uploads[at]
    upload.splice(len(upload.data) // 2, len(upload.data), [])
    outcome = judged(folder)
    assert outcome.is_right, outcome


def test_the_last_piece_of_a_page_before_one_of_another_recording_is_read() -> None:
    folder = an_ogg("sim-ogg", 4096, is_full=False)
    upload = folder.uploads[8]
    upload.splice(492, len(upload.data), [])
    other = an_ogg("firefox-ogg", 4096, is_full=False).recordings[0]
    folder.recordings.append(other)
    folder.insert(Upload(9, 1, 33, [Piece(other.blobs[33], 1, other.starts()[33])], None))
    outcome = judged(folder, bare=False)
    assert outcome.is_right, outcome


@pytest.mark.parametrize(("name", "size_bytes", "at"), [("firefox-ogg", 4096, 44), ("firefox-ogg", 2500, 31)])
def test_a_page_goes_on_behind_a_piece_of_another_recording(name: str, size_bytes: int, at: int) -> None:
    folder = an_ogg(name, size_bytes, is_full=True)
    other = an_ogg("sim-ogg", size_bytes, is_full=True).recordings[0]
    folder.recordings.append(other)
    folder.insert(Upload(at, 1, 8, [Piece(other.blobs[8], 1, other.starts()[8])], None))
    outcome = judged(folder)
    assert outcome.is_right, outcome
    assert not {"bytes-skipped", "sound-lost"} & {finding["code"] for finding in outcome.findings}


@pytest.mark.parametrize("name", ["chrome-24k/0", "demo/0"])
def test_short_blobs_between_two_that_are_unreadable_are_kept(name: str) -> None:
    """What goes on with one another counts as many chunks, not as one."""
    folder = Folder.of(next(one for one in in_slices(500)["chrome"] if one.name.startswith(name)), {})
    for at in (3, 34):
        upload = folder.uploads[at]
        upload.splice(0, len(upload.data), [Piece(b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>")])
    outcome = judged(folder)
    assert not outcome.verdict.lost, outcome
