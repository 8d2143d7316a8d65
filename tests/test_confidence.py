"""Confidence: the weights in use are those that the benchmark fits, and do what the documentation says of them."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from speech import ROLES, measured, one_part, voice

from sessiontool.align import align
from sessiontool.alignment.confidence import (
    BESIDE_MS,
    BIAS,
    FAR_OFF,
    HARDLY_FIT_STRICTER,
    MOST_BESIDE,
    MOST_GUESSED,
    UNFIT,
    WEIGHTS,
    Evidence,
    confidence,
    features,
    support,
)
from sessiontool.alignment.edge_sound import edge_sounds
from sessiontool.model import SURE, Utterance

PROJECT = Path(__file__).parents[1]
RATE = 16_000
SOUND = Evidence(
    channel=0,
    start_residual_ms=0,
    end_residual_ms=0,
    start_spread_ms=200,
    end_spread_ms=400,
    length_ratio=1,
    start_contrast_db=40,
    end_contrast_db=40,
    snr_db=50,
    cost=0,
    left_over_ms=9999,
    made_up=False,
    shared=False,
)


@cache
def benchmark() -> Any:
    spec = importlib.util.spec_from_file_location("confidence_benchmark", PROJECT / "benchmarks" / "confidence.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def rows() -> list[Any]:
    return list(benchmark().loaded(PROJECT / "benchmarks" / "confidence.npz"))


@cache
def held_out_chances() -> Any:
    return benchmark().held_out_chances(rows())


def test_the_weights_in_use_are_what_the_benchmark_fits() -> None:
    assert benchmark().fit(rows()) == (BIAS, WEIGHTS)


def test_the_documentation_has_the_benchmarks_table() -> None:
    page = (PROJECT / "docs" / "alignment.md").read_text()
    for line in benchmark().table(rows(), held_out_chances()):
        assert line in page


def test_nothing_is_sure_by_the_log_of_another_session() -> None:
    assert max(c for row, c in zip(rows(), held_out_chances(), strict=True) if row.log == "another session's") < 0.8


def test_what_is_sure_of_sessions_that_were_held_out_is_right() -> None:
    chance = held_out_chances()
    right = np.array([row.right for row in rows()])
    assert len({row.session for row in rows()}) >= 30
    assert right[chance >= 0.9].mean() >= 0.95
    assert right[(chance >= 0.8) & (chance < 0.9)].mean() >= 0.8
    assert right[chance < 0.5].mean() < 0.5


@pytest.mark.parametrize(
    "doubt",
    [
        {"start_residual_ms": 700.0},
        {"length_off": 3.0},
        {"length_off": -3.0},
        {"snr_db": 9.0},
        {"end_contrast_db": 1.0},
        {"left_over_ms": 100.0},
        {"made_up": True},
        {"company": 0.2},
        {"stricter": True},
        {"disputed": 1.0},
        {"lost_inside": 0.9},
        {"soft_start_ms": 240.0},
        {"soft_end_ms": 300.0},
        {"before": 9.0},
        {"behind": 4.0},
        {"early_dip": 0.0},
        {"end_likeness": 0.0},
        {"start_beyond_db": -14.0},
        {"end_beyond_db": -14.0},
        {"left_ahead_ms": 300.0},
    ],
)
def test_every_doubt_lowers_confidence(doubt: dict[str, Any]) -> None:
    doubted = replace(SOUND, **doubt)
    assert confidence(doubted) < confidence(SOUND)
    assert support(doubted) <= support(SOUND)
    assert all(0 <= value <= 1 for value in features(doubted).values())


def test_a_place_without_a_time_is_no_surer_than_the_order_tells_it() -> None:
    assert confidence(replace(SOUND, pinned=1.0)) == confidence(SOUND)
    for chance in (0.0, 0.3, 0.79):
        assert confidence(replace(SOUND, pinned=chance)) == pytest.approx(chance * confidence(SOUND))


def test_nothing_of_a_log_that_does_not_fit_the_sound_is_better_than_a_guess() -> None:
    assert confidence(replace(SOUND, misfit=UNFIT - 0.01)) > MOST_GUESSED
    assert confidence(replace(SOUND, misfit=UNFIT)) <= MOST_GUESSED
    assert confidence(replace(SOUND, misfit=HARDLY_FIT_STRICTER)) > 0.8
    assert confidence(replace(SOUND, misfit=HARDLY_FIT_STRICTER, stricter=True)) == MOST_BESIDE


def test_a_place_far_from_the_logs_own_time_is_no_better_than_a_guess() -> None:
    far_ms = (FAR_OFF + 0.1) * SOUND.start_spread_ms
    assert confidence(replace(SOUND, start_residual_ms=far_ms - 0.2 * SOUND.start_spread_ms)) > MOST_GUESSED
    assert confidence(replace(SOUND, start_residual_ms=-far_ms)) <= MOST_GUESSED
    assert confidence(replace(SOUND, start_residual_ms=far_ms, pinned=1.0)) > MOST_GUESSED


def test_where_the_other_voice_of_a_channel_may_hide_an_edge_the_place_is_not_sure() -> None:
    assert confidence(replace(SOUND, beside_ms=BESIDE_MS)) > 0.8
    assert confidence(replace(SOUND, beside_ms=BESIDE_MS - 1)) == MOST_BESIDE


def test_sound_just_outside_an_edge_is_a_doubt() -> None:
    """It may belong to the utterance, whatever else it seems to be."""
    chance = np.random.default_rng(6)
    samples = np.zeros((2, 20 * RATE), np.float32)
    samples[0] += 1e-3 * chance.standard_normal(samples.shape[1]).astype(np.float32)
    starts_s = (2.0, 3.65, 14.0)
    for at in starts_s:
        samples[0, round(at * RATE) : round((at + 1.5) * RATE)] += voice(chance, 1.5)
    said = [Utterance(f"u{at}", "user", "could you say that once again", round(1e6 * at), None) for at in starts_s]
    evidence = align(said, one_part(samples.shape[1]), measured(samples), ROLES).evidence
    first, second, alone = (one for one in evidence if one is not None)
    assert max(first.before, second.behind, alone.before, alone.behind) < 1
    assert min(first.behind, second.before) > 2
    assert confidence(first) < confidence(replace(first, behind=alone.behind))


def test_a_pause_at_which_the_text_would_end_is_a_doubt_where_more_is_heard_than_was_said() -> None:
    """The speaker went on with what the log does not have."""
    too_long = replace(SOUND, length_ratio=1.8, length_off=2.0)
    assert confidence(replace(too_long, shorter_off=0.2)) < confidence(replace(too_long, shorter_off=2.0))
    assert confidence(replace(too_long, shorter_off=2.0)) == confidence(too_long)
    chance = np.random.default_rng(6)
    samples = 1e-3 * chance.standard_normal((2, 40 * RATE)).astype(np.float32)
    starts_s = np.arange(2.0, 36.0, 4.0)
    for at, long_s in (*((at, 1.5) for at in starts_s), (starts_s[4] + 1.7, 0.7)):
        first = round(at * RATE)
        samples[0, first : first + round(long_s * RATE)] += voice(chance, long_s)
    said = [Utterance(f"u{at}", "user", "could you say that once again", round(1e6 * at), None) for at in starts_s]
    places = align(said, one_part(samples.shape[1]), measured(samples), ROLES)
    offs = [one.length_off - abs(one.shorter_off) for one in places.evidence if one is not None]
    assert offs[4] > 1.25
    assert np.isnan(offs[:4] + offs[5:]).all()


@pytest.mark.parametrize("at_start", [False, True])
def test_a_clatter_that_is_taken_for_an_edge_is_a_doubt(at_start: bool) -> None:
    """It is as loud as speech, and sounds like the clatter that is heard while nobody speaks."""
    chance = np.random.default_rng(6)
    samples = 1e-3 * chance.standard_normal((1, 60 * RATE)).astype(np.float32)
    places = [(at, at + 1500.0) for at in np.arange(2000.0, 56_000.0, 4000.0)]
    for start, _ in places:
        first = round(start * RATE / 1000)
        samples[0, first : first + RATE * 3 // 2] += voice(chance, 1.5)
    clatter = 0.1 * np.sin(2 * np.pi * 4000 * np.arange(RATE * 3 // 10) / RATE).astype(np.float32)
    for at in (*np.arange(4.6, 56, 8), 7.5):
        samples[0, round(at * RATE) : round(at * RATE) + len(clatter)] += clatter
    samples[0, round(5.6 * RATE) : round(5.6 * RATE) + len(clatter)] += clatter
    right = edge_sounds(measured(samples).channels[0], places)
    off = (5600.0, 7500.0) if at_start else (6000.0, 7800.0)
    wrong = edge_sounds(measured(samples).channels[0], [places[0], off, *places[2:]])[1]
    if at_start:
        assert wrong.early_dip < 1 < min(one.early_dip for one in right)
    else:
        assert wrong.end_likeness < 0 < min(one.end_likeness for one in right)


def test_texts_after_the_end_are_no_better_than_a_guess_where_only_they_show_that_the_clock_jumped() -> None:
    """Somebody spoke without a text until the recorder was stopped, and typed afterwards."""
    chance = np.random.default_rng(6)
    samples = np.zeros((2, 60 * RATE), np.float32)
    samples[0] += 1e-3 * chance.standard_normal(samples.shape[1]).astype(np.float32)
    starts_s = (2, 9, 13, 22, 27, 35, 44, 51)
    for at in starts_s:
        samples[0, at * RATE : (at + 1) * RATE + RATE // 2] += voice(chance, 1.5)
    logged_s = (*starts_s[:6], *(at + 20 for at in starts_s[6:]))
    said = "could you say that once again"
    log = [Utterance(f"u{at}", "user", said, at * 1_000_000, at * 1_000_000 + 1_500_000) for at in logged_s]
    result = align(log, one_part(samples.shape[1]), measured(samples), ROLES)
    assert min(p.confidence for p in result.placements[:6]) > 0.8
    assert max(p.confidence for p in result.placements[6:]) <= MOST_GUESSED
    said_so = next(finding for finding in result.findings if finding.code == "texts-after-end")
    assert "2 utterances are after the end of the recording by the log's clock: u64, u71" in said_so.message


def test_of_texts_that_are_alike_and_one_of_which_was_never_said_none_is_sure() -> None:
    chance = np.random.default_rng(6)
    samples = np.zeros((2, 30 * RATE), np.float32)
    samples[0] += 1e-3 * chance.standard_normal(samples.shape[1]).astype(np.float32)
    for at in range(2, 26, 6):
        samples[0, at * RATE : (at + 1) * RATE + RATE // 2] += voice(chance, 1.5)
    said = "could you say that once again"
    log = [Utterance(f"u{k}", "user", said, None, None) for k in range(5)]
    result = align(log, one_part(samples.shape[1]), measured(samples), ROLES)
    placed = [p for p in result.placements if p.start_samples is not None]
    assert len(placed) == 4
    assert max(p.confidence for p in placed) < SURE
    known = align(log[:4], one_part(samples.shape[1]), measured(samples), ROLES)
    assert all(p.confidence > MOST_GUESSED for p in known.placements)


def test_sound_of_another_is_not_sure_where_two_arrangements_are_nearly_as_good() -> None:
    """Before the last answer but one somebody coughs, and a text that was never said follows one that was."""
    chance = np.random.default_rng(6)
    samples = np.zeros((2, 60 * RATE), np.float32)
    samples += 1e-3 * chance.standard_normal(samples.shape).astype(np.float32)
    heard = [
        (0, 2.0, 1.5),
        (1, 5.0, 3.0),
        (0, 9.5, 1.3),
        (1, 12.0, 3.0),
        (0, 15.8, 1.8),
        (1, 19.0, 3.0),
        (0, 23.0, 1.5),
    ]
    for channel, at, length in heard:
        samples[channel, round(at * RATE) :][: round(length * RATE)] += voice(chance, length)
    question, answer = "could you say that once again", "there is a smaller room on the second floor that you may have"
    texts = (question, answer, answer, question + " please", "no wait is there something cheaper", answer, question)
    roles = ("user", "assistant", "assistant", "user", "user", "assistant", "user")
    log = [Utterance(f"u{k}", role, text, None, None) for k, (role, text) in enumerate(zip(roles, texts, strict=True))]
    placed = align(log, one_part(samples.shape[1]), measured(samples), ROLES).placements
    assert placed[3].start_samples is not None
    assert placed[3].confidence < SURE
    assert min(p.confidence for p in placed[:3]) > SURE
