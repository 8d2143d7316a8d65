"""Blobs of a tenth of a second and chunks cut anywhere: most hold no base of times, and those of silence are alike."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from random_blobs import in_pieces, in_slices
from random_cases import Case, run_case
from random_folder import Folder, Piece
from recordings import LIVE_CLUSTER, chrome, firefox, walk
from short_blobs import RECORDINGS, blobs_of, cut_every, store

from sessiontool import MergeOptions, merge

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from recordings import Live

    from sessiontool import MergeResult

    Chunks = dict[int, bytes]

FALSE_OF_A_WHOLE_ONE = {
    "chunk-duplicate",
    "chunk-near-duplicate",
    "chunk-overlap",
    "chunk-foreign",
    "chunk-missing",
    "chunk-out-of-order",
    "cluster-time-wrong",
    "header-missing",
    "sound-lost",
}
SHIFT_MS = 21


def joined(folder: Path, chunks: Mapping[int, bytes], recording: str = "") -> tuple[MergeResult, dict[bytes, int]]:
    """What was made of chunks: the result, and when each packet is that is there once."""
    session = store(folder, chunks, recording)
    result = merge("blobs", store=folder, output=folder / "out", options=MergeOptions(align=False))
    return result, times_of((folder / "out" / session.name / "audio.webm").read_bytes())


def times_of(data: bytes) -> dict[bytes, int]:
    blocks = [(block.payload, block.time_ms) for block in walk(data)]
    counts = Counter(payload for payload, _ in blocks)
    return {payload: time_ms for payload, time_ms in blocks if counts[payload] == 1}


def numbered(blobs: list[bytes]) -> Chunks:
    return dict(enumerate(blobs))


@pytest.mark.parametrize("recording", RECORDINGS)
@pytest.mark.parametrize("is_noted", [False, True])
def test_a_whole_recording_is_joined_as_it_came(recording: str, is_noted: bool, tmp_path: Path) -> None:
    blobs = blobs_of(recording)
    result, _ = joined(tmp_path, numbered(blobs), recording if is_noted else "")
    recorded = [block.payload for block in walk(b"".join(blobs))]
    made = [block.payload for block in walk((tmp_path / "out/blobs/audio.webm").read_bytes())]
    rest = iter(made)
    assert all(payload in rest for payload in recorded), "not all in their order"
    assert not FALSE_OF_A_WHOLE_ONE & {finding.code for finding in result.findings}
    assert result.report["status"] in {"complete", "repaired"}  # browsers drop sound where a machine is busy


def dropped(chunks: Chunks, at: int) -> Chunks:
    return {number: data for number, data in chunks.items() if number != at}


def some_dropped(chunks: Chunks, at: int) -> Chunks:
    return {number: data for number, data in chunks.items() if not at <= number < at + 4}


def exchanged(chunks: Chunks, at: int) -> Chunks:
    return {**chunks, at: chunks[at + 1], at + 1: chunks[at]}


def zeroed(chunks: Chunks, at: int) -> Chunks:
    return {**chunks, at: bytes(len(chunks[at]))}


def cut_short(chunks: Chunks, at: int) -> Chunks:
    return {**chunks, at: chunks[at][: 2 * len(chunks[at]) // 5]}


def sent_again(chunks: Chunks, at: int) -> Chunks:
    """A server that numbers uploads, to which one came twice."""
    moved = {number + (number > at): data for number, data in chunks.items()}
    return {**moved, at + 1: chunks[at]}


FAULTS = (dropped, some_dropped, exchanged, zeroed, cut_short, sent_again)


@pytest.mark.parametrize("recording", RECORDINGS)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("share", [0.25, 0.55])
def test_what_a_fault_leaves_is_there_once_and_in_its_place(
    recording: str, fault: Callable[[Chunks, int], Chunks], share: float, tmp_path: Path
) -> None:
    chunks = numbered(blobs_of(recording))
    _, right = joined(tmp_path / "right", chunks)
    hurt = fault(chunks, round(share * len(chunks)))
    check(right, hurt, fault, tmp_path)


@pytest.mark.parametrize("recording", ["chromium-500", "firefox-500"])
@pytest.mark.parametrize("size_bytes", [2500, 4096, 9000])
@pytest.mark.parametrize("fault", [dropped, exchanged, cut_short, sent_again])
def test_chunks_that_were_cut_anywhere_are_put_in_order_by_their_bytes(
    recording: str, size_bytes: int, fault: Callable[[Chunks, int], Chunks], tmp_path: Path
) -> None:
    chunks = numbered(cut_every(recording, size_bytes))
    _, right = joined(tmp_path / "right", chunks)
    check(right, fault(chunks, len(chunks) // 2), fault, tmp_path)


def check(right: dict[bytes, int], hurt: Chunks, fault: Callable[[Chunks, int], Chunks], folder: Path) -> None:
    result, times = joined(folder / "hurt", hurt)
    kept = b"".join(data for data in hurt.values() if data.strip(b"\0"))
    left = {payload: time_ms for payload, time_ms in right.items() if payload in kept}
    beside = 2 if fault in {exchanged, sent_again} else 4  # packets at a cut whose bounds went with it
    assert len(left.keys() - times.keys()) <= (0 if fault in {exchanged, sent_again} else beside)
    moved = {time_ms: times[payload] for payload, time_ms in left.items() if payload in times}
    assert not [pair for pair in moved.items() if abs(pair[0] - pair[1]) > SHIFT_MS]
    assert result.report["status"] != "complete" or fault is exchanged


@pytest.mark.parametrize("record", [chrome, firefox])
@pytest.mark.parametrize("bit", [7, 9])
def test_a_wrong_base_of_the_last_few_packets_is_noticed(record: Callable[..., Live], bit: int, tmp_path: Path) -> None:
    """No packets come after them that could show it."""
    whole = record(8 * 16 + 3, cluster_packets=16, sizes=(60, 120))
    at = whole.data.rindex(LIVE_CLUSTER)
    time_at = whole.data.index(b"\xe7", at) + 2
    wrong = bytearray(whole.data)
    wrong[time_at + 1 - bit // 8] ^= 1 << bit % 8
    result, times = joined(tmp_path, {0: whole.data[:at], 1: bytes(wrong[at:])})
    assert {finding.code for finding in result.findings} & {"cluster-time-wrong", "clock-jump"}
    off_ms = [abs(times[block.payload] - block.time_ms) for block in whole.blocks[-3:]]
    assert max(off_ms) <= 50  # of Chrome's jitter


def test_tones_that_are_alike_in_many_clusters_are_each_in_their_place(tmp_path: Path) -> None:
    """Two blobs a cluster: the second ones hold no base, and many packets of one another."""
    recording = next(one for one in in_slices(500)["firefox"] if one.name.startswith("firefox-pause"))
    folder = Folder.of(recording, {})
    folder.uploads[25].splice(3668, 3669, [Piece(b"?")])
    outcome = run_case(Case(1, 0, folder, [], bare=True), tmp_path)
    assert outcome.is_right
    assert not {finding["code"] for finding in outcome.findings} & FALSE_OF_A_WHOLE_ONE - {"cluster-time-wrong"}


def test_two_small_pieces_that_changed_places_are_put_back_by_their_bytes(tmp_path: Path) -> None:
    """Few packets before a seam are read with those behind it."""
    recording = next(one for one in in_pieces(1024, is_full=False)["chrome"] if one.name.startswith("sim-chrome in"))
    folder = Folder.of(recording, {})
    one, other = folder.uploads[19], folder.uploads[54]
    one.seq, other.seq = other.seq, one.seq
    outcome = run_case(Case(1, 0, folder, [], bare=True), tmp_path)
    assert outcome.is_right
    assert [f["seq"] for f in outcome.findings if f["code"] == "chunk-out-of-order"] == [54, 19]


def test_a_cluster_whose_first_byte_is_in_the_blob_before_is_no_other_sound(tmp_path: Path) -> None:
    """Blobs of two packets: what looks like the head of a frame of AAC ends with one of them."""
    recording = next(one for one in in_slices(60)["chrome"] if one.name.startswith("demo/1"))
    folder = Folder.of(recording, {})
    folder.uploads[198].stored = False
    outcome = run_case(Case(1, 0, folder, [], bare=True), tmp_path)
    assert outcome.is_right
    assert "chunk-foreign" not in {finding["code"] for finding in outcome.findings}


def test_what_follows_a_lost_header_stays_at_the_beginning(tmp_path: Path) -> None:
    """It counts from the cluster that is lost with the header, and would fit behind the last one, too."""
    recording = next(one for one in in_slices(500)["firefox"] if one.name.startswith("sim-firefox-paused"))
    folder = Folder.of(recording, {})
    first = folder.uploads[0]
    first.splice(0, len(first.data), [Piece(b"=" * 2000)])
    outcome = run_case(Case(1, 0, folder, [], bare=True), tmp_path)
    assert outcome.is_right
    assert "chunk-out-of-order" not in {finding["code"] for finding in outcome.findings}


@pytest.mark.parametrize("timeslice_ms", [60, 100])
def test_short_blobs_of_silence_are_no_copies_of_the_next_ones(timeslice_ms: int, tmp_path: Path) -> None:
    """They begin less than 100 ms apart, and have the same bytes."""
    recording = next(one for one in in_slices(timeslice_ms)["chrome"] if one.name.startswith("chrome-silence/0"))
    folder = Folder.of(recording, {})
    upload = folder.uploads[18]
    upload.splice(0, len(upload.data) - 3, [])
    outcome = run_case(Case(1, 0, folder, [], bare=False), tmp_path)
    assert outcome.is_right
    assert "chunk-near-duplicate" not in {finding["code"] for finding in outcome.findings}
