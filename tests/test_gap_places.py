"""By which chunk a gap in the sound is named: the missing ones where they have numbers, else the one that it is at."""

from __future__ import annotations

import pytest
from recordings import chunk_ref

from sessiontool.recording.gap_places import GapPlace, JoinedOrder, Silence

CHUNKS = [chunk_ref(seq) for seq in (0, 1, 4, 5)]
PACKETS = 10


def place(packets: int, *, at_end: bool = False, damaged: int | None = None) -> GapPlace | None:
    """Of a gap behind so many packets: of chunks 0, 1, 4 and 5, where 2 and 3 are missing, and 6 behind them."""
    order = JoinedOrder(silences={480: Silence(packets, at_end)})
    for chunk in CHUNKS:
        order.add(chunk, PACKETS // 2, 0)
        order.add(chunk, PACKETS // 2, 0)
    order.lost_before[CHUNKS[2]] = (2, 3)
    order.lost_after[CHUNKS[3]] = (6,)
    return order.place_of(480, {chunk: "damaged" if chunk.seq == damaged else "ok" for chunk in CHUNKS})


@pytest.mark.parametrize(
    ("packets", "seq", "words"),
    [
        (0, 0, "before chunk 0"),
        (5, 0, "in chunk 0"),
        (10, 1, "before chunk 1"),
        (20, 2, "of chunks 2 to 3"),
        (30, 5, "before chunk 5"),
        (33, 5, "in chunk 5"),
    ],
)
def test_a_gap_is_named_by_what_is_missing_or_where_it_is(packets: int, seq: int, words: str) -> None:
    assert place(packets) == GapPlace("0", seq, words)


def test_a_gap_at_the_end_is_of_what_comes_behind() -> None:
    assert place(40, at_end=True) == GapPlace("0", 6, "of chunk 6")
    assert place(10, at_end=True) == GapPlace("0", 0, "after chunk 0"), "where another part follows"


def test_between_a_damaged_chunk_and_a_whole_one_it_is_the_damaged_ones() -> None:
    assert place(30, damaged=4) == GapPlace("0", 4, "in chunk 4")
    assert place(30, damaged=5) == GapPlace("0", 5, "before chunk 5")
    assert place(20, damaged=1) == GapPlace("0", 2, "of chunks 2 to 3"), "a missing chunk explains more"


def test_where_nothing_is_known_of_a_gap_it_has_no_name() -> None:
    assert JoinedOrder().place_of(480, {}) is None
    assert JoinedOrder(silences={480: Silence(0, at_end=False)}).place_of(480, {}) is None


def test_chunks_of_slices_get_their_own_names() -> None:
    order = JoinedOrder(silences={0: Silence(0, at_end=False)})
    order.add(chunk_ref(7), PACKETS, 0)
    order.lost_before[chunk_ref(7)] = (6,)
    order.rename({chunk_ref(7): chunk_ref(0, part="7")})
    assert order.place_of(0, {}) == GapPlace("7", 6, "of chunk 6")
