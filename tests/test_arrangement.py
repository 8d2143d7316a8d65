"""Which order of chunks all testimonies together are for, where one of them is wrong or two chunks fit a place."""

from __future__ import annotations

import cProfile
from array import array
from typing import TYPE_CHECKING, NamedTuple

import pytest
from recordings import chunk_ref

from sessiontool.media.packets import Damage
from sessiontool.recording.arrangement import Arrangement
from sessiontool.recording.chunk_clocks import Handed
from sessiontool.recording.ordering import order_chunks
from sessiontool.recording.recorders import Chain
from sessiontool.recording.seam_costs import SeamCosts
from sessiontool.recording.survey import ChunkSurvey, Dialect

if TYPE_CHECKING:
    from collections.abc import Sequence


class Row(NamedTuple):
    """A chunk by its number: where it begins by its clock (None: that is not in it) and how long it lasts, in ms.

    `head_ms` and `tail_ms`: how far its ends are from the beginning of their clusters.  Its end may be `cut` off; it
    may be several `chunks` that go on with one another, with several `bases` of times.
    """

    seq: int
    start_ms: float | None
    length_ms: int
    head_ms: float
    tail_ms: float
    cut: bool = False
    chunks: int = 1
    bases: int = 1


def surveyed(row: Row) -> ChunkSurvey:
    count = row.length_ms // 60
    found = ChunkSurvey(chunk_ref(row.seq, 1000), str(row), 1000, has_header=row.start_ms == 0)
    found.dialect, found.kinds = Dialect("WebmDemuxer", 1, 2880), frozenset({63})
    found.digests, found.durations = array("Q", range(count)), array("q", [2880] * count)
    found.start_ms = row.start_ms
    found.end_ms = None if row.start_ms is None else row.start_ms + row.length_ms
    found.head_ms, found.tail_ms, found.begins_base = row.head_ms, row.tail_ms, row.start_ms == row.head_ms == 0
    found.damages = [Damage(990, 10, "cut off")] if row.cut else []
    found.chunks, found.bases = row.chunks, row.bases
    return found


def numbers_of(chunks: Sequence[ChunkSurvey]) -> list[int]:
    return [one.chunk.seq for one in chunks]


FIRST, SECOND = Row(0, 0, 4980, 0, 4980), Row(1, 4980, 5040, 4980, 4980)
ROWS = [FIRST, *(SECOND._replace(seq=seq, start_ms=4980 + 5040 * (seq - 1)) for seq in range(1, 8))]


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
        pytest.param(
            [
                FIRST,
                SECOND._replace(length_ms=3120, tail_ms=3066, cut=True),
                Row(4, 20100, 5040, 4980, 4980),
                Row(5, 25140, 2100, 4980, 2040),
                Row(123461, 15060 + 1024, 5040, 4980, 4980),
            ],
            [0, 1, 123461, 4, 5],
            [],
            id="a chunk with another name and a wrong bit, behind one that is missing",
        ),
        pytest.param(
            [
                Row(0, 0, 2940, 0, 2940),
                Row(1, 15060 + 3060, 660, 18120, 660, cut=True),
                Row(2, 5940, 3060, 5940, 3060),
                Row(3, 9000, 3060, 9000, 3060),
                Row(4, 12060, 3000, 12060, 3000),
                Row(6, 2940, 3000, 2940, 3000),
                Row(7, 21120, 2820, 21120, 2820),
            ],
            [0, 6, 2, 3, 4, 1, 7],
            [],
            id="two changed places, one of them is cut and touches nothing",
        ),
        pytest.param(
            [
                Row(0, 15071, 5040, 4992, 4980),
                SECOND,
                Row(2, 10021, 5040, 4982, 4991),
                FIRST._replace(seq=3),
                Row(4, 15003, 5040, 4931, 4914),
                Row(5, 20112, 360, 4982, 301),
            ],
            [3, 1, 2, 0, 5],
            [4],
            id="a foreign chunk at the time of one that changed places",
        ),
        pytest.param(
            [FIRST, *ROWS[1:4], Row(4, 20100 + 4096, 5040, 4980, 4980), Row(5, 25140 - 8192, 900, 4980, 840)],
            [0, 1, 2, 3, 4, 5],
            [],
            id="wrong bits in the clocks of the last two",
        ),
        pytest.param(
            [
                Row(0, 0, 4860, 0, 4860),
                Row(2, None, 4680, 302, 4983),
                Row(3, 25728, 4980, 533, 480),
                Row(4, None, 4320, 528, 4842, cut=True),
                Row(5, 25142, 2100, 4979, 2043),
                Row(6, 15058, 5580, 4996, 482),
                Row(7, 30704, 5040, 493, 479),
                Row(8, 35750, 4920, 468, 374),
                Row(9, None, 4020, 394, 4724),
            ],
            [0, 2, 6, 4, 3, 7, 8, 9],
            [5],
            id="two changed places around one without a clock, and a foreign chunk",
        ),
        pytest.param(
            [
                Row(0, 0, 2980, 0, 2980),
                Row(1, 2980, 3000, 2976, 2962),
                Row(2, 5980, 3020, 2959, 2977),
                Row(3, 9001 + 1024, 3000, 2979, 2957),
                Row(4, 12000 - 8192, 3020, 2954, 2960),
                Row(5, 15024, 3020, 2966, 2979),
                Row(6, 18040, 3000, 2977, 2963),
            ],
            [0, 1, 2, 3, 4, 5, 6],
            [],
            id="two wrong bits, one behind the other",
        ),
        pytest.param(
            [
                FIRST,
                Row(1, 4980, 5520, 4860, 313),
                Row(2, None, 4680, 302, 4983),
                Row(3, 15058, 5580, 4996, 482),
                Row(4, 20682, 5040, 528, 541),
                Row(5, 25728, 4980, 533, 480),
                Row(7, 35750 - 32768, 4920, 468, 374),
                Row(8, None, 4020, 394, 4724),
            ],
            [0, 1, 2, 3, 4, 5, 7, 8],
            [],
            id="a wrong bit behind a missing chunk, and before one without a clock",
        ),
        pytest.param(
            [FIRST, SECOND, *ROWS[3:6], Row(20, 12000, 3000, 3000, 2000)],
            [0, 1, 3, 4, 5],
            [20],
            id="a foreign chunk that touches nothing in the gap of a missing one",
        ),
        pytest.param(
            [
                Row(1, 20042, 5040, 4910, 4921),
                Row(2, None, 4680, 302, 4983),
                Row(5, 25728, 4980, 533, 480),
                Row(6, 30704, 5040, 493, 479),
                Row(7, 35750, 4920, 468, 374),
            ],
            [2, 5, 6, 7],
            [1],
            id="a foreign chunk before a gap that is too short for a missing one",
        ),
        pytest.param(
            [
                FIRST,
                Row(1, 10020, 5040, 4980, 4980),
                SECOND._replace(seq=2),
                Row(3, 10020, 120, 4980, 60, cut=True),
                Row(4, 15060, 5040, 4980, 4980),
            ],
            [0, 2, 3, 4],
            [1],
            id="a foreign chunk that begins before the end of one that is cut",
        ),
        pytest.param(
            [
                Row(0, 0, 1020, 0, 529, chunks=3),
                Row(2, 1665, 15360, 1652, 540, chunks=29),
                Row(5, 17934, 2520, 1030, 362, chunks=5),
            ],
            [0, 2, 5],
            [],
            id="many chunks between two that are missing",
        ),
        pytest.param(
            [
                Row(0, 0, 540, 0, 537, cut=True, chunks=4),
                Row(2, 802 + 32768, 780, 281, 539, cut=True, chunks=4),
                Row(3, 1663, 2580, 64, 478, cut=True, chunks=22),
                Row(5, 4423, 7020, 125, 125, cut=True, chunks=30),
            ],
            [0, 2, 3, 5],
            [],
            id="few chunks with a wrong bit, before many",
        ),
        pytest.param(
            [
                Row(0, 0, 9000, 0, 3060, cut=True, chunks=51, bases=3),
                Row(13, 12060, 6240, 3060, 180, cut=True, chunks=30, bases=3),
                Row(24, 21120, 2820, 3060, 2820, cut=True, chunks=13),
            ],
            [0, 13, 24],
            [],
            id="the last of some as long as the gap before those, of which several bases agree",
        ),
        pytest.param(
            [FIRST, SECOND, Row(2, 15539, 3000, 361, 299), Row(3, 15060, 5040, 4980, 4980)],
            [0, 1, 3],
            [2],
            id="a foreign chunk in the place of one, and at the time of the next",
        ),
    ],
)
def test_one_wrong_testimony_is_outvoted(rows: list[Row], order: list[int], foreign: list[int]) -> None:
    numbers = [row.seq for row in rows]
    missing = sorted(set(range(max(number for number in numbers if number < 10_000))) - set(numbers))
    found = order_chunks([surveyed(row) for row in rows], lambda _: False, lambda _: False, missing)
    assert numbers_of(found.chains[0].chunks) == order
    assert numbers_of(found.foreign) == foreign


def test_all_that_goes_on_with_a_recording_leaves_another_ones_beginning_together() -> None:
    """A header alone, as of MP4, is that of nobody: bytes that two chunks share say whose the rest is."""
    header = Row(0, 0, 0, 0, 0)
    rows = [
        header,
        header._replace(seq=1),
        FIRST._replace(seq=2),
        SECOND._replace(seq=3),
        Row(4, 10020, 5040, 4980, 60),
    ]
    chunks = [surveyed(row) for row in rows]
    chunks[2].has_header, chunks[2].follows = False, chunks[0].chunk
    found = order_chunks(chunks, lambda _: False, lambda _: False, [])
    assert [numbers_of(chain.chunks) for chain in found.chains] == [[0, 2, 3, 4], [1]]


def test_what_goes_on_with_another_recording_leaves_alone() -> None:
    """What is behind it goes on with what is before it."""
    torn = Row(2, None, 60, 3418, 4980)
    chunks = [surveyed(row) for row in (FIRST, SECOND, torn, FIRST._replace(seq=3), SECOND._replace(seq=4))]
    chunks[2].follows, chunks[2].damages = chunks[1].chunk, [Damage(0, 10, "damaged"), Damage(990, 10, "damaged")]
    chains = [Chain(chunks[:2]), Chain([chunks[3], chunks[2], chunks[4]])]
    Arrangement(chains, [], SeamCosts(chunks, Handed(), lambda _: False, lambda _: False)).improve()
    assert [numbers_of(chain.chunks) for chain in chains] == [[0, 1, 2], [3, 4]]


def test_what_goes_on_with_a_chunk_in_which_nothing_is_read_is_not_foreign() -> None:
    chunks = [surveyed(row) for row in (FIRST, Row(1, None, 0, 0, 0), Row(2, 10020, 5040, 4980, 4980))]
    chunks[1].dialect, chunks[2].follows = None, chunks[1].chunk
    found = order_chunks(chunks, lambda _: False, lambda _: False, [])
    assert (numbers_of(found.chains[0].chunks), found.foreign) == ([0, 1, 2], [])


def test_numbers_that_are_there_explain_no_gap() -> None:
    """What goes on with one of two recordings is not behind a gap of the other."""
    rows = [FIRST, *(row._replace(seq=row.seq + 1) for row in ROWS[:7])]
    rows[3], rows[7] = rows[7]._replace(seq=3), rows[3]._replace(seq=7)
    found = order_chunks([surveyed(row) for row in rows], lambda _: False, lambda _: False, [])
    assert sorted(numbers_of(chain.chunks) for chain in found.chains) == [[0], [1, 2, 7, 4, 5, 6, 3]]


def test_what_the_recorder_did_not_list_goes_where_its_place_contradicts_it() -> None:
    rows = [FIRST, SECOND._replace(tail_ms=1441), Row(2, None, 4680, 302, 4983), Row(3, None, 2160, 1443, 3606)]
    chunks = [surveyed(row) for row in rows]
    chain, foreign = Chain(chunks), list[ChunkSurvey]()
    costs = SeamCosts(chunks, Handed(), lambda one: one.chunk.seq != 2, lambda one: one.chunk.seq != 2)
    Arrangement([chain], foreign, costs).improve()
    assert (numbers_of(chain.chunks), numbers_of(foreign)) == ([0, 1, 3], [2])


def test_a_run_that_the_recorder_did_not_list_keeps_its_chunks() -> None:
    theirs = [FIRST._replace(seq=4), SECOND._replace(seq=5), Row(6, 13000, 5040, 2000, 2000)]
    chunks, left = [surveyed(row) for row in (*ROWS[:4], *theirs)], list[ChunkSurvey]()
    chains = [Chain(chunks[:4]), Chain(chunks[4:])]
    costs = SeamCosts(chunks, Handed(), lambda one: one.chunk.seq < 4, lambda one: one.chunk.seq < 4)
    Arrangement(chains, left, costs).improve()
    assert ([numbers_of(chain.chunks) for chain in chains], left) == ([[0, 1, 2, 3], [4, 5, 6]], [])


def test_the_work_grows_with_the_number_of_chunks() -> None:
    """Of twice as many chunks with holes, about twice as many calls are made."""
    calls = [calls_for(count) for count in (200, 400)]
    assert calls[1] < 2.5 * calls[0]


def calls_for(count: int) -> int:
    holes = range(7, count, 50)
    rows = [Row(seq, seq * 1020, 1020, 960 if seq else 0, 960) for seq in range(count) if seq not in holes]
    chunks, profile = [surveyed(row) for row in rows], cProfile.Profile()
    found = profile.runcall(order_chunks, chunks, lambda _: False, lambda _: False, holes)
    assert numbers_of(found.chains[0].chunks) == [row.seq for row in rows]
    return sum(one.callcount for one in profile.getstats())
