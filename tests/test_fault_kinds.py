"""Kinds of several faults at once, each done by hand to a real or simulated recording, and judged by the random judge.

Each was wrong before: what a chunk's own clock, number or head says was believed, where something else says better.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from random_cases import SESSION, Case, merge, read_output, run_case, undamaged_places
from random_folder import Folder, Piece
from random_judge import judge_output
from random_pool import pool
from random_truth import truth_of

if TYPE_CHECKING:
    from pathlib import Path

    from random_cases import Outcome
    from random_folder import Upload
    from random_recordings import Recording


def recording(name: str) -> Recording:
    """The recording of the judge's pool with this name."""
    return next(one for family in pool().values() for one in family if one.name == name)


def folder_of(name: str) -> Folder:
    return Folder.of(recording(name), pool())


def outcome_of(folder: Folder, *, bare: bool) -> Outcome:
    return run_case(Case(0, 0, folder, [], bare=bare))


def swap(one: Upload, other: Upload) -> None:
    one.seq, other.seq = other.seq, one.seq


def flip(folder: Folder, upload: Upload, kind: str, bit: int, *, byte: int = -1) -> None:
    """Change one bit of the chunk's first spot of a kind: a cluster's time, a block's size."""
    own = folder.recordings[0]
    piece = upload.pieces[0]
    spot = own.spots_within(kind, piece.start, piece.end)[0]
    at = range(*spot)[byte] - piece.start
    upload.splice(at, at + 1, [Piece(bytes([upload.data[at] ^ 1 << bit]), tag=1)])


def foreign(folder: Folder, name: str, index: int) -> list[Piece]:
    """A blob of another recording, which is added to the folder's."""
    other = recording(name)
    folder.recordings.append(other)
    return [Piece(other.blobs[index], len(folder.recordings) - 1, other.starts()[index])]


def replace_all(upload: Upload, data: bytes) -> None:
    upload.pieces = [Piece(data, tag=1)]


def codes(outcome: Outcome) -> set[tuple[str, int | None]]:
    return {(finding["code"], finding.get("seq")) for finding in outcome.findings}


# -- what the recorder noted: when blobs were handed over


def test_a_wrong_cluster_time_in_a_chunk_that_changed_places() -> None:
    folder = folder_of("sim-firefox-mono")
    swap(folder.uploads[0], folder.uploads[3])
    flip(folder, folder.uploads[3], "cluster-time", 5, byte=-2)
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict
    assert {("chunk-out-of-order", 0), ("bit-mended", 0)} <= codes(outcome)


def test_chunks_that_begin_no_cluster_beside_lost_ones() -> None:
    folder = folder_of("chrome-load/0")
    for index in (1, 7):
        replace_all(folder.uploads[index], b"<html>502</html>" * 9)
    swap(folder.uploads[3], folder.uploads[6])
    assert outcome_of(folder, bare=False).is_right


def test_a_damaged_chunk_under_a_number_that_was_not_noted() -> None:
    folder = folder_of("firefox-pause/0")
    renamed = folder.uploads[5]
    renamed.noted_seq, renamed.seq = 5, 99
    renamed.splice(20_000, 20_008, [Piece(b"\x55" * 8, tag=1)])
    for index in (4, 6):
        replace_all(folder.uploads[index], b"<html>502</html>" * 9)
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict
    assert ("chunk-altered", 99) in codes(outcome)


def test_another_recording_s_header_takes_no_chunk_that_was_noted() -> None:
    folder = folder_of("chrome-1s/0")
    folder.uploads[23].pieces = foreign(folder, "chrome-silence/0", 0)
    folder.uploads[12].noted_seq, folder.uploads[12].seq = 12, 99
    assert outcome_of(folder, bare=False).is_right


@pytest.mark.parametrize("name", ["chrome-mp4-opus/0", "demo/2", "sim-firefox"])
def test_a_last_blob_that_was_never_noted_is_missed_by_when_the_recorder_was_stopped(name: str) -> None:
    folder = folder_of(name)
    last = folder.uploads[-1]
    last.stored, last.note = False, None
    outcome = outcome_of(folder, bare=False)
    assert outcome.verdict.gone
    assert not outcome.report
    assert ("chunk-missing", last.seq - 1) in codes(outcome)


def close_up(folder: Folder, index: int) -> None:
    """A chunk that is not there, and that neither a number nor a note knows."""
    gone = folder.uploads[index]
    gone.stored, gone.note = False, None
    folder.shift(gone.seq + 1, -1)


def test_a_lost_chunk_shows_in_when_the_next_one_was_handed_over() -> None:
    """That one begins no cluster: its times go on as if nothing was lost."""
    folder = folder_of("chrome-load/0")
    close_up(folder, 7)
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict
    assert ("chunk-missing", 7) in codes(outcome)


def test_what_is_lost_unseen_is_lost_between_chunks() -> None:
    """A group of packets with a wrong base goes on with its own chunk, and not with the one before the loss."""
    folder = folder_of("sim-firefox-mono")
    close_up(folder, 1)
    flip(folder, folder.uploads[2], "cluster-time", 6, byte=-2)
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict
    assert ("chunk-missing", 1) in codes(outcome)


def test_what_was_noted_takes_its_place_from_what_was_not() -> None:
    folder = folder_of("chrome-24k/0")
    folder.uploads[2].pieces = foreign(folder, "sim-chrome-busy", 5)
    folder.uploads[2].source = 1
    folder.uploads[3].noted_seq, folder.uploads[3].seq = 3, 45
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict


def test_a_chunk_that_was_never_noted_is_no_foreign_one_where_it_fits_to_the_packet() -> None:
    folder = folder_of("sim-firefox-mono")
    moved = folder.uploads[3]
    moved.note = None
    folder.shift(4, -1)
    moved.seq = 8
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict


def test_the_head_of_a_piece_is_placed_with_what_follows_in_it() -> None:
    """Two chunks are lost before a piece that begins in a lost cluster, and whose own first one has a wrong time."""
    folder = folder_of("demo/2")
    kept, lost = folder.uploads[3], folder.uploads[1:3]
    for upload in lost:
        upload.stored = False
    kept.splice(991, 992, [Piece(bytes([kept.data[991] ^ 64]), tag=1)])
    swap(lost[0], kept)
    assert outcome_of(folder, bare=False).is_right


# -- clocks of sound that was dropped


@pytest.mark.parametrize("bare", [True, False])
def test_dropped_sound_hides_no_wrong_bit_of_a_cluster(bare: bool) -> None:
    """A cluster 64 ms late in which the browser dropped as much: the next one seems to run back by that."""
    folder = folder_of("chrome-24k/0")
    flip(folder, folder.uploads[1], "cluster-time", 6)
    assert outcome_of(folder, bare=bare).is_right


# -- numbers of pages and fragments


def test_a_fragment_s_wrong_time_beside_a_lost_chunk_and_swapped_ones() -> None:
    folder = folder_of("chrome-mp4-opus/0")
    folder.uploads[4].stored = False
    flip(folder, folder.uploads[3], "tfdt", 7, byte=1)
    swap(folder.uploads[2], folder.uploads[6])
    assert outcome_of(folder, bare=True).is_right


def test_a_page_with_a_wrong_checksum_behind_a_chunk_that_is_lost() -> None:
    folder = folder_of("sim-ogg")
    close_up(folder, 1)
    folder.uploads[2].splice(666, 802, [Piece(bytes(136), tag=1)])
    assert outcome_of(folder, bare=False).is_right


@pytest.mark.parametrize("chunk", [3, 4])
def test_a_page_that_seems_to_be_a_first_one_begins_no_recording(chunk: int) -> None:
    folder = folder_of("sim-ogg")
    upload = folder.uploads[chunk]
    upload.splice(5, 6, [Piece(bytes([upload.data[5] | 2]), tag=1)])
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict
    assert "recorder-restarted" not in {code for code, _ in codes(outcome)}


def test_a_header_that_says_no_time_comes_first() -> None:
    folder = folder_of("firefox-ogg/0")
    first = folder.uploads[0]
    first.splice(1438, len(first.data), [])
    first.splice(68, 69, [Piece(bytes([first.data[68] ^ 4]), tag=1)])
    swap(folder.uploads[3], folder.uploads[4])
    assert outcome_of(folder, bare=False).is_right


def test_sound_that_is_damaged_at_the_end_is_no_suspension() -> None:
    folder = folder_of("sim-ogg")
    last = folder.uploads[-1]
    last.splice(1002, 7011, [Piece(b"\xa5" * 6009, tag=1)])
    outcome = outcome_of(folder, bare=False)
    assert not outcome.verdict.misplaced
    assert "recorder-suspended" not in {code for code, _ in codes(outcome)}


# -- bytes that are there twice


def test_of_a_seam_that_is_there_twice_the_undamaged_copy_is_joined() -> None:
    folder = folder_of("chrome-load/0")
    before, after = folder.uploads[7:9]
    tail = replace(before, pieces=[*before.pieces])
    tail.splice(0, len(before.data) - 22_907, [])
    before.splice(39_850, 39_958, [Piece(bytes(108), tag=1)])
    after.splice(0, 0, tail.pieces)
    assert outcome_of(folder, bare=False).is_right


def test_what_begins_with_another_chunk_s_end_follows_it_whatever_its_clock_says() -> None:
    folder = folder_of("chrome-mono/0")
    before, last = folder.uploads[5:7]
    flip(folder, last, "cluster-time", 3, byte=-2)
    tail = replace(before, pieces=[*before.pieces])
    tail.splice(0, len(before.data) - 165, [])
    last.splice(0, 0, tail.pieces)
    stranger = replace(last, source=1, index=-1, note=None, pieces=foreign(folder, "chrome-24k/0", 3))
    folder.insert(stranger)
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict


def doubled_first(folder: Folder, index: int, start: int, stop: int) -> None:
    """A chunk twice, the first of the two with damage."""
    hurt = folder.uploads[index]
    folder.insert(replace(hurt, copy=True, pieces=[*hurt.pieces], seq=hurt.seq + 1))
    hurt.splice(start, stop, [Piece(bytes(i * 37 % 251 for i in range(stop - start)), tag=1)])


def test_a_copy_is_one_though_most_of_its_header_is_damaged() -> None:
    folder = folder_of("sim-firefox-mono")
    doubled_first(folder, 0, 28, 8275)
    assert outcome_of(folder, bare=True).is_right


def test_a_copy_of_silence_is_one_by_what_was_noted() -> None:
    folder = folder_of("chrome-silence/0")
    doubled_first(folder, 2, 10, 1029)
    outcome = outcome_of(folder, bare=False)
    assert not outcome.verdict.doubled, outcome.verdict


# -- another recording's chunks


def test_a_stranger_s_first_chunk_in_the_place_of_one_ends_no_recording() -> None:
    folder = folder_of("demo/0")
    close_up(folder, 3)
    folder.uploads[1].pieces = foreign(folder, "chrome-load/0", 0)
    folder.uploads[1].source = 1
    assert outcome_of(folder, bare=True).is_right


def test_a_foreign_first_chunk_takes_nothing_that_goes_on_with_the_own_one() -> None:
    """By their numbers those behind an empty chunk could be of either, with as many lost."""
    folder = folder_of("sim-firefox")
    blank = replace(folder.uploads[6], copy=True, note=None, pieces=[])
    first = replace(folder.uploads[2], source=1, index=-1, note=None, pieces=foreign(folder, "sim-firefox-paused", 0))
    folder.insert(blank)
    folder.insert(first)
    assert outcome_of(folder, bare=True).is_right


def test_a_foreign_chunk_of_a_noted_size_is_not_the_noted_one_if_that_is_there() -> None:
    folder = folder_of("sim-firefox")
    noted, size = folder.uploads[1], len(folder.uploads[1].data)
    noted.splice(1546, 3703, [Piece(bytes(2157), tag=1)])
    for upload in folder.uploads_of(0):  # a second recorder's
        folder.uploads.append(replace(upload, seq=upload.seq + 8, source=1, note=None))
    folder.recordings.append(recording("sim-firefox-mono"))
    second = folder.recordings[1]
    for upload, blob, start in zip(folder.uploads[8:], second.blobs, second.starts(), strict=False):
        upload.pieces = [Piece(blob, 1, start)]
    folder.whole_second = 1
    assert size in {len(upload.data) for upload in folder.uploads[8:]}
    assert outcome_of(folder, bare=False).is_right


def test_of_two_chunks_for_one_place_the_one_that_fits_better_is_taken() -> None:
    folder = folder_of("demo/2")
    stranger = replace(folder.uploads[1], source=1, index=-1, note=None, pieces=foreign(folder, "chrome-pause/0", 1))
    folder.insert(stranger)
    assert outcome_of(folder, bare=True).is_right


def test_a_stranger_s_chunk_leaves_its_place_to_the_one_that_fills_it() -> None:
    folder = folder_of("demo/1")
    stranger = replace(folder.uploads[2], source=1, index=-1, note=None, pieces=foreign(folder, "chrome-1s/0", 11))
    folder.insert(stranger)
    swap(folder.uploads[2], folder.uploads[4])
    replace_all(folder.uploads[4], b"<html>502</html>" * 9)
    assert outcome_of(folder, bare=True).is_right


@pytest.mark.parametrize("bit", [None, 2])
def test_a_chunk_that_changed_places_with_another_is_no_stranger_s(bit: int | None) -> None:
    """Behind a loss that no number shows, or with a second's error of its clock."""
    folder = folder_of("sim-chrome")
    if bit is None:
        close_up(folder, 6)
    else:
        flip(folder, folder.uploads[7], "cluster-time", bit, byte=-2)
    swap(folder.uploads[2], folder.uploads[7])
    assert outcome_of(folder, bare=True).is_right


# -- damaged blocks


def test_a_packet_whose_first_byte_is_damaged_does_not_make_the_rest_late() -> None:
    """By that byte it would last 120 ms, twice as long as the time until the next one."""
    folder = folder_of("chrome-silence/0")
    (start, stop), *_ = folder.recordings[0].packets[68].body
    folder.uploads[0].splice(start, start + 3, [Piece(b"\x3d\x52\x86", tag=1)])
    outcome = outcome_of(folder, bare=True)
    assert stop - start > 3
    assert not outcome.verdict.misplaced, outcome.verdict


def test_a_block_that_swallows_the_head_of_a_cluster_is_damage(tmp_path: Path) -> None:
    """Of 16 bytes, as long as that head: what comes next is a block again."""
    folder = folder_of("demo/2")
    last = folder.uploads[5]
    last.splice(496, 497, [Piece(bytes([last.data[496] ^ 16]), tag=1)])
    folder.write(tmp_path / SESSION, bare=True)
    report: Any = merge(tmp_path)
    places_ms = [undamaged_places(one) for one in folder.recordings]
    assert judge_output(folder, truth_of(folder), read_output(tmp_path), places_ms, bare=True).is_right
    assert ("bytes-skipped", 5) in {(finding["code"], finding.get("seq")) for finding in report["findings"]}


@pytest.mark.parametrize(
    ("name", "chunk", "at", "bit"), [("sim-chrome-20ms", 3, 5893, 0), ("firefox-pause/0", 2, 1818, 0)]
)
def test_a_byte_that_is_left_of_a_packet_and_looks_like_an_element_is_none(
    name: str, chunk: int, at: int, bit: int
) -> None:
    folder = folder_of(name)
    hurt = folder.uploads[chunk]
    hurt.splice(at, at + 1, [Piece(bytes([hurt.data[at] ^ 1 << bit]), tag=1)])
    assert outcome_of(folder, bare=False).is_right


# -- several faults that each hide what the other one shows

HTML = b"<html>502</html>" * 9


def cut_start(upload: Upload, count: int) -> None:
    upload.splice(0, count, [])


def second_recorder(folder: Folder, name: str, numbers: list[int]) -> None:
    """All chunks of a second recorder under these numbers; the first one's have the others, in order."""
    own = list(folder.uploads)
    folder.recordings.append(recording(name))
    folder.whole_second, folder.is_mixed = 1, True
    second = [replace(upload, note=None) for upload in folder.uploads_of(1)]
    for seq, upload in zip(numbers, second, strict=True):
        upload.seq = seq
    free = [seq for seq in range(len(own) + len(second)) if seq not in numbers]
    for seq, upload in zip(free, own, strict=True):
        upload.seq = upload.noted_seq = seq
    folder.uploads += second


def test_a_chunk_that_lost_its_beginning_ends_where_it_did() -> None:
    """By its size it is short, and its first packet counts from a cluster that no chunk has."""
    folder = folder_of("sim-firefox-mono")
    replace_all(folder.uploads[3], HTML)
    cut_start(folder.uploads[5], 8443)
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict
    assert ("chunk-truncated", 5) in codes(outcome)


def test_a_packet_that_is_cut_in_one_copy_goes_on_in_the_other() -> None:
    """The first of two copies begins with bytes of the chunk before, and so looks like one that the other goes on."""
    folder = folder_of("chrome-mono/0")
    hurt, tail = folder.uploads[4], replace(folder.uploads[3], pieces=[*folder.uploads[3].pieces])
    folder.insert(replace(hurt, copy=True, pieces=[*hurt.pieces], seq=5))
    hurt.splice(28_255, len(hurt.data), [])
    tail.splice(0, len(tail.data) - 1128, [])
    hurt.splice(0, 0, tail.pieces)
    assert outcome_of(folder, bare=False).is_right


def test_what_is_cut_off_a_steady_tone_is_no_copy() -> None:
    """24 of its 25 packets are in the chunk before as well."""
    folder = folder_of("firefox-pause/0")
    cut_start(folder.uploads[7], 26_784)
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict
    assert ("chunk-truncated", 7) in codes(outcome)


def test_two_wrong_clocks_one_behind_the_other() -> None:
    folder = folder_of("sim-chrome-20ms")
    flip(folder, folder.uploads[6], "cluster-time", 6)
    flip(folder, folder.uploads[7], "cluster-time", 4, byte=-2)
    outcome = outcome_of(folder, bare=True)
    assert outcome.is_right, outcome.verdict
    assert {("cluster-time-wrong", 6), ("cluster-time-wrong", 7)} <= codes(outcome)


@pytest.mark.parametrize(
    ("name", "number", "other", "blob"),
    [
        pytest.param("chrome-24k/0", 1, "sim-chrome-starved", 1, id="it begins before the first ends, leading nowhere"),
        pytest.param("chrome-1s/0", 10, "chrome-pause/0", 8, id="its clusters are longer than the recorder's"),
    ],
)
def test_a_foreign_chunk_takes_no_place(name: str, number: int, other: str, blob: int) -> None:
    folder = folder_of(name)
    folder.uploads[number].pieces, folder.uploads[number].source = foreign(folder, other, blob), 1
    outcome = outcome_of(folder, bare=True)
    assert outcome.is_right, outcome.verdict
    assert ("chunk-foreign", number) in codes(outcome)


def test_of_two_chunks_behind_a_loss_the_one_is_taken_that_begins_when_it_ends() -> None:
    folder = folder_of("sim-chrome-starved")
    replace_all(folder.uploads[5], HTML)
    stranger = replace(folder.uploads[6], source=1, index=-1, note=None, pieces=foreign(folder, "sim-chrome", 7))
    folder.insert(stranger)
    folder.uploads[7].stored = False
    outcome = outcome_of(folder, bare=True)
    assert outcome.is_right, outcome.verdict
    assert ("chunk-foreign", 6) in codes(outcome)


def test_a_chunk_is_of_that_recorder_in_which_it_fills_a_gap() -> None:
    """Two recorders at once; two chunks of the one have each other's number, and another is lost."""
    folder = folder_of("sim-firefox")
    second_recorder(folder, "sim-firefox-paused", [0, 3, 4, 7, 9, 10, 13, 15])
    own = folder.own()
    swap(own[3], own[5])
    replace_all(own[4], HTML)
    replace_all(own[7], HTML)
    own[6].stored = False
    assert outcome_of(folder, bare=True).is_right


def test_numbers_of_a_second_recorder_are_no_lost_chunks_of_the_first() -> None:
    """Also beside the first one's last chunk, of which hardly anything can be read by itself."""
    folder = folder_of("demo/2")
    last = folder.uploads[5]
    last.splice(1003, 1004, [Piece(bytes([last.data[1003] ^ 1]), tag=1)])
    second_recorder(folder, "chrome-load/0", [0, 2, 4, 5, 7, 9, 10, 12, 14])
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict
    assert "sound-lost" not in {code for code, _ in codes(outcome)}


def test_a_chunk_without_its_beginning_fills_the_gap_before_what_goes_on_with_it() -> None:
    folder = folder_of("demo/0")
    moved = folder.uploads[3]
    moved.noted_seq, moved.seq = 3, 1004
    cut_start(moved, 11_055)
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict
    assert ("chunk-out-of-order", 1004) in codes(outcome)


def test_a_far_number_does_not_make_a_damaged_chunk_s_clock_wrong() -> None:
    folder = folder_of("firefox-pause/0")
    close_up(folder, 1)
    moved = folder.uploads[0]
    cut_start(moved, 30_635)
    moved.seq = 123_462
    outcome = outcome_of(folder, bare=True)
    assert outcome.is_right, outcome.verdict
    assert ("chunk-out-of-order", 123_462) in codes(outcome)


def test_a_wrong_bit_behind_a_foreign_chunk_is_no_loss() -> None:
    folder = folder_of("sim-chrome")
    flip(folder, folder.uploads[7], "cluster-time", 3, byte=-2)
    stranger = replace(folder.uploads[7], source=1, index=-1, note=None, pieces=foreign(folder, "sim-ogg", 1))
    folder.insert(stranger)
    outcome = outcome_of(folder, bare=True)
    assert outcome.is_right, outcome.verdict
    assert ("cluster-time-wrong", 8) in codes(outcome)


def test_a_page_s_packets_end_where_its_table_is_wiped_out() -> None:
    """Behind entries that became zero no length says where a packet begins."""
    folder = folder_of("sim-ogg")
    folder.uploads[7].splice(2421, 2439, [Piece(bytes(18), tag=1)])
    outcome = outcome_of(folder, bare=True)
    assert outcome.is_right, outcome.verdict


@pytest.mark.parametrize(("name", "at"), [("chrome-mp4-opus/0", 401), ("sim-mp4", 178)])
def test_a_damaged_header_alone_in_its_blob_stays_where_it_is(name: str, at: int) -> None:
    """It was handed over with the first sound, seconds after its own times, which are none."""
    folder = folder_of(name)
    header = folder.uploads[0]
    header.splice(at, at + 8, [Piece(b"\xa5" * 8, tag=1)])  # the names and sizes of boxes
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict


@pytest.mark.parametrize("other", ["", "firefox-ogg/0"])
def test_what_is_left_of_a_page_is_of_the_stream_that_it_names(other: str) -> None:
    """Two whole packets, beside another recording whose header comes first."""
    folder = folder_of("sim-ogg")
    folder.uploads[3].splice(185, len(folder.uploads[3].data), ())
    if other:
        second_recorder(folder, other, [0, 2, 5, 7, 9, 11, 13])
    outcome = outcome_of(folder, bare=True)
    assert outcome.is_right, outcome.verdict


@pytest.mark.parametrize("is_first_hurt", [True, False])
def test_a_damaged_copy_of_the_first_blob_is_no_beginning_that_was_sent_again(*, is_first_hurt: bool) -> None:
    """Where it is damaged a packet ends, and what is behind goes on with that."""
    folder = folder_of("sim-firefox")
    first = folder.uploads[0]
    folder.insert(again := replace(first, copy=True, pieces=[*first.pieces], seq=1))
    hurt = first if is_first_hurt else again
    hurt.splice(8869, 8870, [Piece(bytes([hurt.data[8869] ^ 4]), tag=1)])
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict
    assert "upload-unwrapped" not in {code for code, _ in codes(outcome)}


@pytest.mark.parametrize("name", ["sim-firefox", "firefox-ogg/0", "demo/1"])
@pytest.mark.parametrize("is_whole", [True, False])
def test_a_copy_of_the_first_blob_that_was_cut_off_is_no_beginning_that_was_sent_again(
    name: str, *, is_whole: bool
) -> None:
    """What the cut one lacks goes on in the other, and is not missing between the two."""
    folder = folder_of(name)
    first = folder.uploads[0]
    folder.insert(again := replace(first, copy=True, pieces=[*first.pieces], seq=1))
    size = len(first.data)
    first.splice(size // 2, size, ())
    if not is_whole:
        again.splice(size - 300, size - 299, [Piece(bytes([again.data[size - 300] ^ 4]), tag=1)])
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict
    assert "upload-unwrapped" not in {code for code, _ in codes(outcome)}


def test_bytes_that_two_chunks_share_are_more_than_a_number() -> None:
    """A foreign chunk was recorded at the same time, and has the number between the two."""
    folder = folder_of("sim-firefox-paused")
    own = folder.uploads[5]
    own.splice(0, 0, [Piece(folder.uploads[4].data[-20:], 0, own.pieces[0].start - 20, tag=1)])
    stranger = replace(own, source=1, index=-1, note=None, pieces=foreign(folder, "sim-firefox", 5))
    folder.insert(stranger)
    outcome = outcome_of(folder, bare=True)
    assert outcome.is_right, outcome.verdict
    assert ("chunk-foreign", 5) in codes(outcome)


def test_a_packet_that_goes_on_in_the_next_chunk_is_whole_whatever_is_damaged_behind_it() -> None:
    """Chrome cuts its blobs behind the first byte of a block."""
    folder = folder_of("sim-chrome-starved")
    last = folder.uploads[7]
    last.splice(141, 142, [Piece(bytes([last.data[141] ^ 4]), tag=1)])
    outcome = outcome_of(folder, bare=True)
    assert outcome.is_right, outcome.verdict


def test_the_number_of_a_copy_is_no_other_chunk_s() -> None:
    """A second recorder's chunk is as long as the one that was noted twice."""
    folder = folder_of("demo/2")
    again = replace(folder.uploads[4], copy=True, pieces=[*folder.uploads[4].pieces], seq=5)
    folder.insert(again)
    again.splice(2215, 6053, [Piece(bytes(3838), tag=1)])
    folder.uploads[4].splice(29_092, 29_093, [Piece(bytes([folder.uploads[4].data[29_092] ^ 2]), tag=2)])
    folder.whole_second = 1
    folder.recordings.append(recording("chrome-load/0"))
    folder.uploads += [replace(one, note=None, seq=one.seq + 7) for one in folder.uploads_of(1)]
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict


def test_what_was_noted_of_when_a_damaged_chunk_was_handed_over_outweighs_its_number() -> None:
    """It was noted under the first number, as the sixth, between two that are lost; its clock says so too."""
    folder = folder_of("sim-chrome-starved")
    swap(folder.uploads[0], folder.uploads[6])
    replace_all(folder.uploads[0], HTML)
    replace_all(folder.uploads[5], HTML)
    cut_start(folder.uploads[6], 1299)
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict
    assert ("chunk-out-of-order", 0) in codes(outcome)


def test_of_two_chunks_out_of_order_the_one_with_a_far_number_was_moved() -> None:
    """The last one was put behind it by when it was handed over, and was said to be out of place."""
    folder = folder_of("sim-chrome-busy")
    moved = folder.uploads[6]
    moved.noted_seq, moved.seq = 6, 1006
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict
    assert {seq for code, seq in codes(outcome) if code == "chunk-out-of-order"} == {1006}


# -- what a copy alone has, and what a few packets are


def insert_copy(folder: Folder, number: int) -> tuple[Upload, Upload]:
    """The chunk, and a copy of it right behind it."""
    own = next(one for one in folder.uploads if one.seq == number)
    folder.insert(again := replace(own, copy=True, pieces=[*own.pieces], seq=number + 1))
    return own, again


def overwrite(upload: Upload, start: int, data: bytes) -> None:
    upload.splice(start, start + len(data), [Piece(data, tag=1)])


def test_a_packet_of_another_kind_is_taken_from_the_copy_in_which_it_is_whole() -> None:
    """MP4 has no checksums: by itself it is a packet like any other."""
    folder = folder_of("chrome-mp4-opus/0")
    own, _ = insert_copy(folder, 5)
    starts = [body[0] for body in folder.recordings[0].bodies if body[0] > own.pieces[0].start]
    overwrite(own, starts[4] - own.pieces[0].start, b"\x55\xaa" * 200)
    outcome = outcome_of(folder, bare=True)
    assert outcome.is_right, outcome.verdict


def test_a_copy_has_fewer_zeroes_where_the_other_was_overwritten_though_silence_has_some() -> None:
    folder = folder_of("chrome-silence/0")
    own, _ = insert_copy(folder, 1)
    overwrite(own, 25_421, bytes(94))
    outcome = outcome_of(folder, bare=True)
    assert outcome.is_right, outcome.verdict
    assert not outcome.verdict.undecided


def test_two_copies_that_lack_one_packet_each_between_the_same_two_make_up_the_chunk() -> None:
    folder = folder_of("sim-chrome")
    own, again = insert_copy(folder, 3)
    starts = [packet.outer[0] - own.pieces[0].start for packet in folder.recordings[0].packets]
    first, second, third = [at for at in starts if at > 1000][:3]
    overwrite(own, first + 1, b"\xff" * (second - first - 20))
    overwrite(again, second + 1, b"\xff" * (third - second - 20))
    outcome = outcome_of(folder, bare=True)
    assert outcome.is_right, outcome.verdict


def test_what_two_chunks_share_does_not_make_them_copies_of_one_that_has_only_that() -> None:
    folder = folder_of("sim-firefox")
    before, own = folder.uploads[4], folder.uploads[5]
    tail = replace(before, pieces=[*before.pieces])
    tail.splice(0, len(tail.data) - 7846, ())
    own.splice(0, 0, tail.pieces)
    left, _ = insert_copy(folder, 5)
    left.splice(904, len(left.data), ())
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict


def test_a_few_packets_are_what_the_rest_of_a_recording_without_its_header_is() -> None:
    folder = folder_of("sim-chrome-busy")
    first = folder.uploads[0]
    first.splice(0, 7115, ())
    outcome = outcome_of(folder, bare=True)
    assert outcome.is_right, outcome.verdict


@pytest.mark.parametrize("has_header", [True, False])
def test_what_is_left_of_a_packet_of_silence_is_no_other_kind_of_sound(*, has_header: bool) -> None:
    """Its last bytes are those with which frames of MPEG sound begin."""
    folder = folder_of("chrome-silence/0")
    hurt = folder.uploads[3 if has_header else 0]
    hurt.splice(0, hurt.data.index(b"\xff\xfe\xa3", 400), ())
    assert hurt.data.startswith(b"\xff\xfe\xa3")
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict


# -- chunks that were set aside, or put behind another one, against what says better whose they are


def test_a_steady_sound_is_no_seam_of_a_chunk_with_a_later_one() -> None:
    folder = folder_of("firefox-pause/0")
    folder.uploads[6].splice(0, 35_257, ())
    outcome = outcome_of(folder, bare=True)
    assert outcome.is_right, outcome.verdict
    assert "chunk-overlap" not in {code for code, _ in codes(outcome)}


def test_a_chunk_whose_pages_name_the_stream_is_not_foreign() -> None:
    folder = folder_of("firefox-ogg/0")
    folder.uploads[2].stored = False
    folder.uploads[0].pieces, folder.uploads[0].source = foreign(folder, "sim-ogg", 3), 1
    for number, upload in zip((2, 1, 3, 4, 5), (*folder.uploads[1:2], *folder.uploads[3:]), strict=True):
        upload.seq = number
    outcome = outcome_of(folder, bare=True)
    assert outcome.is_right, outcome.verdict
    assert not outcome.verdict.lost


def test_the_number_of_a_short_last_fragment_says_that_its_time_is_off_by_a_bit() -> None:
    folder = folder_of("chrome-mp4-opus/0")
    flip(folder, folder.uploads[6], "tfdt", 3, byte=0)
    swap(folder.uploads[4], folder.uploads[6])
    folder.uploads[1].seq = 46
    outcome = outcome_of(folder, bare=True)
    assert outcome.is_right, outcome.verdict


def test_a_second_recorders_chunks_stay_together_where_the_list_has_none_of_them() -> None:
    folder = folder_of("chrome-silence/0")
    for upload in folder.uploads[:3]:
        replace_all(upload, HTML)
    second_recorder(folder, "demo/1", [1, 2, 4, 6, 8, 10])
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict


def test_kinds_of_packets_tell_two_recorders_apart_where_the_header_of_one_is_between() -> None:
    folder = folder_of("sim-mp4")
    flip(folder, folder.uploads[6], "tfdt", 3, byte=0)
    folder.uploads[2].splice(0, 5037, ())
    second_recorder(folder, "chrome-mp4-opus/0", [*range(9, 16)])
    swap(folder.uploads[1], folder.uploads[6])
    outcome = outcome_of(folder, bare=True)
    assert outcome.is_right, outcome.verdict


def test_a_cut_first_blob_without_notes_is_a_copy_of_the_whole_one_behind_it() -> None:
    folder = folder_of("demo/0")
    own, _ = insert_copy(folder, 0)
    own.splice(37_669, len(own.data), ())
    before, after = folder.uploads[0], folder.uploads[1]
    after.splice(0, 0, [Piece(recording("demo/0").blobs[0][-162:], 0, after.pieces[0].start - 162, tag=2)])
    assert before is own
    outcome = outcome_of(folder, bare=True)
    assert outcome.is_right, outcome.verdict
    assert "upload-unwrapped" not in {code for code, _ in codes(outcome)}


def test_a_header_alone_is_not_of_the_strangers_chunk_behind_it() -> None:
    folder = folder_of("chrome-mp4-opus/0")
    for number in (1, 6):
        folder.uploads[number].pieces = foreign(folder, "sim-mp4", number)
        folder.uploads[number].source = len(folder.recordings) - 1
    outcome = outcome_of(folder, bare=True)
    assert outcome.is_right, outcome.verdict
    assert {("chunk-foreign", 1), ("chunk-foreign", 6)} <= codes(outcome)
