"""What is missing, what differs from the recorder's notes, and where packets belong whose cluster was lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import chrome, chunk_ref, pairs, read_pairs

from sessiontool.documents.models import ChunkEntry, PartEntry, PauseEntry
from sessiontool.joining.continuity import (
    Emissions,
    Placer,
    by_part,
    cut_finding,
    damage_findings,
    duplicate_finding,
    foreign_finding,
    manifest_finding,
    missing_before,
    missing_finding,
    order_finding,
    part_entry,
    unnumbered_finding,
)
from sessiontool.webm.packets import Damage, Packets
from sessiontool.webm.reader import WebmReader

FREE = settings(deadline=None, max_examples=60)


def noted(*seqs: int) -> PartEntry:
    return PartEntry(part="0", chunks=[ChunkEntry(seq=seq) for seq in seqs])


# -- numbers


@pytest.mark.parametrize(
    ("present", "entry", "missing"),
    [
        ([0, 1, 2], None, {}),
        ([1, 2, 3], None, {}),  # numbered from 1
        ([2, 3], None, {0: [0, 1]}),
        ([0, 1, 4], None, {2: [2, 3]}),
        ([0, 2, 4], None, {1: [1], 2: [3]}),
        ([7], None, {0: [0, 1, 2, 3, 4, 5, 6]}),
        ([], None, {}),
        ([0, 1, 2], noted(0, 1, 2), {}),
        ([1, 2], noted(0, 1, 2), {0: [0]}),
        ([0, 1], noted(0, 1, 2, 3), {2: [2, 3]}),
        ([5, 6], noted(5, 6), {}),  # numbered through all parts
        ([6], noted(5, 6, 7), {0: [5], 1: [7]}),
        ([0, 1, 2], noted(1, 2), {}),
        ([0, 1, 2, 3], noted(0, 1), {}),  # the list was not written to its end
        ([], noted(0, 1), {0: [0, 1]}),
    ],
)
def test_the_numbers_that_are_missing(
    present: list[int], entry: PartEntry | None, missing: dict[int, list[int]]
) -> None:
    assert missing_before([chunk_ref(seq) for seq in present], entry) == missing


@given(st.integers(0, 1), st.integers(1, 40), st.data())
def test_what_is_missing_is_what_was_taken_out(first: int, count: int, data: st.DataObject) -> None:
    every = range(first, first + count)
    present = sorted(data.draw(st.sets(st.sampled_from(every), min_size=1)))
    found = missing_before([chunk_ref(seq) for seq in present], noted(*every))
    assert sorted(seq for seqs in found.values() for seq in seqs) == [seq for seq in every if seq not in present]
    for index, seqs in found.items():
        assert all(seq < present[index] for seq in seqs) if index < len(present) else min(seqs) > present[-1]


def test_numbers_that_lie_absurdly_far_apart_are_not_counted_out() -> None:
    huge = 10**17
    assert missing_before([chunk_ref(0), chunk_ref(huge)], None) == {}
    assert missing_before([chunk_ref(0), chunk_ref(huge)], noted(0, 3, huge)) == {1: [3]}


def test_parts_are_compared_as_numbers() -> None:
    entries = [PartEntry(part="1"), PartEntry(part="00"), PartEntry(part="a")]
    assert part_entry(entries, "001") is entries[0]
    assert part_entry(entries, "0") is entries[1]
    assert part_entry(entries, "a") is entries[2]
    assert part_entry(entries, "b") is None
    listed = [chunk_ref(0, part="0"), chunk_ref(0, part="1"), chunk_ref(1, part="0")]
    assert [(part, [c.seq for c in chunks]) for part, chunks in by_part(listed)] == [("0", [0, 1]), ("1", [0])]


# -- the recorder's list


@pytest.mark.parametrize(
    ("entry", "code", "told"),
    [
        (None, None, ""),
        (ChunkEntry(seq=3), None, ""),
        (ChunkEntry(seq=3, bytes=1000, sha256="AB" * 32), None, ""),
        (ChunkEntry(seq=3, bytes=1500), "chunk-truncated", "500 bytes short"),
        (ChunkEntry(seq=3, bytes=900), "chunk-size", "100 bytes too long"),
        (ChunkEntry(seq=3, bytes=1000, sha256="cd" * 32), "chunk-altered", "SHA-256"),
        (ChunkEntry(seq=3, sha256="cd" * 32), "chunk-altered", "SHA-256"),
    ],
)
def test_a_chunk_is_compared_with_what_was_noted(entry: ChunkEntry | None, code: str | None, told: str) -> None:
    finding = manifest_finding(chunk_ref(3, 1000), "ab" * 32, entry)
    assert (finding.code if finding else None) == code
    if finding:
        assert told in finding.message
        assert (finding.part, finding.seq, finding.severity) == ("0", 3, "error")


@pytest.mark.parametrize(
    "finding",
    [
        missing_finding("0", [3]),
        unnumbered_finding(chunk_ref(3), 5040),
        duplicate_finding(chunk_ref(3), chunk_ref(2), same=True),
        duplicate_finding(chunk_ref(3), chunk_ref(3), same=False),
        order_finding(chunk_ref(3)),
        foreign_finding(chunk_ref(3), "0+1"),
        *damage_findings([Damage(117, 900, "no element id")], chunk_ref(3), 100),
        cut_finding(chunk_ref(3), 120),
    ],
    ids=lambda finding: finding.code,
)
def test_a_finding_names_the_chunk_and_the_next_step(finding: object) -> None:
    from sessiontool.values import Finding

    assert isinstance(finding, Finding)
    assert (finding.part, finding.seq) == ("0", 3)
    assert "3" in finding.message
    assert finding.hint


def test_several_missing_chunks_are_one_finding() -> None:
    assert missing_finding("0", [3, 4, 5]).message == "chunks 3 to 5 (3) are missing"


# -- when blobs came


def emissions(*, lag_ms: float = 60, start_ms: float | None = 700, growing_ms: float = 0, pauses: int = 0) -> Emissions:
    """Twelve blobs of 5 s, each handed over `lag_ms` and more and more late after its end.

    All were seen but the last two.
    """
    chunks = [
        ChunkEntry(seq=seq, emitted_ms=700 + (seq + 1) * 5000 + lag_ms + growing_ms * seq + pauses * 4000)
        for seq in range(12)
    ]
    noted_pauses = [PauseEntry(start_ms=710 + number, end_ms=4710 + number) for number in range(pauses)]
    told = Emissions(PartEntry(part="0", start_ms=start_ms, chunks=chunks, pauses=noted_pauses))
    for seq in range(10):
        told.saw(seq, (seq + 1) * 5000)
    return told


@pytest.mark.parametrize("lag_ms", [0, 60, 400])
def test_a_lost_blob_ended_when_it_was_handed_over_less_the_usual_lag(lag_ms: float) -> None:
    told = emissions(lag_ms=lag_ms)
    assert told.end_ms(10) == 55_000
    assert told.end_ms(99) is None


def test_the_recorders_clock_stands_still_in_pauses() -> None:
    assert emissions(pauses=1).end_ms(10) == 55_000


def test_a_blob_that_came_in_a_pause_ended_when_the_pause_began() -> None:
    chunks = [ChunkEntry(seq=seq, emitted_ms=emitted_ms) for seq, emitted_ms in enumerate((5060, 10_060, 14_000))]
    told = Emissions(
        PartEntry(part="0", start_ms=0, chunks=chunks, pauses=[PauseEntry(start_ms=12_000, end_ms=20_000)])
    )
    told.saw(0, 5000)
    told.saw(1, 10_000)
    assert told.end_ms(2) == 12_000 - 60


def test_without_a_start_nothing_is_known() -> None:
    assert emissions(start_ms=None).end_ms(10) is None
    assert Emissions(None).end_ms(0) is None
    assert Emissions(None).unnoticed_ms() == 0


@pytest.mark.parametrize(("growing_ms", "lost"), [(0, False), (5, False), (60, True)])
def test_time_lost_without_a_trace_shows_in_blobs_that_come_later_and_later(growing_ms: float, lost: bool) -> None:
    told = emissions(growing_ms=growing_ms).unnoticed_ms()
    assert (told > 0) == lost
    assert not lost or told == pytest.approx(9 * growing_ms, rel=0.3)


# -- where packets belong


WHOLE = chrome(60, cluster_packets=20)


def runs_after_loss(start: int, end: int) -> tuple[list[Packets], list[Packets]]:
    """What a reader gives before and after the loss of the bytes between two blocks."""
    reader = WebmReader()
    before = reader.feed(WHOLE.data[: WHOLE.blocks[start].offset])
    before += reader.lost("a chunk is missing")
    return before, [*reader.feed(WHOLE.data[WHOLE.blocks[end].offset :]), *reader.close()]


@given(st.integers(1, 20), st.integers(1, 19))
@FREE
def test_packets_without_a_cluster_are_placed_from_the_next_one_backwards(start: int, count: int) -> None:
    end = start + count
    before, after = runs_after_loss(start, end)
    placer = Placer()
    placed = [run for run in (*before, *after) for run in placer.add(run)]
    expected = [*pairs(WHOLE.blocks[:start]), *pairs(WHOLE.blocks[end:])]
    found = read_pairs(placed)
    assert [payload for payload, _ in found] == [payload for payload, _ in expected]
    assert [time_ms for _, time_ms in found] == pytest.approx([time_ms for _, time_ms in expected], abs=10)
    assert not placer.waits
    assert placer.end_ms == WHOLE.blocks[-1].time_ms + 60


def test_where_no_cluster_follows_the_end_decides() -> None:
    _, after = runs_after_loss(10, 45)  # the last cluster begins with packet 40
    placer = Placer()
    assert [run for run in after for run in placer.add(run)] == []
    assert placer.waits
    found = read_pairs(placer.flush(until_ms=3600))
    assert [time_ms for _, time_ms in found] == pytest.approx([b.time_ms for b in WHOLE.blocks[45:]], abs=10)


def test_without_an_end_packets_follow_what_came_before() -> None:
    before, after = runs_after_loss(30, 45)
    placer = Placer()
    for run in before:
        placer.add(run)
    end_ms = placer.end_ms
    assert [run for run in after for run in placer.add(run)] == []
    found = read_pairs(placer.flush())
    assert end_ms is not None
    assert found[0][1] >= end_ms - 100
    assert [payload for payload, _ in found] == [block.payload for block in WHOLE.blocks[45:]]
    assert placer.flush() == []


def test_of_many_damaged_places_the_first_are_named_and_the_rest_counted() -> None:
    damages = [Damage(100 + 50 * number, 10, "no element id") for number in range(1000)]
    found = list(damage_findings(damages, chunk_ref(3), 100))
    assert len(found) == 20
    assert [finding.byte_offset for finding in found] == [50 * number for number in range(20)]
    assert "9,810 bytes in 981 more places" in found[-1].message
