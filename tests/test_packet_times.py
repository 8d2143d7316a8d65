"""Single times that are out of the row of their neighbours, and what a busy recorder writes, which is in it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import blobs, chrome, chunk_ref, recorded, recorded_chunks

from sessiontool.media.packets import PacketRun
from sessiontool.recording.packet_times import correct_odd_times, end_ms
from sessiontool.recording.runs import Piece, PieceStream, RecorderRun
from sessiontool.recording.time_map import measure

SAMPLES = 60 * 48
RIGHT = [0, 58, 121, 180, 244, 300, 361, 420]
REAL = ("chrome-1s", "chrome-load", "chrome-pause", "chrome-silence", "firefox-pause")


def run_of(times_ms: list[int], bases: tuple[int, ...] = (0,)) -> PacketRun:
    count = len(times_ms)
    return PacketRun(0, True, False, False, [b""] * count, list(times_ms), [SAMPLES] * count, list(bases))


@given(index=st.integers(1, len(RIGHT) - 2), bit=st.integers(7, 15))
def test_one_bit_of_a_time_is_put_right_by_its_neighbours(index: int, bit: int) -> None:
    wrong = list(RIGHT)
    wrong[index] ^= 1 << bit
    made = run_of(wrong)
    (off_ms,) = correct_odd_times(made)
    assert abs(off_ms - (wrong[index] - RIGHT[index])) <= 10
    assert all(abs(time - right) <= 10 for time, right in zip(made.times_ms, RIGHT, strict=True))


def test_a_last_time_that_runs_back_is_put_right() -> None:
    made = run_of([*RIGHT[:-1], RIGHT[-1] - 32_768])
    assert correct_odd_times(made)
    assert made.times_ms[-1] == RIGHT[-2] + 60


@pytest.mark.parametrize(
    ("times_ms", "bases"),
    [
        ([0, 58, 121, 400, 401, 402, 420, 430], (0,)),  # a busy page hands several packets over at once
        ([0, 58, 121, 180, 5180, 5244, 5300, 5361], (0,)),  # the machine slept
        ([4000, 4060, 100, 160, 220], (0, 2)),  # a wrong cluster: its base decides
        ([4000, 4060, 100, 4180], (0, 2, 3)),  # so it is with one packet in a cluster
    ],
)
def test_what_is_no_single_time_is_left(times_ms: list[int], bases: tuple[int, ...]) -> None:
    made = run_of(times_ms, bases)
    assert not correct_odd_times(made)
    assert made.times_ms == times_ms


@pytest.mark.parametrize("session_id", REAL)
def test_no_time_of_a_real_recording_is_odd(session_id: str) -> None:
    times_ms = [block.time_ms for block in recorded(session_id).blocks]
    assert all(a <= b for a, b in pairwise(times_ms))
    data_of = {chunk_ref(seq, len(data)): data for seq, data in enumerate(recorded_chunks(session_id))}
    stream = PieceStream(RecorderRun("0", "0", [Piece(ref) for ref in data_of], None), data_of.__getitem__)
    assert sum(len(packets.payloads) for fed in stream for packets in fed.packets) == len(times_ms)
    assert not stream.corrected


def test_a_wrong_time_of_a_block_is_a_finding_that_names_its_chunk() -> None:
    whole = chrome(84 * 3, cluster_packets=84)
    block = whole.blocks[120]
    data = bytearray(whole.data)
    data[block.end - len(block.payload) - 3] ^= 4  # 1,024 ms
    chunks = blobs(type(whole)(bytes(data), whole.blocks), 84)
    data_of = {chunk_ref(seq, len(chunk)): chunk for seq, chunk in enumerate(chunks)}
    run = RecorderRun("0", "0", [Piece(ref) for ref in data_of], None)
    measure(run, data_of.__getitem__)
    assert [(finding.code, finding.seq) for finding in run.findings] == [("cluster-time-wrong", 1)]


def test_the_end_is_that_of_the_last_few() -> None:
    assert end_ms(RIGHT, [SAMPLES] * len(RIGHT)) == pytest.approx(480, abs=5)
    assert end_ms([*RIGHT[:-1], 9999], [SAMPLES] * len(RIGHT)) == pytest.approx(480, abs=5)
