"""What the numbers in the names of chunks say: which are missing, and when they are times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import chunk_ref

from sessiontool.documents.models import ChunkEntry, PartEntry
from sessiontool.recording.sequence import (
    are_times,
    by_part,
    missing_numbers,
    moved,
    part_entry,
    places_of,
    rows,
    taken_by_moved,
    with_numbers_of,
)

if TYPE_CHECKING:
    from sessiontool.model import ChunkRef


def noted(*seqs: int, empty: tuple[int, ...] = ()) -> PartEntry:
    return PartEntry(part="0", chunks=[ChunkEntry(seq=seq, bytes=0 if seq in empty else None) for seq in seqs])


@pytest.mark.parametrize(
    ("present", "entry", "missing"),
    [
        ([0, 1, 2], None, []),
        ([1, 2, 3], None, []),  # numbered from 1
        ([2, 3], None, [0, 1]),
        ([0, 1, 4], None, [2, 3]),
        ([0, 2, 4], None, [1, 3]),
        ([7], None, [0, 1, 2, 3, 4, 5, 6]),
        ([], None, []),
        ([0, 1, 2], noted(0, 1, 2), []),
        ([1, 2], noted(0, 1, 2), [0]),
        ([0, 1], noted(0, 1, 2, 3), [2, 3]),
        ([5, 6], noted(5, 6), []),  # numbered through all parts
        ([6], noted(5, 6, 7), [5, 7]),
        ([0, 1, 2], noted(1, 2), []),
        ([0, 1, 2, 3], noted(0, 1), []),  # the list was not written to its end
        ([0, 2], noted(0, 1, 2, empty=(1,)), []),  # an empty blob needs no upload
        ([], noted(0, 1), []),
        ([1717236005875, 1717236007907, 1717236009947], None, []),  # Date.now()
        ([1717236005, 1717236010], None, []),  # seconds
        ([5043, 10083, 15120], None, []),  # performance.now()
    ],
)
def test_the_numbers_that_are_missing(present: list[int], entry: PartEntry | None, missing: list[int]) -> None:
    assert missing_numbers([chunk_ref(seq) for seq in present], entry) == missing


@given(st.integers(0, 1), st.integers(1, 40), st.data())
def test_what_is_missing_is_what_was_taken_out(first: int, count: int, data: st.DataObject) -> None:
    every = range(first, first + count)
    present = sorted(data.draw(st.sets(st.sampled_from(every), min_size=1)))
    chunks = [chunk_ref(seq) for seq in present]
    found = missing_numbers(chunks, noted(*every))
    assert found == [seq for seq in every if seq not in present]
    for index, seqs in places_of(found, chunks, ()).items():
        assert all(seq < present[index] for seq in seqs) if index < len(present) else min(seqs) > present[-1]


def test_numbers_that_are_absurdly_far_apart_are_not_counted_out() -> None:
    huge = 10**17
    assert missing_numbers([chunk_ref(0), chunk_ref(huge)], None) == []
    assert missing_numbers([chunk_ref(0), chunk_ref(huge)], noted(0, 3, huge)) == [3]


def test_what_the_recorder_counted_is_no_time() -> None:
    chunks = [chunk_ref(100), chunk_ref(200)]
    assert are_times(chunks)
    assert not are_times([chunk_ref(0), chunk_ref(1)])
    assert not are_times([])
    assert missing_numbers(chunks, noted(100, 150, 200)) == [150]


def test_blobs_that_were_counted_are_found_under_their_times() -> None:
    chunks = [chunk_ref(1717236005875, 10), chunk_ref(1717236007907, 20)]
    entry = PartEntry(part="0", chunks=[ChunkEntry(seq=seq, bytes=10 * seq + 10) for seq in (0, 1)])
    found = with_numbers_of(entry, chunks)
    assert found is not None
    assert [(chunk.seq, chunk.bytes) for chunk in found.chunks] == [(1717236005875, 10), (1717236007907, 20)]
    assert missing_numbers(chunks, found) == []
    assert with_numbers_of(entry, chunks[:1]) is entry
    assert missing_numbers(chunks, noted(0, 1, 2)) == []


def test_a_chunk_that_was_moved_says_nothing_of_where_a_number_belongs() -> None:
    order = [chunk_ref(0), chunk_ref(9), chunk_ref(1), chunk_ref(3)]
    assert places_of([2], order, [order[1]]) == {3: [2]}
    assert places_of([2], order, []) == {1: [2]}


def test_numbers_in_a_row_are_together() -> None:
    assert rows([1, 2, 3, 7, 9, 10]) == [[1, 2, 3], [7], [9, 10]]
    assert rows([]) == []


def test_parts_are_compared_as_numbers() -> None:
    entries = [PartEntry(part="1"), PartEntry(part="00"), PartEntry(part="a")]
    assert part_entry(entries, "001") is entries[0]
    assert part_entry(entries, "0") is entries[1]
    assert part_entry(entries, "a") is entries[2]
    assert part_entry(entries, "b") is None
    listed = [chunk_ref(0, part="0"), chunk_ref(0, part="1"), chunk_ref(1, part="0")]
    assert [(part, [c.seq for c in chunks]) for part, chunks in by_part(listed)] == [("0", [0, 1]), ("1", [0])]


def by_number(*numbers: int) -> list[ChunkRef]:
    return [chunk_ref(seq) for seq in numbers]


def test_a_missing_number_belongs_where_something_is_missing_beside_chunks_that_were_moved() -> None:
    order = by_number(0, 1, 2, 1005, 5, 6)
    moved_ones = [order[3]]
    assert places_of([3], order, moved_ones) == {4: [3]}
    assert places_of([3], order, moved_ones, lambda index: index != 3) == {3: [3]}
    assert places_of([7], order, moved_ones, lambda index: index != 3) == {6: [7]}


@pytest.mark.parametrize(
    ("numbers", "moved_ones", "gaps", "taken"),
    [
        ([0, 1, 2, 1005, 5], {1005}, {3}, {4}),  # it goes on with 5: it is 4, and 3 is missing
        ([0, 1, 2, 1005, 5], {1005}, {4}, {3}),  # it goes on with 2
        ([0, 1, 2, 1005, 5], {1005}, {3, 4}, set()),  # with neither
        ([0, 901, 902, 3], {901, 902}, set(), {1, 2}),
        ([900, 1, 2], {900}, set(), {0}),
        ([0, 1, 2], set(), set(), set()),
    ],
)
def test_a_chunk_with_a_wrong_number_takes_the_one_that_it_must_have_had(
    numbers: list[int], moved_ones: set[int], gaps: set[int], taken: set[int]
) -> None:
    order = by_number(*numbers)
    found = taken_by_moved(order, [one for one in order if one.seq in moved_ones], lambda index: index not in gaps)
    assert found == taken


def test_a_number_far_beyond_all_others_is_the_wrong_one() -> None:
    assert [one.seq for one in moved(by_number(0, 1, 2, 1005, 6))] == [1005]
    assert {one.seq for one in moved(by_number(0, 1, 2, 4, 3))} == {3, 4}
    assert {one.seq for one in moved(by_number(5000, 10_000, 20_000, 15_000))} == {15_000, 20_000}
