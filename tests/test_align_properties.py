"""What must not matter does not: the same sound with another log finds the same places."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from speech import RATE, ROLES, activity, conversation, logged, measured, one_part, shifted, sound

from sessiontool.align import align
from sessiontool.model import Placement, Utterance

SEED, COUNT = 5, 30
CHANGED_SAMPLES = 48 * 5


def places(log: list[Utterance], seed: int = SEED) -> dict[str, Placement]:
    found = activity(seed, COUNT)
    result = align(log, one_part(found.duration_ms * RATE // 1000), found, ROLES)
    return {p.utterance.id: p for p in result.placements}


def same(one: dict[str, Placement], other: dict[str, Placement]) -> None:
    """The utterances that both have lie within 5 ms of one another."""
    shared = one.keys() & other.keys()
    assert shared
    for name in shared:
        a, b = one[name], other[name]
        assert (a.start_samples is None) == (b.start_samples is None), name
        if a.start_samples is not None and b.start_samples is not None:
            assert abs(a.start_samples - b.start_samples) < CHANGED_SAMPLES, name
            assert abs((a.end_samples or 0) - (b.end_samples or 0)) < CHANGED_SAMPLES, name


@given(st.integers(0, 4), st.floats(-8, 8))
@settings(max_examples=15, deadline=None)
def test_another_offset(seed: int, late_s: float) -> None:
    log = logged(conversation(seed, COUNT), seed)
    same(places(log, seed), places(shifted(log, round(1e6 * late_s)), seed))


@given(st.integers(0, 4), st.sampled_from([-150, -100, 100, 150]))
@settings(max_examples=8, deadline=None)
def test_another_pace(seed: int, ppm: int) -> None:
    log = logged(conversation(seed, COUNT), seed)
    paced = [
        replace(
            u,
            t_start_us=round((u.t_start_us or 0) * (1 + ppm * 1e-6)),
            t_end_us=round((u.t_end_us or 0) * (1 + ppm * 1e-6)),
        )
        for u in log
    ]
    same(places(log, seed), places(paced, seed))


@given(st.integers(0, 4), st.sets(st.integers(0, COUNT - 1), max_size=6))
@settings(max_examples=15, deadline=None)
def test_fewer_utterances(seed: int, left_out: set[int]) -> None:
    """Of the same role, what follows within a second could as well be the rest of what came before: those are kept."""
    said = conversation(seed, COUNT)
    log = logged(said, seed)
    alone = {k for k in left_out if all(said[k].role != said[n].role for n in (k - 1, k + 1) if 0 <= n < COUNT)}
    same(places(log, seed), places([u for k, u in enumerate(log) if k not in alone], seed))


@given(st.integers(0, 4), st.lists(st.tuples(st.integers(0, COUNT - 2), st.booleans()), max_size=5))
@settings(max_examples=15, deadline=None)
def test_more_text_that_nobody_said(seed: int, after: list[tuple[int, bool]]) -> None:
    said = conversation(seed, COUNT)
    log = logged(said, seed)
    text = "this is what the service made up while everybody was silent"
    mute = [
        Utterance(f"x{n}", "user", text, round(1e6 * (said[k].end_s - 0.3 * early)), None)
        for n, (k, early) in enumerate(after)
        if said[k].role == said[k + 1].role == "assistant"  # beside the user's own speech, nobody could tell
    ]
    same(places(log, seed), places([*log, *mute], seed))


def test_roles_and_channels_swapped_together() -> None:
    log = logged(conversation(SEED, COUNT), SEED)
    found = measured(sound(SEED, COUNT)[::-1].copy())
    turned = align(log, one_part(found.duration_ms * RATE // 1000), found, ROLES[::-1])
    same(places(log), {p.utterance.id: p for p in turned.placements})
    assert not any(f.code == "channels-swapped" for f in turned.findings)


def test_the_order_of_the_log() -> None:
    log = logged(conversation(SEED, COUNT), SEED)
    shuffled = [log[k] for k in np.random.default_rng(0).permutation(COUNT)]
    assert {k: (p.start_samples, p.end_samples) for k, p in places(log).items()} == {
        k: (p.start_samples, p.end_samples) for k, p in places(shuffled).items()
    }


def test_confidence_is_earned() -> None:
    """Less to go by must not mean more confidence: without ends, with noise, with text that does not fit."""
    log = logged(conversation(SEED, COUNT), SEED)
    usual = np.mean([p.confidence for p in places(log).values()])
    wrong = [replace(u, text=u.text * 2) if k % 3 == 0 else u for k, u in enumerate(log)]
    assert np.mean([p.confidence for p in places(wrong).values()]) < usual
    noisy = measured(sound(SEED, COUNT, 0.03))
    found = align(log, one_part(noisy.duration_ms * RATE // 1000), noisy, ROLES)
    mine = [p.confidence for p in found.placements if p.utterance.role == "user"]
    assert np.mean(mine) < usual
