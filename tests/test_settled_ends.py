"""Ends that a stricter opinion of what is speech has lost, or made too late: the sound itself tells."""

from __future__ import annotations

import numpy as np
import pytest
from speech import RATE, ROLES, measured, one_part, voice

from sessiontool.align import align
from sessiontool.alignment.louder_speech import BELOW_DB, stricter
from sessiontool.alignment.settled_ends import settled_end
from sessiontool.model import Utterance

LIMIT_MS = 10_000.0


@pytest.mark.parametrize(
    ("heard", "end_ms"),
    [
        ([[900, 2200]], 2200),  # a last consonant that was not loud enough
        ([[900, 1700]], 1700),  # the quiet behind a word, taken along
        ([[900, 2020]], 2020),
        ([[900, 2600]], 2000),  # what is behind the speaker, and goes on
        ([[2100, 2300]], 2000),  # another sound
        ([[200, 800]], 2000),  # nothing of it
        ([], 2000),
    ],
)
def test_an_end_is_where_the_sound_has_it_unless_that_is_noise(heard: list[list[int]], end_ms: float) -> None:
    assert settled_end(1000.0, 2000.0, LIMIT_MS, np.array(heard, np.int64).reshape(-1, 2)) == end_ms


def test_an_end_does_not_reach_into_what_follows() -> None:
    assert settled_end(1000.0, 2000.0, 2100.0, np.array([[900, 2200]])) == 2000.0


def test_soft_ends_of_words_are_found_where_only_what_is_loud_counts() -> None:
    """Each utterance ends softly, 14 dB below its middle."""
    chance = np.random.default_rng(4)
    said = [(1.0 + 4.0 * k, 2.6 + 4.0 * k) for k in range(6)]
    samples = np.zeros((2, round(26.0 * RATE)), np.float32)
    samples[0] += 1e-3 * chance.standard_normal(samples.shape[1]).astype(np.float32)
    for start_s, end_s in said:
        for at_s, length_s, level in ((start_s, end_s - start_s - 0.2, 0.1), (end_s - 0.2, 0.2, 0.02)):
            spoken = voice(chance, length_s, level)
            samples[0, round(at_s * RATE) :][: len(spoken)] += spoken
    text = "send the second box to your office on"
    log = [Utterance(f"u{k}", "user", text, round(1e6 * a), round(1e6 * b)) for k, (a, b) in enumerate(said)]
    loud_alone = list(stricter(measured(samples), 0))[len(BELOW_DB) - 1]
    result = align(log, one_part(samples.shape[1]), loud_alone, ROLES)
    for place, (_, end_s) in zip(result.placements, said, strict=True):
        assert place.end_samples is not None
        assert place.end_samples / 48 == pytest.approx(1000 * end_s, abs=60)
