"""How well an utterance agrees with the speech at each offset: against the same counted step by step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speech import RATE, ROLES, activity, conversation, errors_ms, logged, measured, one_part, shifted, voice

from sessiontool.align import align
from sessiontool.alignment import clock_offset
from sessiontool.alignment.recorded_time import Axis
from sessiontool.model import Utterance
from sessiontool.timeline import Span

_STEP_MS = clock_offset._STEP_MS
_FRAMES = clock_offset._FRAMES_PER_STEP


def covered(start: float, steps: int, k: int) -> float:
    """How much of step k lies within so many steps from a start."""
    return max(0.0, min(start + steps, k + 1.0) - max(start, float(k)))


def counted(worth: list[float], start: float, steps: int) -> float:
    """What a stretch is worth, step by step: a quarter less than nothing for each outside of the recording."""
    low, high = int(start) - 2, int(start) + steps + 2
    inside = range(max(0, low), min(len(worth), high))
    there = [covered(start, steps, k) for k in inside]
    return sum(worth[k] * share for k, share in zip(inside, there, strict=True)) - 0.25 * (steps - sum(there))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.booleans(), max_size=300),
    st.one_of(st.floats(-20_000, 40_000), st.floats(-1e9, 1e9)),
    st.floats(0, 20_000),
)
def test_agreement_is_speech_within_less_speech_just_before(
    speech: list[bool], start_ms: float, length_ms: float
) -> None:
    score = np.repeat(np.where(speech, 9.0, 0.0), _FRAMES)
    mask = clock_offset._mask(score, Axis((), len(speech) * _STEP_MS))
    found = clock_offset._agreement(mask, start_ms, length_ms)

    worth = [0.5 if speaks else -0.5 for speaks in speech]
    steps = min(max(1, round(0.7 * length_ms / _STEP_MS)), 83)
    reach = clock_offset._REACH_STEPS
    assert len(found) == 2 * reach + 1
    for offset in (*range(-reach, reach + 1, 37), reach):
        start = start_ms / _STEP_MS + offset
        naive = counted(worth, start, steps) - counted(worth, start - 7, 7)
        assert abs(found[offset + reach] - naive * _STEP_MS / 1000) < 1e-6


def test_what_was_not_recorded_counts_for_nothing() -> None:
    ms = 48  # samples
    spans = [
        Span("recorded", "000", "", 0, 600 * ms, 0, 600_000, 0, 600_000),
        Span("silence", "000", "lost", 600 * ms, 1200 * ms, 600_000, 1_200_000, 600_000, 1_200_000),
        Span("recorded", "000", "", 1200 * ms, 1800 * ms, 1_200_000, 1_800_000, 1_200_000, 1_800_000),
    ]
    mask = clock_offset._mask(np.full(180, 9.0), Axis(spans, 1800.0))
    inside = np.diff(mask)[clock_offset._BEYOND_STEPS : -clock_offset._BEYOND_STEPS] * 1000 / _STEP_MS
    assert inside.tolist() == pytest.approx([*[0.5] * 10, *[0.0] * 10, *[0.5] * 10])


@pytest.mark.parametrize(("last", "late_s"), [(3, 7), (3, 4), (2, 7), (6, -7)])
def test_a_clock_that_jumps_before_the_last_few_utterances_is_followed(last: int, late_s: int) -> None:
    """A few of them agree too little for a clock that hardly jumps; at -7 s the first of them has lost its head."""
    said, found = conversation(3, 30), activity(3, 30)
    log = logged(said, 3)
    log = [*log[:-last], *shifted(log[-last:], late_s * 1_000_000)]
    placed = align(log, one_part(found.duration_ms * RATE // 1000), found, ROLES).placements
    assert np.abs(errors_ms([(p.start_samples, p.end_samples) for p in placed], said)).max() < 150


@pytest.mark.parametrize("logged_s", [8.6, 20.4, 31.3])
def test_of_places_that_fit_alike_the_nearest_to_the_logs_time_is_taken(logged_s: float) -> None:
    chance = np.random.default_rng(8)
    samples = 1e-3 * chance.standard_normal((2, 42 * RATE)).astype(np.float32)
    for start in (8, 20, 32):
        samples[0, start * RATE : (start + 2) * RATE] += voice(np.random.default_rng(1), 2.0)
    one = Utterance("u", "user", "we could send the second box to you", round(1e6 * logged_s), None)
    (placed,) = align([one], one_part(samples.shape[1]), measured(samples), ROLES).placements
    assert placed.start_samples is not None
    assert abs(placed.start_samples / 48_000 - logged_s) < 1
