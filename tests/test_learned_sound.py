"""What is learned from a session's own sound: the speaker before others, two voices on one channel, a clock far off."""

from __future__ import annotations

import json
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from speech import RATE, ROLES, TEXT, conversation, errors_ms, logged, measured, one_part, shifted, sound, voice

from sessiontool.align import Alignment, align
from sessiontool.alignment.learned_speech import learned
from sessiontool.alignment.timbre import frames_in
from sessiontool.alignment.two_voices import second_voice, voice_changes
from sessiontool.documents.utterances import read_utterances
from sessiontool.model import Utterance

SEED, COUNT = 21, 40
SMALL = Path(__file__).parent / "data" / "dialogues" / "small"


def coloured(samples: np.ndarray, taps: np.ndarray) -> np.ndarray:
    return np.convolve(samples, taps, mode="same").astype(np.float32)


@cache
def small() -> tuple[np.ndarray, list[Utterance], dict[str, dict[str, Any]]]:
    """A dialogue of speech: its sound, its log, and the truth of what can be heard."""
    log = read_utterances((SMALL / "utterances.jsonl").read_bytes(), "utterances.jsonl")[0]
    truth = {one["id"]: one for one in json.loads((SMALL / "truth.json").read_text())["utterances"]}
    with av.open(str(SMALL / "chunks" / "000" / "000000.webm")) as file:
        resampler = av.AudioResampler("fltp", "stereo", RATE)
        blocks = [part.to_ndarray() for frame in file.decode(audio=0) for part in resampler.resample(frame)]
    return np.concatenate(blocks, axis=1), log, {name: one for name, one in truth.items() if one.get("t0") is not None}


@cache
def crowded(voices: int, below_db: float) -> np.ndarray:
    """The dialogue, and behind the user the assistant's speech backwards, in several voices at once."""
    samples, _, truth = small()
    user, assistant = (
        np.concatenate([_cut(samples, one) for one in truth.values() if one["role"] == role]) for role in ROLES
    )
    talk = assistant[::-1]
    behind = sum(np.resize(np.roll(talk, k * 7 * RATE // 2), samples.shape[1]) for k in range(voices))
    behind *= np.sqrt(np.mean(user**2) / np.mean(behind**2)) * 10 ** (-below_db / 20)
    mixed: np.ndarray = samples + np.array([[1], [0]], np.float32) * behind
    return mixed


def _cut(samples: np.ndarray, one: dict[str, Any]) -> np.ndarray:
    return samples[ROLES.index(one["role"]), round(one["t0"] * RATE) : round(one["t1"] * RATE)]


@pytest.mark.parametrize(("voices", "below_db"), [(1, 9), (2, 6)])
def test_a_speaker_before_others_is_found(voices: int, below_db: float) -> None:
    samples = crowded(voices, below_db)
    _, log, truth = small()
    result = align(log, one_part(samples.shape[1]), measured(samples), ROLES)
    off_ms = [
        max(abs(p.start_samples / 48 - 1000 * true["t0"]), abs(p.end_samples / 48 - 1000 * true["t1"]))
        for p in result.placements
        if (true := truth.get(p.utterance.id)) and true["role"] == "user" and p.start_samples and p.end_samples
    ]
    assert len(off_ms) >= 5
    assert np.median(off_ms) < 250
    assert max(off_ms) < 1000


def test_what_a_speaker_sounds_like_is_learned_from_times_that_are_off() -> None:
    channel = measured(crowded(1, 9)).channels[0]
    true = [(1000 * one["t0"], 1000 * one["t1"]) for one in small()[2].values() if one["role"] == "user"]
    better = learned(channel, [(start - 250, end + 150) for start, end in true])
    assert better is not None

    def wrong(islands: np.ndarray) -> float:
        heard, spoken = (frames_in(stretches, len(channel.score)) for stretches in (islands.tolist(), true))
        return float((heard != spoken).mean())

    assert wrong(better.islands) < wrong(channel.islands) / 2
    assert learned(channel, [(1000.0, 1900.0)]) is None, "too little to learn from"


def spoken_in_turns(darker: bool) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """Sixteen turns of two people on one channel, one beginning where the other ends, and their times in ms."""
    chance = np.random.default_rng(8)
    turns, at = [], 500.0
    samples = 1e-4 * chance.standard_normal(60 * RATE).astype(np.float32)
    for k in range(16):
        seconds = float(chance.uniform(1, 3))
        said = voice(chance, seconds)
        first = round(at * RATE / 1000)
        samples[first : first + len(said)] += coloured(said, np.hanning(20)) / 5 if darker and k % 2 else said
        turns.append((at, at + 1000 * seconds))
        at += 1000 * seconds + (700 if k % 4 == 3 else 0)
    return samples[None], turns


def test_two_voices_on_one_channel_change_where_one_gives_way_to_the_other() -> None:
    samples, turns = spoken_in_turns(darker=True)
    log_odds = second_voice(measured(samples).channels[0], turns[::2], turns[1::2])
    assert log_odds is not None
    changes = voice_changes(log_odds)
    for k, ((_, end), (start, _)) in enumerate(pairwise(turns)):
        if end == start:
            assert np.abs(changes[k % 2] - end).min() <= 60


def test_voices_that_sound_alike_are_not_told_apart() -> None:
    samples, turns = spoken_in_turns(darker=False)
    assert second_voice(measured(samples).channels[0], turns[::2], turns[1::2]) is None
    assert second_voice(measured(samples).channels[0], turns[:2], turns[2:4]) is None


def answers_cut_off(darker: bool, seed: int) -> tuple[np.ndarray, list[Utterance], list[float], set[str]]:
    """Two on one channel who speak at once when an answer is cut off; log, true starts in s, and who was cut."""
    chance = np.random.default_rng(seed)
    samples = 1e-4 * chance.standard_normal(110 * RATE).astype(np.float32)
    log, starts_s, cut, at = [], [], set(), 1.0
    for k in range(32):
        role, seconds = ROLES[k % 2], float(chance.uniform(1.6, 2.6))
        text = TEXT[: round(14.5 * (seconds * float(chance.uniform(0.9, 1.1)) - 0.25))]
        if k % 8 == 5:
            cut.add(f"u{k}")
            seconds *= 0.45
        said = voice(chance, seconds)
        first = round(at * RATE)
        samples[first : first + len(said)] += coloured(said, np.hanning(20)) / 5 if darker and k % 2 else said
        logged_us = round(1e6 * (at + float(chance.uniform(-0.2, 0.2))))
        log.append(Utterance(f"u{k}", role, text, logged_us, None))
        starts_s.append(at)
        at += seconds + (-0.3 if f"u{k}" in cut else float(chance.uniform(0.5, 1.0)))
    return samples[None], log, starts_s, cut


@pytest.mark.parametrize("darker", [True, False])
def test_who_cuts_an_answer_off_on_the_same_channel_keeps_what_they_say(darker: bool) -> None:
    """By the voices where they can be told apart, otherwise by the log; in sound without any pause not always."""
    samples, log, starts_s, cut = answers_cut_off(darker, 4)
    result = align(log, one_part(samples.shape[1]), measured(samples), ["mixed"])
    for place, start_s in zip(result.placements, starts_s, strict=True):
        assert place.start_samples is not None, place.utterance.id
        assert abs(place.start_samples / 48_000 - start_s) < 0.25
    assert len(cut & {p.utterance.id for p in result.placements if p.status == "clipped"}) >= len(cut) - 1


def mixed_without_times(seed: int) -> tuple[np.ndarray, list[Utterance], dict[str, float]]:
    """Two people on one channel, some of whose turns have no text; the log without times, and the true starts in s."""
    chance = np.random.default_rng(seed)
    samples = 1e-4 * chance.standard_normal(110 * RATE).astype(np.float32)
    log, starts_s, at = [], {}, 1.0
    for k in range(30):
        role = ROLES[int(chance.random() < 0.5) if k % 3 == 2 else k % 2]
        seconds = float(chance.uniform(1.0, 2.6))
        said = voice(chance, seconds)
        first = round(at * RATE)
        samples[first : first + len(said)] += coloured(said, np.hanning(20)) / 5 if role == "assistant" else said
        if k % 7 != 3:
            text = TEXT[: max(4, round(14.5 * (seconds * float(chance.uniform(0.8, 1.25)) - 0.25)))]
            log.append(Utterance(f"u{k}", role, text, None, None))
            starts_s[f"u{k}"] = at
        at += seconds + float(chance.uniform(0.4, 0.9))
    return samples[None], log, starts_s


def test_of_two_voices_on_one_channel_each_takes_its_own_turns_where_the_log_has_no_times() -> None:
    """By lengths and order alone one text in nine takes a turn that has none, and its neighbours follow."""
    samples, log, starts_s = mixed_without_times(3)
    result = align(log, one_part(samples.shape[1]), measured(samples), ["mixed"])
    for place in result.placements:
        assert place.start_samples is not None
        assert abs(place.start_samples / 48_000 - starts_s[place.utterance.id]) < 0.3


@cache
def by_a_clock(off_s: int) -> Alignment:
    log = shifted(logged(conversation(SEED, COUNT), SEED), 1_000_000 * off_s)
    return align(log, one_part(sound(SEED, COUNT).shape[1]), measured(sound(SEED, COUNT)), ROLES)


@pytest.mark.parametrize("off_s", [100, -400, 3600, -19_800])
def test_a_clock_that_is_off_by_minutes_or_hours_is_found_by_the_sound(off_s: int) -> None:
    result = by_a_clock(off_s)
    errors = np.abs(errors_ms([(p.start_samples, p.end_samples) for p in result.placements], conversation(SEED, COUNT)))
    assert np.isfinite(errors).all()
    assert (errors.max(axis=1) < 100).mean() > 0.9
    assert next(f.code for f in result.findings) == "clock-far-off"
    assert result.parts[0].offset_ms == pytest.approx(-1000 * off_s, abs=500)


def test_a_clock_that_is_right_is_not_moved_nor_that_of_another_session() -> None:
    assert "clock-far-off" not in {f.code for f in by_a_clock(0).findings}
    other = shifted(logged(conversation(5, COUNT), 5), 3_600_000_000)
    samples = sound(SEED, COUNT)
    result = align(other, one_part(samples.shape[1]), measured(samples), ROLES)
    assert "clock-far-off" not in {f.code for f in result.findings}
    few = [Utterance(f"u{k}", "user", TEXT, 3_600_000_000 + k * 9_000_000, None) for k in range(3)]
    assert "clock-far-off" not in {
        f.code for f in align(few, one_part(samples.shape[1]), measured(samples), ROLES).findings
    }
