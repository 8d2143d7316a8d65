"""Which order of chunks all testimonies together are for, where one of them is wrong or two chunks fit a place."""

from __future__ import annotations

from array import array
from typing import NamedTuple

import pytest
from recordings import chunk_ref

from sessiontool.recording.ordering import order_chunks
from sessiontool.recording.survey import ChunkSurvey, Dialect


class Row(NamedTuple):
    """A chunk by its number: where it begins by its clock (None: that is not in it) and how long it lasts, in ms.

    `head_ms` and `tail_ms`: how far its ends are from the beginning of their clusters.
    """

    seq: int
    start_ms: float | None
    length_ms: int
    head_ms: float
    tail_ms: float


def surveyed(row: Row) -> ChunkSurvey:
    count = row.length_ms // 60
    found = ChunkSurvey(chunk_ref(row.seq, 1000), str(row), 1000, has_header=row.start_ms == 0)
    found.dialect, found.kinds = Dialect("WebmDemuxer", 1, 2880), frozenset({63})
    found.digests, found.durations = array("Q", range(count)), array("q", [2880] * count)
    found.start_ms = row.start_ms
    found.end_ms = None if row.start_ms is None else row.start_ms + row.length_ms
    found.head_ms, found.tail_ms = row.head_ms, row.tail_ms
    return found


FIRST, SECOND = Row(0, 0, 4980, 0, 4980), Row(1, 4980, 5040, 4980, 4980)


@pytest.mark.parametrize(
    ("rows", "order", "foreign"),
    [
        pytest.param(
            [FIRST, SECOND, Row(2, 10150, 1020, 962, 960), Row(3, 10020, 5040, 4980, 4980)],
            [0, 1, 3],
            [2],
            id="a foreign chunk between two that follow one another",
        ),
        pytest.param(
            [
                FIRST,
                SECOND,
                Row(3, 14230, 1020, 952, 960),
                Row(4, 15060, 5040, 4980, 4980),
                Row(1004, 10020, 5040, 4980, 4980),
            ],
            [0, 1, 1004, 4],
            [3],
            id="a foreign chunk in the gap of one whose number is far off",
        ),
        pytest.param(
            [
                FIRST,
                SECOND._replace(length_ms=5520, tail_ms=310),
                Row(2, None, 4680, 302, 4983),
                Row(3, 15060, 5580, 4996, 480),
                Row(4, 20640, 5040, 500, 540),
                Row(5, 9960, 5100, 4920, 4980),
            ],
            [0, 1, 2, 3, 4],
            [5],
            id="a foreign chunk at the time of one without a clock",
        ),
    ],
)
def test_one_wrong_testimony_is_outvoted(rows: list[Row], order: list[int], foreign: list[int]) -> None:
    numbers = [row.seq for row in rows]
    missing = sorted(set(range(numbers[-1])) - set(numbers))
    found = order_chunks([surveyed(row) for row in rows], lambda _: False, lambda _: False, missing)
    assert [one.chunk.seq for one in found.chains[0].chunks] == order
    assert [one.chunk.seq for one in found.foreign] == foreign
