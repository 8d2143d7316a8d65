"""When blobs were handed over: where a lost one ended, time that left no trace, and a recorder that stood still."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from sessiontool.documents.models import ChunkEntry, PartEntry, PauseEntry
from sessiontool.recording.blob_clock import BlobClock

if TYPE_CHECKING:
    from collections.abc import Sequence


def clock(
    *,
    lag_ms: float = 60,
    start_ms: float | None = 700,
    growing_ms: float = 0,
    pauses: int = 0,
    late: dict[int, float] | None = None,
) -> BlobClock:
    """Twelve blobs of 5 s, each handed over `lag_ms` and more and more late after its end; `late` ones later still.

    All were seen but the last two.
    """
    chunks = [
        ChunkEntry(
            seq=seq,
            emitted_ms=700 + (seq + 1) * 5000 + lag_ms + growing_ms * seq + pauses * 4000 + (late or {}).get(seq, 0),
        )
        for seq in range(12)
    ]
    noted_pauses = [PauseEntry(start_ms=710 + number, end_ms=4710 + number) for number in range(pauses)]
    found = BlobClock(PartEntry(part="0", start_ms=start_ms, chunks=chunks, pauses=noted_pauses))
    for seq in range(10):
        found.saw(seq, (seq + 1) * 5000)
    return found


@pytest.mark.parametrize("lag_ms", [0, 60, 400])
def test_a_lost_blob_ended_when_it_was_handed_over_less_the_usual_lag(lag_ms: float) -> None:
    found = clock(lag_ms=lag_ms)
    assert found.end_ms(10) == 55_000
    assert found.end_ms(99) is None


def test_the_recorders_clock_stands_still_in_pauses() -> None:
    assert clock(pauses=1).end_ms(10) == 55_000


def test_a_blob_that_came_in_a_pause_ended_when_the_pause_began() -> None:
    chunks = [ChunkEntry(seq=seq, emitted_ms=emitted_ms) for seq, emitted_ms in enumerate((5060, 10_060, 14_000))]
    pause = PauseEntry(start_ms=12_000, end_ms=20_000)
    found = BlobClock(PartEntry(part="0", start_ms=0, chunks=chunks, pauses=[pause]))
    found.saw(0, 5000)
    found.saw(1, 10_000)
    assert found.end_ms(2) == 12_000 - 60


def test_without_a_start_nothing_is_known() -> None:
    assert clock(start_ms=None).end_ms(10) is None
    assert BlobClock(None).end_ms(0) is None
    assert BlobClock(None).unnoticed_ms() == 0
    assert BlobClock(None).suspensions() == {}


def test_the_first_blob_tells_when_the_recorder_was_started() -> None:
    found = clock(start_ms=None)
    found.began(0, 5000)
    assert found.end_ms(10) == pytest.approx(55_000, abs=1)


@pytest.mark.parametrize(("growing_ms", "lost"), [(0, False), (5, False), (60, True)])
def test_time_lost_without_a_trace_shows_in_blobs_that_come_later_and_later(growing_ms: float, lost: bool) -> None:
    found = clock(growing_ms=growing_ms).unnoticed_ms()
    assert (found > 0) == lost
    assert not lost or found == pytest.approx(9 * growing_ms, rel=0.3)


def stopped(
    stop_ms: float, *, emitted_ms: Sequence[float] = (5060, 10_060), pauses: Sequence[PauseEntry] = ()
) -> float:
    """What was never stored of a recorder whose blobs 0 and 1 are there, with 10 s of sound."""
    chunks = [ChunkEntry(seq=seq, emitted_ms=one) for seq, one in enumerate(emitted_ms)]
    entry = PartEntry(part="0", start_ms=0, stop_ms=stop_ms, chunks=chunks, pauses=list(pauses))
    return BlobClock(entry).unstored_ms(10_000)


@pytest.mark.parametrize(
    ("stop_ms", "lost_ms"),
    [(9000, 0), (10_055, 0), (10_095, 0), (10_300, 300), (13_000, 3000)],  # as far as blobs come at once
)
def test_sound_behind_the_last_blob_is_lost_until_the_stop(stop_ms: float, lost_ms: float) -> None:
    assert stopped(stop_ms) == lost_ms


def test_a_last_blob_that_came_at_the_stop_is_all_there_is() -> None:
    assert stopped(13_000, emitted_ms=(5060, 13_002)) == 0, "it holds what there was"
    assert stopped(13_000, emitted_ms=(5060, 10_060, 13_002)) == 0, "it is missing, and known to be"


@pytest.mark.parametrize(("stop_ms", "lost_ms"), [(10_400, 0), (11_150, 0), (11_300, 1300)])
def test_without_instants_of_blobs_a_busy_recorder_is_given_more_room(stop_ms: float, lost_ms: float) -> None:
    assert stopped(stop_ms, emitted_ms=()) == lost_ms


def test_nothing_is_recorded_in_a_pause_before_the_stop() -> None:
    pause = PauseEntry(start_ms=10_010, end_ms=60_000)
    assert stopped(60_000, pauses=[pause]) == 0
    assert stopped(63_000, pauses=[pause]) == 3010


def test_without_a_stop_nothing_is_known_of_the_end() -> None:
    assert clock().unstored_ms(50_000) == 0
    assert BlobClock(None).unstored_ms(0) == 0


@pytest.mark.parametrize("first", range(1, 10))
def test_a_recorder_that_stood_still_is_late_from_then_on(first: int) -> None:
    late = dict.fromkeys(range(first, 12), 20_000.0)
    assert clock(late=late).suspensions() == {first: pytest.approx(20_000)}


def test_one_blob_that_came_late_is_no_recorder_that_stood_still() -> None:
    assert clock(late={4: 6000.0}).suspensions() == {}
    assert clock(growing_ms=500).suspensions() == {}


def test_two_nights_are_two_suspensions() -> None:
    late = dict.fromkeys(range(3, 7), 20_000.0) | dict.fromkeys(range(7, 12), 50_000.0)
    assert clock(late=late).suspensions() == {3: pytest.approx(20_000), 7: pytest.approx(30_000)}


def handed_over(instants_ms: Sequence[float]) -> BlobClock:
    """Blobs of 5 s, and when each of them was handed over."""
    chunks = [ChunkEntry(seq=seq, emitted_ms=emitted_ms) for seq, emitted_ms in enumerate(instants_ms)]
    found = BlobClock(PartEntry(part="0", start_ms=0, chunks=chunks))
    for seq in range(len(chunks)):
        found.saw(seq, (seq + 1) * 5000)
    return found


def test_blobs_of_a_hidden_page_that_come_together_once_a_minute_show_no_sleep() -> None:
    each_minute = [-(-(seq + 1) * 5000 // 60_000) * 60_000 + 20 for seq in range(120)]
    found = handed_over(each_minute)
    assert found.suspensions() == {}
    assert found.unnoticed_ms() == 0


def test_a_sleep_shows_though_the_clock_is_set_back_later() -> None:
    instants_ms = [(seq + 1) * 5000 + 60 for seq in range(40)]
    slept = [ms + 20_000 * (seq >= 10) for seq, ms in enumerate(instants_ms)]
    assert handed_over(slept).suspensions() == {10: 20_000}
    set_back = [ms - 30_000 * (seq >= 25) for seq, ms in enumerate(slept)]
    assert handed_over(set_back).suspensions() == {10: 20_000}


@pytest.mark.parametrize(("per_million", "is_lost"), [(150, False), (-150, False), (1000, True)])
def test_an_hour_by_a_sound_card_is_no_exact_hour(per_million: int, is_lost: bool) -> None:
    found = handed_over([(seq + 1) * 5000 * (1 + per_million / 1e6) + 60 for seq in range(720)])
    assert bool(found.unnoticed_ms()) == is_lost


def test_blobs_that_come_now_earlier_and_now_later_have_lost_nothing() -> None:
    chance = random.Random(1)
    found = handed_over([(seq + 1) * 5000 + chance.uniform(0, 400) for seq in range(720)])
    assert found.unnoticed_ms() == 0


@pytest.mark.parametrize(
    ("emitted_ms", "stop_ms", "ended"),
    [
        ((5060, 10_060, 15_060, 16_200), 30_000, True),
        ((5060, 10_060, 15_060, 20_060), 30_000, False),  # whatever came after it is lost
        ((5060, 10_060, 15_060, 16_200), 20_000, False),  # the next one was not due by then
        ((5060, 6200, 10_060, 15_060, 16_200), 30_000, False),  # the page asks for blobs
        ((5060, 10_060, 16_200), 30_000, False),
    ],
)
def test_a_recorder_that_ended_by_itself_hands_its_last_blob_over_early(
    emitted_ms: Sequence[float], stop_ms: float, ended: bool
) -> None:
    chunks = [ChunkEntry(seq=seq, emitted_ms=one) for seq, one in enumerate(emitted_ms)]
    assert BlobClock(PartEntry(part="0", start_ms=0, stop_ms=stop_ms, chunks=chunks)).ended_by_itself == ended
