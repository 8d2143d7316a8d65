from __future__ import annotations

import weakref
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speech import RATE, ROLES, activity, conversation, levels, measured, sound, voice

from sessiontool.alignment import speech_activity
from sessiontool.alignment.band_levels import FRAME_MS, POWER_MS, Rows, to_db
from sessiontool.alignment.noise_floor import behind_speech
from sessiontool.alignment.segments import AWAY_FRAMES, find_islands
from sessiontool.timeline import Span, Timeline

SEED, COUNT = 3, 20


def test_every_utterance_is_an_island_of_its_own_channel() -> None:
    found = activity(SEED, COUNT)
    for channel, role in enumerate(ROLES):
        truth = [(1000 * s.start_s, 1000 * s.end_s) for s in conversation(SEED, COUNT) if s.role == role]
        islands = found.channels[channel].islands
        assert len(islands) == len(truth)
        assert np.abs(islands - np.array(truth)).max() <= 6 * FRAME_MS


def test_of_a_channel_only_its_score_is_kept_while_the_next_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[weakref.ref[Any]] = []
    scores = speech_activity._scores

    def watched(*arguments: Any) -> Any:
        assert not any(one() is not None for one in made)
        score, faint, overall = scores(*arguments)
        made.extend((weakref.ref(faint), weakref.ref(overall)))
        return score, faint, overall

    monkeypatch.setattr(speech_activity, "_scores", watched)
    measured(sound(SEED, 4))
    assert len(made) >= 2 * len(ROLES)


@given(st.integers(1, 500), st.integers(0, 3))
@settings(max_examples=25, deadline=None)
def test_the_size_of_the_blocks_makes_no_difference(frames: int, seed: int) -> None:
    samples = sound(seed, 4)
    whole = levels(samples, block=160 * (samples.shape[1] // 160 + 1))
    pieces = levels(samples, block=160 * frames)
    for one, other in zip([*pieces.bands, *pieces.power], [*whole.bands, *whole.power], strict=True):
        assert np.array_equal(one[:], other[:])


@given(
    st.lists(st.tuples(st.integers(1, 90_000), st.floats(0, 2e-5)), min_size=1, max_size=4),
    st.integers(0, 3),
)
@settings(max_examples=40, deadline=None)
def test_silence_is_passed_over_where_its_levels_would_be_the_lowest(
    stretches: list[tuple[int, float]], seed: int
) -> None:
    random = np.random.default_rng(seed)
    samples = np.concatenate([random.choice([-1, 1], length) * peak for length, peak in stretches])[None]
    found = levels(samples.astype(np.float32))
    with patch("sessiontool.alignment.band_levels._SILENT", 0):
        looked_at = levels(samples.astype(np.float32))
    assert np.array_equal(found.bands[0][:], looked_at.bands[0][:])


@given(
    st.lists(st.binary(max_size=90).map(lambda data: data[: len(data) // 3 * 3])),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_rows_are_read_where_they_were_written(pieces: list[bytes], first: int, after: int) -> None:
    rows, everything = Rows(3), np.frombuffer(b"".join(pieces), np.uint8).reshape(-1, 3)
    for piece in pieces:
        rows.append(piece)
    assert len(rows) == len(everything)
    assert np.array_equal(rows[first:after], everything[first:after])
    assert np.array_equal(rows[-first:], everything[-first:])


@pytest.mark.parametrize("length", [0, 1, 15, 16, 159, 160, 161, 500, 5000])
@pytest.mark.parametrize("channels", [1, 2])
def test_recordings_shorter_than_a_window(length: int, channels: int) -> None:
    found = measured(np.full((channels, length), 0.1, np.float32))
    assert 0 <= found.duration_ms - length * 1000 / RATE < POWER_MS
    assert all(len(channel.power) * POWER_MS == found.duration_ms for channel in found.channels)


def test_digital_silence_and_steady_noise_hold_no_speech() -> None:
    assert not any(len(channel.islands) for channel in measured(np.zeros((2, 20 * RATE), np.float32)).channels)
    noise = 0.2 * np.random.default_rng(1).standard_normal((2, 20 * RATE)).astype(np.float32)
    assert not any(len(channel.islands) for channel in measured(noise).channels)


def test_hiss_that_an_encoder_codes_only_while_the_other_one_is_silent_is_no_speech() -> None:
    chance = np.random.default_rng(4)
    samples = sound(SEED, COUNT).copy()
    samples[0] = 1e-4 * chance.standard_normal(samples.shape[1])
    for said in conversation(SEED, COUNT):
        if said.role == "assistant":
            samples[0, round(said.start_s * RATE) : round(said.end_s * RATE)] = 0
    with patch("sessiontool.alignment.speech_activity.without_steady", lambda islands, _: islands):
        assert len(measured(samples).channels[0].islands), "it stands out beside what was left out"
    microphone, remote = measured(samples).channels
    assert not len(microphone.islands)
    assert len(remote.islands)


def test_levels_survive_being_bytes() -> None:
    for level in (1.0, 0.1, 1e-3):
        power = measured(np.full((1, RATE), level, np.float32)).channels[0].power
        assert np.abs(to_db(power[:]) - 20 * np.log10(level)).max() <= 0.3


def test_noise_and_speech_levels_are_told() -> None:
    quiet, loud = (measured(sound(SEED, COUNT, noise)).channels[0] for noise in (1e-4, 1e-2))
    assert loud.noise_db - quiet.noise_db == pytest.approx(40, abs=3)
    assert loud.snr_db < 25 < quiet.snr_db


@pytest.mark.parametrize(("gain_db", "delay_ms"), [(-20, 120), (-28, 60)])
def test_an_echo_is_measured_and_is_not_taken_for_speech(gain_db: float, delay_ms: int) -> None:
    samples = sound(SEED, 40).copy()
    late = delay_ms * RATE // 1000
    samples[0, late:] += 10 ** (gain_db / 20) * samples[1, :-late]
    found = measured(samples)
    (echo,) = found.leaks
    assert (echo.source, echo.target, echo.merged) == (1, 0, False)
    assert echo.delay_ms == pytest.approx(delay_ms, abs=15)
    assert echo.level_db == pytest.approx(gain_db, abs=4)
    spoken = [s for s in conversation(SEED, 40) if s.role == "user"]
    assert len(found.channels[0].islands) == len(spoken)


def test_merged_channels_are_told_apart_by_what_is_louder() -> None:
    samples = sound(SEED, 40)
    mixed = np.array([samples[0] + 0.4 * samples[1], samples[1] + 0.4 * samples[0]])
    found = measured(mixed)
    assert {(leak.source, leak.target) for leak in found.leaks if leak.merged} == {(0, 1), (1, 0)}
    for channel, role in enumerate(ROLES):
        spoken = [s for s in conversation(SEED, 40) if s.role == role]
        assert len(found.channels[channel].islands) == len(spoken)


def test_clean_channels_leak_nothing() -> None:
    assert activity(SEED, COUNT).leaks == ()


def test_a_short_pause_is_bridged_and_a_long_one_is_not() -> None:
    chance = np.random.default_rng(5)
    samples = 1e-3 * chance.standard_normal((1, 12 * RATE)).astype(np.float32)
    for at in (1.0, 2.1, 5.0, 6.5):  # 100 ms and 500 ms after what comes before
        samples[0, round(at * RATE) : round((at + 1) * RATE)] += voice(chance, 1.0)
    assert len(measured(samples).channels[0].islands) == 3


def test_islands_need_a_high_score_and_go_on_while_it_is_fair() -> None:
    score = np.zeros(200, np.float32)
    score[20:60] = 2.0  # fair all along, never high
    score[100:140] = 2.0
    score[120] = 5.0
    assert find_islands(score).tolist() == [[1000, 1400]]


def test_people_behind_the_speaker_are_noise() -> None:
    """Several voices, 25 dB below and never resting, are no speech of the user, whose ends stay where they are."""
    chance = np.random.default_rng(7)
    samples = sound(SEED, COUNT).copy()
    behind = np.zeros(samples.shape[1], np.float32)
    for _ in range(60):
        one = voice(chance, float(chance.uniform(0.4, 2.5)), 0.1 * 10 ** (-25 / 20))
        at = int(chance.integers(0, len(behind) - len(one)))
        behind[at : at + len(one)] += one
    samples[0] += behind
    truth = [(1000 * s.start_s, 1000 * s.end_s) for s in conversation(SEED, COUNT) if s.role == "user"]
    islands = measured(samples).channels[0].islands
    for start, end in truth:
        inside = islands[(islands[:, 1] > start) & (islands[:, 0] < end)]
        assert len(inside), "the user is heard"
        assert abs(inside[0, 0] - start) <= 100
        assert abs(inside[-1, 1] - end) <= 100
    spoken = sum(end - start for start, end in truth)
    assert (islands[:, 1] - islands[:, 0]).sum() < 1.1 * spoken, "the others hardly ever"


def test_silence_that_was_put_in_does_not_make_the_noise_beside_it_speech() -> None:
    chance = np.random.default_rng(9)
    samples = (0.01 * chance.standard_normal((2, 40 * RATE))).astype(np.float32)
    hole = slice(12 * RATE, 19 * RATE)
    samples[:, hole] = 0
    edges = [0, 3 * hole.start, 3 * hole.stop, 3 * samples.shape[1]]
    kinds = [("recorded", ""), ("silence", "lost"), ("recorded", "")]
    spans = [
        Span(kind, "0", cause, a, b, *(round(x / 0.048) for x in (a, b, a, b)))  # type: ignore[arg-type]
        for (kind, cause), a, b in zip(kinds, edges, edges[1:], strict=False)
    ]
    with patch("sessiontool.alignment.speech_activity.without_steady", lambda islands, _: islands):
        assert len(measured(samples).channels[0].islands), "this is what happens without knowing of the hole"
        assert not any(len(channel.islands) for channel in measured(samples, timeline=Timeline(spans)).channels)


def test_what_a_decoder_makes_up_behind_a_hole_is_no_speech() -> None:
    samples = np.zeros((1, 30 * RATE), np.float32)
    spoken = voice(np.random.default_rng(2), 2.0)
    samples[0, 5 * RATE : 7 * RATE] = spoken
    blip = RATE // 100
    samples[0, 20 * RATE : 20 * RATE + blip] = spoken[:blip]
    us, rate = 1_000_000, 48_000
    spans = [
        Span("recorded", "0", "", 0, 12 * rate, 0, 12 * us, 0, 12 * us),
        Span("silence", "0", "lost", 12 * rate, 20 * rate, 12 * us, 20 * us, 12 * us, 20 * us),
        Span("recorded", "0", "", 20 * rate, 30 * rate, 20 * us, 30 * us, 20 * us, 30 * us),
    ]
    assert len(measured(samples).channels[0].islands) == 2
    assert len(measured(samples, timeline=Timeline(spans)).channels[0].islands) == 1
    samples[0, 20 * RATE : 22 * RATE] = spoken
    assert len(measured(samples, timeline=Timeline(spans)).channels[0].islands) == 2


@given(st.sets(st.integers(0, 12_999), min_size=1, max_size=40))
@settings(max_examples=25, deadline=None)
def test_what_is_behind_the_speaker_is_away_from_what_is_loud_in_any_minute(loud: set[int]) -> None:
    overall = np.full(13_000, 50, np.uint8)
    overall[:700] = 200  # the loudest twentieth, by which it is told what is loud
    overall[sorted(loud)] = 200
    away = [overall[max(0, k - AWAY_FRAMES) : k + AWAY_FRAMES + 1].max() != 200 for k in range(len(overall))]
    found = behind_speech(np.full(13_000, 12, np.float16), overall)
    assert found is not None
    assert found.tolist() == away
