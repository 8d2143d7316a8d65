"""The timeline: where silence goes, and that its three clocks map to one another."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessiontool.media.opus import SILENT_PACKET_SAMPLES
from sessiontool.model import samples_to_us, us_to_samples
from sessiontool.recording.gap_filling import MOST_SILENCE_SAMPLES, Gap, Pause, TimelineBuilder
from sessiontool.timeline import Span, Timeline

if TYPE_CHECKING:
    from collections.abc import Sequence

FREE = settings(deadline=None, max_examples=100)
MS = 48
"""Samples of a millisecond."""
PACKET_MS = 60


@dataclass(frozen=True, slots=True)
class Placed:
    """What a builder made of packets: the holes, by index of the packet behind each, and the timeline."""

    holes: list[Gap]
    timeline: Timeline

    @property
    def filled(self) -> list[tuple[int, int, str]]:
        return [(hole.before, hole.packets * 20, hole.cause) for hole in self.holes if hole.packets]

    @property
    def spans(self) -> list[tuple[str, str, int, int]]:
        return [(s.kind, s.cause, s.output_start, s.output_end) for s in self.timeline.spans]


def place(
    times_ms: Sequence[int],
    *,
    packet_ms: int = PACKET_MS,
    batches: Sequence[int] = (),
    pre_skip: int = 0,
    start_us: int | None = 0,
    pauses: Sequence[Pause] = (),
    keep_pauses: bool = False,
    lost_at: int | None = None,
    lost_cause: str = "lost",
    lost_ms: int = 0,
) -> Placed:
    """Hand packets to a builder in batches that end at `batches`; time passed before the one at `lost_at`."""
    builder = TimelineBuilder(keep_pauses=keep_pauses)
    builder.begin_part("0", pre_skip, start_us, pauses)
    holes: list[Gap] = []
    first = 0
    stops = sorted({min(stop, len(times_ms)) for stop in (*batches, len(times_ms), lost_at or 0)})
    for stop in stops:
        final = stop in (len(times_ms), lost_at)
        durations = [packet_ms * MS] * (stop - first)
        cause = lost_cause if lost_at is not None and first == lost_at else ""
        found, settled = builder.place(times_ms[first:stop], durations, more=not final, cause=cause)
        assert settled == stop - first or not final
        holes += [Gap(first + hole.before, hole.packets, hole.cause) for hole in found]
        first += settled
    holes += builder.end_part(lost_ms)
    return Placed(holes, builder.finish())


def clock(
    count: int, steps: dict[int, int] | None = None, *, packet_ms: int = PACKET_MS, first_ms: int = 0
) -> list[int]:
    """Timestamps of `count` packets; at those of `steps` the clock has moved by so many ms more."""
    moved = accumulate((steps or {}).get(index, 0) for index in range(count))
    return [first_ms + index * packet_ms + late for index, late in enumerate(moved)]


# -- where silence goes


@given(st.lists(st.integers(-10, 10), min_size=1, max_size=300))
@FREE
def test_jitter_of_10_ms_never_fills_anything(jitter: list[int]) -> None:
    times_ms = [max(0, time_ms + late) for time_ms, late in zip(clock(len(jitter)), jitter, strict=True)]
    placed = place([0, *[t + PACKET_MS for t in times_ms]])
    assert placed.holes == []
    assert placed.spans == [("recorded", "", 0, (len(jitter) + 1) * PACKET_MS * MS)]


@given(at=st.integers(1, 60), lost_ms=st.integers(11, 30_000), jitter=st.integers(0, 2**32))
@FREE
def test_lost_time_is_filled_to_the_nearest_20_ms_where_it_was_lost(at: int, lost_ms: int, jitter: int) -> None:
    rng = Random(jitter)
    times_ms = [t + (rng.randint(-3, 3) if index else 0) for index, t in enumerate(clock(90, {at: lost_ms}))]
    placed = place(times_ms)
    total_ms = sum(hole.packets * 20 for hole in placed.holes)
    assert abs(total_ms - lost_ms) <= 20
    if lost_ms > 25:
        assert placed.holes[0].before == at
        assert placed.holes[0].cause == ("starved" if placed.holes[0].packets <= 50 else "lost")
        assert len(placed.holes) <= 2


@pytest.mark.parametrize(
    ("lost_ms", "filled_ms"), [(10, 0), (11, 20), (20, 20), (29, 20), (31, 40), (400, 400), (4995, 5000)]
)
def test_how_much_is_filled(lost_ms: int, filled_ms: int) -> None:
    placed = place(clock(40, {10: lost_ms}))
    cause = "starved" if filled_ms <= 1000 else "lost"
    assert placed.filled == ([(10, filled_ms, cause)] if filled_ms else [])


def test_time_lost_bit_by_bit_is_filled_when_it_comes_to_more_than_10_ms() -> None:
    placed = place(clock(300, dict.fromkeys(range(10, 300, 10), 2)))
    total_ms = sum(filled for _, filled, _ in placed.filled)
    assert abs(total_ms - 58) <= 20
    assert all(filled == 20 for _, filled, _ in placed.filled)


@pytest.mark.parametrize("count", range(1, 8))
def test_a_few_late_packets_are_no_hole(count: int) -> None:
    late = clock(60, {20: 300, 20 + count: -300})
    assert place(late).holes == []


def test_packets_before_a_loss_end_it() -> None:
    """What is missing before a packet is called lost, what the clock alone shows is called starved."""
    placed = place(clock(40, {10: 100, 20: 5000}), lost_at=20)
    assert placed.filled == [(10, 100, "starved"), (20, 5000, "lost")]
    assert [span[:2] for span in placed.spans] == [
        ("recorded", ""),
        ("silence", "starved"),
        ("recorded", ""),
        ("silence", "lost"),
        ("recorded", ""),
    ]


@pytest.mark.parametrize("cause", ["lost", "suspended"])
def test_a_known_cause_is_that_of_the_hole_before_these_packets_alone(cause: str) -> None:
    placed = place(clock(60, {20: 5000, 40: 100}), lost_at=20, lost_cause=cause)
    assert placed.filled == [(20, 5000, cause), (40, 100, "starved")]
    assert place(clock(60, {40: 100}), lost_at=20, lost_cause=cause).filled == [(40, 100, "starved")]


def test_while_a_recorder_was_suspended_all_clocks_ran() -> None:
    """The sound behind it keeps its time: captions are logged on a clock that did not stand still."""
    timeline = place(clock(60, {20: 5000}), lost_at=20, lost_cause="suspended").timeline
    for session_ms in (600, 1200, 3000, 6200, 8000):
        assert timeline.session_to_output(session_ms * 1000) == session_ms * MS
    assert timeline.recorder_to_output("0", 6_200_000) == 6200 * MS


def test_silence_before_the_first_packet_is_what_the_clock_shows() -> None:
    """The first chunks are missing: the clock does not begin at zero."""
    assert place(clock(30, first_ms=10_000)).filled == [(0, 10_000, "lost")]
    assert place(clock(30, first_ms=29)).holes == [], "within half a packet it is where the sound begins"
    assert place(clock(30, first_ms=59)).filled == [(0, 60, "starved")], "nearly a packet is one that is lost"


def test_firefoxs_first_timestamp_is_the_codec_delay() -> None:
    placed = place(clock(500, packet_ms=20, first_ms=6), packet_ms=20, pre_skip=312)
    assert placed.holes == []
    (span,) = placed.timeline.spans
    assert (span.output_start, span.output_end) == (0, 500 * 960 - 312)
    assert span.session_start_us == 0, "the first sample that is played was heard at the start"
    assert span.session_end_us == samples_to_us(500 * 960 - 312)


@pytest.mark.parametrize("step_ms", [-1_001, -60_000, -8 * 3600_000, 6 * 3600_000 + 1000, 100 * 3600_000])
def test_a_clock_that_jumps_back_or_far_ahead_is_followed(step_ms: int) -> None:
    placed = place(clock(80, {40: step_ms}))
    assert placed.holes == [Gap(40, 0, "clock_jump")]
    assert placed.timeline.total_samples == 80 * PACKET_MS * MS
    assert place(clock(80, {40: step_ms, 60: 200})).filled == [(60, 200, "starved")], "deficits count anew"


def test_a_jump_of_the_recorders_clock_is_none_of_the_sessions() -> None:
    timeline = place(clock(80, {40: -60_000, 60: -60_000})).timeline
    for session_ms in range(0, 4800, 100):
        assert abs(timeline.session_to_output(session_ms * 1000) - session_ms * MS) <= MS
    assert timeline.spans[-1].session_end_us == 80 * PACKET_MS * 1000


def test_a_clock_less_than_a_second_back_is_waited_for() -> None:
    assert place(clock(80, {40: -900, 60: 900})).holes == []


def test_the_longest_silence_is_filled_and_nothing_longer() -> None:
    longest_ms = MOST_SILENCE_SAMPLES // MS
    assert place(clock(40, {20: longest_ms})).filled == [(20, longest_ms, "lost")]
    assert place(clock(40, {20: longest_ms + 100})).filled == []


def test_many_long_silences_are_filled_until_there_are_six_hours_of_them() -> None:
    hours_2 = 2 * 3600 * 1000
    placed = place(clock(60, {10: hours_2, 20: hours_2, 30: hours_2 - 10_000, 40: hours_2, 50: 8_000}))
    assert [at for at, _, _ in placed.filled] == [10, 20, 30, 50]
    assert placed.timeline.total_samples <= MOST_SILENCE_SAMPLES + 60 * PACKET_MS * MS


@pytest.mark.parametrize(("lost_ms", "filled_ms"), [(0, 0), (10, 0), (11, 20), (5000, 5000)])
def test_what_is_known_to_be_lost_at_the_end_is_filled(lost_ms: int, filled_ms: int) -> None:
    placed = place(clock(10), lost_ms=lost_ms)
    assert [hole.packets * 20 for hole in placed.holes] == ([filled_ms] if filled_ms else [])
    assert placed.timeline.total_samples == (600 + filled_ms) * MS


steps = st.dictionaries(st.integers(1, 119), st.integers(-4000, 6000), max_size=6)


@given(steps=steps, batches=st.lists(st.integers(0, 120), max_size=30), seed=st.integers(0, 2**32), data=st.data())
@FREE
def test_any_batching_gives_the_same_holes(
    steps: dict[int, int], batches: list[int], seed: int, data: st.DataObject
) -> None:
    rng = Random(seed)
    times_ms = [t + rng.randint(-9, 9) for t in clock(120, steps, first_ms=9)]
    lost_at = data.draw(st.none() | st.integers(1, 119))
    # A pause in which the clock ran back as well has no one place.
    places_ms = data.draw(st.lists(st.integers(0, 7000), max_size=0 if any(step < 0 for step in steps.values()) else 2))
    pauses = [Pause(place_ms * 1000, place_ms * 1000 + 700_000) for place_ms in places_ms]
    keep = data.draw(st.booleans())
    once = place(times_ms, lost_at=lost_at, pauses=pauses, keep_pauses=keep)
    again = place(times_ms, batches=batches, lost_at=lost_at, pauses=pauses, keep_pauses=keep)
    assert [hole for hole in again.holes if hole.packets] == [hole for hole in once.holes if hole.packets]
    assert again.timeline.total_samples == once.timeline.total_samples


# -- pauses


def test_a_pause_is_closed_up() -> None:
    placed = place(clock(100), pauses=[Pause(3_000_000, 9_300_000)])
    assert placed.filled == []
    assert placed.timeline.total_samples == 100 * PACKET_MS * MS
    timeline = placed.timeline
    assert timeline.session_to_output(2_000_000) == 2000 * MS
    assert timeline.session_to_output(5_000_000) == 3000 * MS, "an instant in the pause is where the sound goes on"
    assert timeline.session_to_output(10_300_000) == 4000 * MS


def test_a_pause_is_kept_as_silence() -> None:
    placed = place(clock(100), pauses=[Pause(3_000_000, 9_300_000)], keep_pauses=True)
    assert placed.filled == [(50, 6300, "pause")]
    assert placed.timeline.total_samples == 100 * PACKET_MS * MS + 6300 * MS
    for session_ms in (0, 2000, 5000, 10_000, 12_000):
        assert placed.timeline.session_to_output(session_ms * 1000) == session_ms * MS


def test_a_pause_that_lasts_until_the_end_comes_last() -> None:
    placed = place(clock(50), pauses=[Pause(3_000_000, 4_000_000)], keep_pauses=True)
    assert [span[:2] for span in placed.spans] == [("recorded", ""), ("silence", "pause")]
    assert place(clock(50), pauses=[Pause(3_000_000, 4_000_000)]).timeline.total_samples == 3000 * MS


def test_a_pause_and_lost_time_are_told_apart() -> None:
    placed = place(clock(100, {70: 500}), pauses=[Pause(3_000_000, 9_300_000)], keep_pauses=True)
    assert placed.filled == [(50, 6300, "pause"), (70, 500, "starved")]


# -- parts


def build(
    parts: Sequence[tuple[int, int | None, int]], keep_pauses: bool = False
) -> tuple[list[tuple[int, int]], Timeline]:
    """Parts (packets, start on the session clock, pre-skip): what `begin_part` told, and the timeline."""
    builder = TimelineBuilder(keep_pauses=keep_pauses)
    told = []
    for number, (count, start_us, pre_skip) in enumerate(parts):
        told.append(builder.begin_part(str(number), pre_skip, start_us, ()))
        builder.place(clock(count), [PACKET_MS * MS] * count, more=False)
        builder.end_part()
    return told, builder.finish()


def test_the_time_between_parts_is_filled() -> None:
    told, timeline = build([(50, 1_000_000, 0), (50, 5_500_000, 0)])
    assert told == [(0, 0), (75, 1_500_000)]
    assert [(s.part, s.cause, s.output_end - s.output_start) for s in timeline.spans] == [
        ("0", "", 3000 * MS),
        ("1", "between_parts", 1500 * MS),
        ("1", "", 3000 * MS),
    ]
    assert timeline.session_to_output(6_500_000) == 5500 * MS
    assert timeline.recorder_to_output("1", 1_000_000) == 5500 * MS


@pytest.mark.parametrize("late_ms", [0, 7], ids=["on time", "late"])
def test_what_no_silence_fills_between_parts_does_not_add_up(late_ms: int) -> None:
    """29 ms between two parts are filled with 20, and the lag at a part's end is left: forty were 0.4 s off."""
    builder = TimelineBuilder(keep_pauses=False)
    placed: list[tuple[int, int]] = []
    times_ms = clock(50, {10: late_ms} if late_ms else {})
    for number in range(40):
        start_ms = number * (3029 + late_ms)
        builder.begin_part(str(number), 0, start_ms * 1000, ())
        builder.place(times_ms, [PACKET_MS * MS] * 50, more=False)
        builder.end_part()
        placed.append((start_ms, builder.finish().spans[-1].output_end // MS - 3000))
    assert max(abs(output_ms - start_ms) for start_ms, output_ms in placed) <= 20


@pytest.mark.parametrize(
    ("start_us", "gap_us"), [(None, 0), (4_000_000, 0), (2_000_000, -2_000_000), (400 * 3600_000_000, None)]
)
def test_parts_without_a_gap_or_with_an_absurd_one_follow_at_once(start_us: int | None, gap_us: int | None) -> None:
    told, timeline = build([(50, 1_000_000, 0), (50, start_us, 0)])
    assert told[1][0] == 0
    assert told[1][1] == gap_us or gap_us is None
    assert timeline.total_samples == 6000 * MS


def test_a_second_parts_pre_skip_is_heard_and_counts_in_the_gap() -> None:
    told, timeline = build([(50, 0, 312), (50, 4_000_000 - samples_to_us(312), 312)])
    assert told[1][0] == 50
    assert timeline.total_samples == 7000 * MS - 312
    assert abs(timeline.session_to_output(4_500_000 - samples_to_us(312)) - 4500 * MS) <= SILENT_PACKET_SAMPLES


# -- mapping


def check_is_sound(timeline: Timeline) -> None:
    """Spans lie end to end on the output's axis, and no clock in them runs backwards."""
    assert all(before.output_end == after.output_start for before, after in pairwise(timeline.spans))
    for span in timeline.spans:
        assert span.output_start < span.output_end
        assert span.recorder_start_us <= span.recorder_end_us
        assert span.session_start_us <= span.session_end_us
    if timeline.spans:
        assert timeline.spans[0].output_start == 0
        assert timeline.total_samples == timeline.spans[-1].output_end


@given(
    steps=steps,
    pauses=st.lists(st.tuples(st.integers(1, 7000), st.integers(1, 3000)), max_size=2),
    starts=st.lists(st.integers(0, 40_000), min_size=1, max_size=3),
    keep=st.booleans(),
    pre_skip=st.sampled_from([0, 312]),
)
@FREE
def test_whatever_is_placed_spans_lie_end_to_end(
    steps: dict[int, int], pauses: list[tuple[int, int]], starts: list[int], keep: bool, pre_skip: int
) -> None:
    builder = TimelineBuilder(keep_pauses=keep)
    samples = 0
    for number, start_ms in enumerate(starts):
        noted = [Pause((start_ms + at) * 1000, (start_ms + at + length) * 1000) for at, length in pauses]
        samples += builder.begin_part(str(number), pre_skip, start_ms * 1000, noted)[0] * SILENT_PACKET_SAMPLES
        holes, settled = builder.place(clock(120, steps), [PACKET_MS * MS] * 120, more=False)
        assert settled == 120
        holes = [*holes, *builder.end_part()]
        samples += 120 * PACKET_MS * MS + sum(hole.packets for hole in holes) * SILENT_PACKET_SAMPLES
    timeline = builder.finish()
    check_is_sound(timeline)
    assert timeline.total_samples == samples - pre_skip
    check_mappings(timeline)


def check_mappings(timeline: Timeline) -> None:
    """They are monotone and, within a span that was recorded, each other's inverse."""
    outputs = [timeline.session_to_output(us) for us in range(-50_000, 40_000_000, 97_003)]
    assert outputs == sorted(outputs)
    for span in timeline.spans:
        inside = (span.output_start + 1, (span.output_start + span.output_end) // 2, span.output_end - 1)
        earlier = [other for other in timeline.spans if other.output_start < span.output_start]
        latest_us = max((other.session_start_us for other in earlier), default=span.session_start_us)
        for sample in inside if span.kind == "recorded" else ():
            assert timeline.output_to_recorder(sample)[0] == span.part
            even = span.session_end_us - span.session_start_us == samples_to_us(span.output_end - span.output_start)
            us = timeline.output_to_session(sample)
            if (
                even
                and latest_us <= span.session_start_us
                and all(us < s.session_start_us for s in after(timeline, span))
            ):
                assert abs(timeline.session_to_output(us) - sample) <= 1
                assert span.session_start_us <= us <= span.session_end_us


def after(timeline: Timeline, span: Span) -> tuple[Span, ...]:
    return timeline.spans[timeline.spans.index(span) + 1 :]


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    """Spans in which all clocks run on: none runs backwards, and none is empty."""
    spans: list[Span] = []
    output = recorder = session = 0
    session = draw(st.integers(0, 10**9))
    for _ in range(draw(st.integers(1, 6))):
        length = draw(st.integers(1, 10**7))
        skip_us = draw(st.sampled_from([0, 0, 5000, 10**6]))
        us = samples_to_us(length)
        spans.append(Span("recorded", "0", "", output, output + length, recorder, recorder + us, session, session + us))
        output, recorder, session = output + length, recorder + us, session + us + skip_us
    return Timeline(spans)


@given(timeline=timelines(), share=st.floats(0, 1))
@FREE
def test_there_and_back_is_where_it_was(timeline: Timeline, share: float) -> None:
    check_is_sound(timeline)
    sample = round(timeline.total_samples * share)
    us = timeline.output_to_session(sample)
    assert abs(timeline.session_to_output(us) - sample) <= 1
    part, recorder_us = timeline.output_to_recorder(sample)
    assert part == "0"
    assert abs(timeline.recorder_to_output(part, recorder_us) - sample) <= 1


@given(timeline=timelines(), instants=st.lists(st.integers(-(10**7), 10**10), min_size=2, max_size=20))
@FREE
def test_later_is_never_earlier(timeline: Timeline, instants: list[int]) -> None:
    instants.sort()
    for convert in (
        timeline.session_to_output,
        timeline.output_to_session,
        lambda us: timeline.recorder_to_output("0", us),
    ):
        found = [convert(instant) for instant in instants]
        assert found == sorted(found)


def test_outside_of_the_recording_the_clocks_run_on() -> None:
    timeline = Timeline([Span("recorded", "0", "", 0, 48_000, 0, 1_000_000, 5_000_000, 6_000_000)])
    assert timeline.session_to_output(4_000_000) == -48_000
    assert timeline.session_to_output(8_000_000) == 144_000
    assert timeline.output_to_session(-48_000) == 4_000_000
    assert timeline.output_to_session(96_000) == 7_000_000
    assert timeline.recorder_to_output("0", 1_500_000) == 72_000


def test_nothing_recorded_is_no_timeline() -> None:
    timeline = Timeline([])
    assert timeline.total_samples == 0
    assert timeline.session_to_output(1_000_000) == 48_000
    with pytest.raises(KeyError):
        timeline.recorder_to_output("0", 0)
    with pytest.raises(IndexError):
        timeline.output_to_recorder(0)


@given(st.integers(-(10**15), 10**15))
def test_samples_and_microseconds_are_rounded_to_the_nearest(samples: int) -> None:
    assert us_to_samples(samples_to_us(samples)) == samples
    assert abs(samples_to_us(samples) * 6 - samples * 125) <= 3
