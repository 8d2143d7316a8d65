"""What chunks say of one another where one of them lies: kinds of faults that the random judge found.

Each is done by hand to a recording of its pool, and was wrong before: by what is judged here, or without a word.
"""

from __future__ import annotations

from random import Random

import pytest
from random_folder import Folder, Piece, Upload
from test_fault_kinds import codes, flip, folder_of, foreign, outcome_of, replace_all, swap

HTML = b"<html>502</html>" * 9


def insert(folder: Folder, seq: int, pieces: list[Piece]) -> Upload:
    """A file that no recorder noted, at a number; those from there on move up by one."""
    upload = Upload(seq, pieces[0].source, -1, pieces, None)
    folder.insert(upload)
    return upload


def copy_of(folder: Folder, upload: Upload) -> Upload:
    """The upload once more, with its note, under the next number."""
    again = Upload(upload.seq + 1, 0, upload.index, [*upload.pieces], upload.note, copy=True)
    folder.insert(again)
    return again


def overwrite(upload: Upload, start: int, data: bytes) -> None:
    upload.splice(start, start + len(data), [Piece(data, tag=1)])


def send_again(before: Upload, upload: Upload, count: int) -> None:
    """The last bytes of the chunk before, sent again before those of a chunk."""
    tail = before.pieces[-1]
    upload.splice(0, 0, [tail.cut(len(tail.data) - count, len(tail.data))])


# -- a stranger between chunks that go on with one another


@pytest.mark.parametrize("index", [0, 2, 4])
def test_a_stranger_without_a_base_behind_a_beginning_that_was_cut(index: int) -> None:
    """The seam that it lies in says that nothing was there: it was joined, and nothing said."""
    folder = folder_of("demo/1")
    folder.uploads[index].splice(0, 13_471, ())
    insert(folder, index + 1, foreign(folder, "chrome-pause/0", 8))
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict
    assert ("chunk-foreign", index + 1) in codes(outcome)


def test_what_is_missing_is_not_missing_of_a_stranger_in_between_too() -> None:
    folder = folder_of("sim-mp4")
    for index in (6, 7):
        folder.uploads[index].stored = False
    insert(folder, 6, foreign(folder, "sim-ogg", 0))
    outcome = outcome_of(folder, bare=True)
    lost = [finding["lost_ms"] for finding in outcome.findings if finding["code"] == "sound-lost"]
    assert outcome.is_right
    assert len(lost) == 1
    assert 5900 < lost[0] < 6200


def test_what_was_noted_is_no_part_of_another_recorder_s_run() -> None:
    """Of one of two recorders, two chunks are left that do not touch."""
    folder = folder_of("chrome-silence/0")
    other = [foreign(folder, "demo/2", 0), *([] for _ in range(5))]
    recording = folder.recordings[1]
    other = [[Piece(blob, 1, start)] for blob, start in zip(recording.blobs, recording.starts(), strict=False)]
    own = list(folder.uploads)
    for upload in own:
        upload.seq = 2 * upload.seq + 1
    folder.uploads += [Upload(2 * index, 1, index, pieces, None) for index, pieces in enumerate(other)]
    folder.whole_second = 1
    own[0].stored = own[4].stored = False
    for upload in own[2:4]:
        replace_all(upload, HTML)
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict


# -- silence, of which all packets are alike


@pytest.mark.parametrize("hurt_first", [True, False])
@pytest.mark.parametrize("start", [0, 42, 161])
def test_a_copy_of_the_first_chunk_of_silence_whose_header_or_base_is_damaged(start: int, *, hurt_first: bool) -> None:
    """It was a recording of its own, and its 5 s of silence were joined twice."""
    folder = folder_of("chrome-silence/0")
    first = folder.uploads[0]
    again = copy_of(folder, first)
    overwrite(first if hurt_first else again, start, bytes(600))
    outcome = outcome_of(folder, bare=True)
    assert outcome.is_right, outcome.verdict
    assert {"chunk-near-duplicate"} & {code for code, _ in codes(outcome)}


def test_a_damaged_copy_of_silence_that_begins_with_bytes_of_the_chunk_before() -> None:
    folder = folder_of("chrome-silence/0")
    before, upload = folder.uploads[2:4]
    copy_of(folder, upload)
    overwrite(upload, 843, bytes(148))
    send_again(before, upload, 1027)
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict
    assert ("chunk-near-duplicate", 3) in codes(outcome)


@pytest.mark.parametrize("counts", [(479, 8), (8, 479), (300, 200, 12)])
@pytest.mark.parametrize("is_moved", [False, True])
def test_silence_that_begins_with_several_ends_of_the_chunk_before(counts: tuple[int, ...], *, is_moved: bool) -> None:
    folder = folder_of("chrome-silence/0")
    before, upload = folder.uploads[:2]
    for count in counts:
        send_again(before, upload, count)
    if is_moved:
        swap(upload, folder.uploads[4])
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict


# -- what a chunk's neighbours say of its clock and of its ends


@pytest.mark.parametrize("bit", [0, 2])
def test_a_wrong_base_of_the_first_cluster_that_is_left_is_outvoted_beside_a_loss(bit: int) -> None:
    """The head of the next chunk counts from it, and is no second testimony."""
    folder = folder_of("demo/1")
    folder.uploads[0].stored = False
    flip(folder, folder.uploads[1], "cluster-time", bit, byte=-2)
    folder.uploads[3].splice(0, 29_517, ())
    outcome = outcome_of(folder, bare=True)
    assert outcome.is_right, outcome.verdict
    assert ("cluster-time-wrong", 1) in codes(outcome)


def test_a_wrong_base_of_a_chunk_s_last_cluster_pushes_no_chunk_out() -> None:
    folder = folder_of("firefox-pause/0")
    own, upload = folder.recordings[0], folder.uploads[5]
    piece = upload.pieces[0]
    spot = own.spots_within("cluster-time", piece.start, piece.end)[-1]
    at = spot[1] - 2 - piece.start
    overwrite(upload, at, bytes([upload.data[at] ^ 1 << 7]))
    upload = folder.uploads[6]
    upload.pieces, upload.source = foreign(folder, "sim-mp4", 6), 1
    outcome = outcome_of(folder, bare=True)
    assert outcome.is_right, outcome.verdict


@pytest.mark.parametrize("index", [3, 4])
def test_what_is_left_of_a_chunk_goes_on_in_the_next_one_past_a_stranger(index: int) -> None:
    """A stranger that was not noted has the place of nothing; beside a page that dropped sound it moved 40 ms."""
    folder = folder_of("sim-chrome-starved")
    upload = folder.uploads[index]
    upload.splice(0, len(upload.data) - 1584, ())
    insert(folder, index + 1, foreign(folder, "firefox-pause/0", 0))
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict


@pytest.mark.parametrize("index", [2, 3])
def test_a_chunk_that_lost_whole_packets_at_its_beginning_has_its_end(index: int) -> None:
    """It begins with a packet and ends in a block that the next one goes on with: it was taken to be cut there."""
    folder = folder_of("sim-chrome-starved")
    own, upload = folder.recordings[0], folder.uploads[index]
    piece = upload.pieces[0]
    starts = [packet.outer[0] - piece.start for packet in own.packets]
    upload.splice(0, next(at for at in starts if at >= 3900), ())
    upload.noted_seq = upload.seq
    before = folder.uploads[index - 1]
    before.noted_seq, before.seq = before.seq, 123_464
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict
    assert ("chunk-truncated", index) in codes(outcome)


@pytest.mark.parametrize("kept", [531, 2000])
def test_an_ogg_page_that_was_cut_is_where_it_began(kept: int) -> None:
    """The last chunk came when it was whole: what is left of it was put at its end."""
    folder = folder_of("sim-ogg")
    upload = folder.uploads[6]
    upload.pieces, upload.source = foreign(folder, "chrome-mono/0", 5), 1
    upload = folder.uploads[7]
    upload.splice(kept, len(upload.data), ())
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict


def test_a_chunk_behind_bytes_of_a_lost_one_is_what_was_noted_of_it() -> None:
    """With them it is as long as another one that is lost, and was put there."""
    folder = folder_of("sim-mp4")
    lost, upload = folder.uploads[7:9]
    send_again(lost, upload, len(folder.uploads[2].data) - len(upload.data))
    for index in (2, 4):
        replace_all(folder.uploads[index], HTML)
    lost.stored, lost.note = False, None
    folder.shift(8, -1)
    outcome = outcome_of(folder, bare=False)
    assert outcome.is_right, outcome.verdict
    assert ("chunk-size", 7) in codes(outcome)


# -- what is there, and what is lost


def test_what_is_left_of_a_first_chunk_is_right_before_the_second_past_a_stranger() -> None:
    folder = folder_of("sim-firefox-mono")
    cut = folder.uploads[0]
    cut.splice(0, len(cut.data) - 400, ())
    insert(folder, 1, foreign(folder, "demo/1", 1))
    assert outcome_of(folder, bare=False).is_right


def test_forty_numbers_are_not_what_four_seconds_miss() -> None:
    """The last chunk goes on in the cluster before, its number is far off, and its own cluster has a wrong bit."""
    folder = folder_of("demo/0")
    flip(folder, folder.uploads[-1], "cluster-time", 4, byte=-2)
    folder.uploads[-1].seq = 45
    outcome = outcome_of(folder, bare=True)
    assert outcome.is_right, outcome.verdict
    assert ("cluster-time-wrong", 45) in codes(outcome)


def test_few_packets_before_damage_go_on_with_the_chunk_before() -> None:
    """Too few to prove what they are, in a recording without a header: they were put behind a loss."""
    folder = folder_of("chrome-load/0")
    folder.uploads[0].splice(0, 37_226, ())
    hurt = folder.uploads[7]
    overwrite(hurt, 980, bytes(i * 37 % 251 for i in range(len(hurt.data) - 1038)))
    outcome = outcome_of(folder, bare=True)
    assert outcome.is_right, outcome.verdict


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_a_damaged_copy_of_silence_has_the_clock_of_the_other(seed: int) -> None:
    folder = folder_of("chrome-silence/0")
    copy_of(folder, folder.uploads[2])
    overwrite(folder.uploads[2], 45, Random(seed).randbytes(974))
    outcome = outcome_of(folder, bare=True)
    assert outcome.is_right, outcome.verdict
    assert {code for code, _ in codes(outcome)} >= {"chunk-near-duplicate"}
