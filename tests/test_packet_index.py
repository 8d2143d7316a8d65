"""Finding the packets of chunks in a recording: in order, and as often as they were recorded.

The judge is a slow search that shares no code with the index: it knows where each packet was put.
"""

from __future__ import annotations

import tracemalloc
from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessiontool.media.opus import silent_packet
from sessiontool.sessions.purge_proof.packet_index import UNKNOWN_TIME, PacketIndex, Unfound

FILL = silent_packet(2)
SILENCE = b"\xff\x03silence of the recorder"


def speech(*numbers: int) -> list[bytes]:
    """Packets that are all different."""
    return [b"\xfc" + number.to_bytes(4, "big") for number in numbers]


class Claims:
    """An index, and a recorder whose clock goes on; `again` is the time of a chunk that is claimed once more."""

    def __init__(self, index: PacketIndex) -> None:
        self.index = index
        self._now = 0

    def claim(self, payloads: list[bytes], again: int | None = None) -> Unfound | None:
        begin = self._now if again is None else again
        self._now = max(self._now, begin + len(payloads))
        return self.index.claim(payloads, range(begin, begin + len(payloads)))


def index_of(packets: list[bytes], *, piece: int = 7) -> Claims:
    return Claims(PacketIndex([packets[at : at + piece] for at in range(0, len(packets), piece)]))


A, B, C = speech(*range(10)), speech(*range(10, 20)), speech(*range(20, 30))


def test_chunks_are_found_one_behind_the_other() -> None:
    index = index_of(A + B + C)
    assert [index.claim(chunk) for chunk in (A, B, C)] == [None] * 3
    assert index.index.claims == 30


def test_silence_that_was_put_in_is_passed_over_wherever_it_is() -> None:
    index = index_of([FILL] * 3 + A[:4] + [FILL] * 200 + A[4:] + [FILL] + B + [FILL] * 9)
    assert [index.claim(chunk) for chunk in (A, B)] == [None] * 2


def test_recorded_silence_that_is_like_the_filling_is_found_beside_it() -> None:
    recorded = [*A[:5], FILL, FILL, *A[5:]]
    index = index_of([*A[:5], *[FILL] * 9, *A[5:]])
    assert index.claim(recorded) is None
    assert index_of(A).claim(recorded) is not None


def test_chunks_that_come_in_another_order_are_found() -> None:
    index = index_of(A + B + C)
    assert [index.claim(chunk) for chunk in (C, A, B)] == [None] * 3


def test_a_packet_that_is_not_there_is_named() -> None:
    index = index_of(A + B)
    wrong = [*B[:3], b"\xfcanother", *B[4:8], b"\xfcone more", *B[9:]]
    assert index.claim(A) is None
    missing = index.claim(wrong)
    assert missing is not None
    assert (missing.first, missing.packets, missing.reason) == (3, 2, "not in the recording")
    assert index.claim(C) == Unfound(0, 10, "not in the recording")
    assert index.index.claims == 10


def test_packets_in_another_order_are_not_the_chunks() -> None:
    index = index_of(A[:4] + A[6:] + A[4:6])
    missing = index.claim(A)
    assert missing is not None
    assert missing.first == 6
    assert "order" in missing.reason


@pytest.mark.parametrize("there", [0, 1, 49, 99])
def test_silence_is_counted_and_not_only_known(there: int) -> None:
    """Two chunks of 50 silent packets each: 99 in the recording are one too few."""
    index = index_of([*A, *[SILENCE] * there, *B])
    found = [index.claim(chunk) for chunk in (A, [SILENCE] * 50, [SILENCE] * 50, B)]
    assert (found[0], found[3]) == (None, None)
    assert [one is None for one in found[1:3]] == [there >= 50, False]


def test_silence_elsewhere_is_not_that_of_a_chunk_between_two_others() -> None:
    index = index_of([*A, *B, *[SILENCE] * 50])
    assert index.claim(A[:5] + [SILENCE] * 5 + A[5:]) is not None
    assert index.claim(B) is None


def test_a_copy_is_found_where_the_first_one_is() -> None:
    index = index_of(A + B)
    assert [index.claim(chunk) for chunk in (A, B)] == [None] * 2
    assert index.claim([*A[5:], *B], again=5) is None  # cut elsewhere, as when an upload is made again
    assert index.claim([*A[5:], *B], again=6) is not None
    assert index.claim([*A[5:], *B]) is not None


def test_silence_is_a_copy_only_if_it_was_recorded_at_the_same_time() -> None:
    index = index_of([*A, *[SILENCE] * 50, *B])
    assert [index.claim(chunk) for chunk in (A, [SILENCE] * 50, B)] == [None] * 3
    assert index.claim([*A, *[SILENCE] * 50], again=0) is None
    assert index.claim([*[SILENCE] * 2, *B]) is not None
    assert index.claim([*[SILENCE] * 2, *B], again=58) is None
    assert index.claim([*[SILENCE] * 51, *B], again=9) is not None


def test_a_packet_that_only_looks_like_one_elsewhere_is_no_copy() -> None:
    changed = [A[0], *B[1:]]  # a bit of the copy's first packet made it one that was recorded before
    index = index_of(A + B)
    assert [index.claim(chunk) for chunk in (A, B)] == [None] * 2
    found = index.claim(changed, again=10)
    assert found is not None
    assert found.reason == "not in the recording as often, or not in this order"


def test_a_time_that_is_not_known_proves_no_copy() -> None:
    index = PacketIndex([A])
    assert index.claim(A, [UNKNOWN_TIME] * len(A)) is None
    assert index.claim(A, [UNKNOWN_TIME] * len(A)) is not None


def test_a_recording_that_repeats_itself_is_found_however_long() -> None:
    loop = A + B
    index = index_of(loop * 50)
    assert [index.claim(chunk) for chunk in [A, B] * 50] == [None] * 100
    assert index.claim(A) is not None


def test_repeated_packets_in_another_order_are_found_at_places_that_are_free() -> None:
    index = index_of(A + B + A + B)
    assert [index.claim(chunk) for chunk in (B, A, B, A)] == [None] * 4
    assert index.claim(B) is not None


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 12), st.integers(1, 40))
def test_what_was_taken_away_is_never_found(seed: int, chunks: int, kinds: int) -> None:
    """Any recording of few or many kinds of packets, with one packet taken out, put in again elsewhere, or replaced.

    Counted as a bag of packets, what is found is there.
    """
    rng = Random(seed)
    pool = [FILL, SILENCE, *speech(*range(kinds))]
    parts = [[rng.choice(pool) for _ in range(rng.randint(1, 30))] for _ in range(chunks)]
    audio = [packet for part in parts for packet in [*part, *[FILL] * rng.choice((0, 0, 3))]]
    for _ in range(rng.randint(0, 3)):
        taken = audio.pop(rng.randrange(len(audio)))
        if rng.random() < 0.3:
            audio.insert(rng.randint(0, len(audio)), taken)
    rng.shuffle(parts) if rng.random() < 0.3 else None
    index, found = index_of(audio), Counter[bytes]()
    for part in parts:
        if index.claim(part) is None:
            found += Counter(part)
    assert found <= Counter(audio)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32))
def test_what_is_all_there_is_found(seed: int) -> None:
    rng = Random(seed)
    pool = [FILL, SILENCE, *speech(*range(3))]
    parts = [
        [*(rng.choice(pool) for _ in range(rng.randint(0, 30))), *speech(100 + number)]
        for number in range(rng.randint(1, 20))
    ]
    audio = [packet for part in parts for packet in [*part, *[FILL] * rng.choice((0, 0, 40))]]
    index = index_of(audio)
    assert [index.claim(part) for part in parts] == [None] * len(parts)


def test_eight_hours_take_little_memory() -> None:
    packets = speech(*range(200_000))
    tracemalloc.start()
    index = index_of(packets, piece=250)
    assert [index.claim(packets[at : at + 100]) for at in (500, 100)] == [None] * 2
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak / len(packets) * 8 * 180_000 < 100e6
