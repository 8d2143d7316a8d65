"""The stretches of speech inside what was placed: its pauses are known, and its edges are its own."""

from __future__ import annotations

import numpy as np
import pytest
from speech import RATE, ROLES, measured, one_part, voice

from sessiontool.align import align
from sessiontool.model import Utterance

PAUSE_S = (3.0, 4.0)


@pytest.fixture(scope="module")
def stretches() -> tuple[tuple[int, int], ...]:
    """Of one utterance from 2 to 5.5 s that holds its breath for a second."""
    chance = np.random.default_rng(5)
    samples = (1e-3 * chance.standard_normal((2, 9 * RATE))).astype(np.float32)
    for start_s, end_s in ((2.0, PAUSE_S[0]), (PAUSE_S[1], 5.5)):
        samples[0, round(start_s * RATE) : round(end_s * RATE)] += voice(chance, end_s - start_s)
    text = "we could send it on friday, or, if nobody minds, on monday"
    log = [
        Utterance("u0", "user", text, 2_000_000, 5_500_000),
        Utterance("u1", "assistant", "nobody ever said this", 7_000_000, 8_000_000),
    ]
    placed, silent = align(log, one_part(samples.shape[1]), measured(samples), ROLES).placements
    assert (silent.start_samples, silent.speech) == (None, ())
    assert placed.start_samples is not None
    assert placed.speech[0][0] == placed.start_samples
    assert placed.speech[-1][1] == placed.end_samples
    return placed.speech


def test_a_pause_parts_them(stretches: tuple[tuple[int, int], ...]) -> None:
    assert len(stretches) == 2
    (_, pause_start), (pause_end, _) = stretches
    assert (pause_start / 48_000, pause_end / 48_000) == pytest.approx(PAUSE_S, abs=0.08)


def test_they_are_in_order_and_hold_something(stretches: tuple[tuple[int, int], ...]) -> None:
    edges = [edge for stretch in stretches for edge in stretch]
    assert edges == sorted(set(edges))
