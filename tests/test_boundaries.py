"""Onsets and ends: where an utterance is audible, by its channel's power alone."""

from __future__ import annotations

import numpy as np
import pytest

from sessiontool.alignment.band_levels import DB_BOTTOM, DB_STEP, POWER_MS, Rows
from sessiontool.alignment.boundaries import snap

START_MS, END_MS, TOTAL_MS = 1000, 3000, 4000
SPEECH_DB = -15.0


def power(behind_db: np.ndarray, noise_db: float) -> Rows:
    """Speech from `START_MS` to `END_MS` in noise, and behind it what lies so much below it, each ms."""
    level = np.full(TOTAL_MS, noise_db)
    level[START_MS:END_MS] = SPEECH_DB
    level[END_MS : END_MS + len(behind_db)] = np.maximum(SPEECH_DB - behind_db, noise_db)
    rows = Rows()
    rows.append(np.round((level[::POWER_MS] - DB_BOTTOM) / DB_STEP).astype(np.uint8).tobytes())
    return rows


def end_ms(behind_db: np.ndarray, noise_db: float = -110.0) -> float:
    """Where the utterance ends if what is behind it sounds like speech to its end."""
    return snap(power(behind_db, noise_db), START_MS, END_MS + len(behind_db), 0, TOTAL_MS)[1].at_ms


@pytest.mark.parametrize("below_db", [20.0, 29.0, 31.5, 33.0])
def test_a_quiet_last_consonant_belongs_to_the_utterance(below_db: float) -> None:
    assert end_ms(np.full(84, below_db)) == pytest.approx(END_MS + 84, abs=5)


@pytest.mark.parametrize("lasting_ms", [60, 100])
def test_what_dies_away_behind_an_utterance_does_not(lasting_ms: int) -> None:
    assert end_ms(np.linspace(25, 60, lasting_ms)) == pytest.approx(END_MS, abs=20)


def test_a_steady_hum_behind_an_utterance_does_not() -> None:
    assert end_ms(np.full(100, 36.0)) == pytest.approx(END_MS, abs=5)


def test_what_noise_covers_is_not_made_out() -> None:
    assert end_ms(np.full(84, 33.0), noise_db=SPEECH_DB - 33) == pytest.approx(END_MS, abs=5)


@pytest.mark.parametrize("lasting_ms", [150, 250])
def test_a_breath_behind_an_utterance_does_not_however_long_it_is(lasting_ms: int) -> None:
    assert end_ms(np.full(lasting_ms, 45.0)) == pytest.approx(END_MS, abs=5)


@pytest.mark.parametrize("lasting_ms", [500, 900])
def test_what_is_far_below_an_utterance_for_long_does_not_belong_to_it(lasting_ms: int) -> None:
    rows = power(np.full(lasting_ms, 28.0), -110.0)
    assert snap(rows, START_MS, END_MS + lasting_ms, 0, TOTAL_MS)[1].at_ms == pytest.approx(END_MS, abs=5)
    backwards = Rows()
    backwards.append(rows[:][::-1].tobytes())
    start, _ = snap(backwards, TOTAL_MS - END_MS - lasting_ms, TOTAL_MS - START_MS, 0, TOTAL_MS)
    assert start.at_ms == pytest.approx(TOTAL_MS - END_MS, abs=5)


def test_a_plosive_that_is_released_late_and_faintly_does() -> None:
    behind_db = np.concatenate((np.full(190, 60.0), np.full(100, 27.0)))
    assert end_ms(behind_db) == pytest.approx(END_MS + 290, abs=5)


def test_a_long_last_consonant_does() -> None:
    assert end_ms(np.full(160, 33.0)) == pytest.approx(END_MS + 160, abs=5)


@pytest.mark.parametrize("closed_ms", [60, 140])
def test_the_release_of_a_last_plosive_belongs_to_the_utterance(closed_ms: int) -> None:
    behind_db = np.concatenate((np.full(closed_ms, 60.0), np.full(30, 34.0), np.full(20, 60.0)))
    assert end_ms(behind_db) == pytest.approx(END_MS + closed_ms + 30, abs=5)


@pytest.mark.parametrize(("closed_ms", "burst_ms", "burst_db"), [(20, 30, 36.0), (240, 30, 34.0), (100, 30, 45.0)])
def test_other_bursts_behind_an_utterance_do_not(closed_ms: int, burst_ms: int, burst_db: float) -> None:
    behind_db = np.concatenate((np.full(closed_ms, 60.0), np.full(burst_ms, burst_db), np.full(20, 60.0)))
    assert end_ms(behind_db) == pytest.approx(END_MS, abs=5)


def test_what_noise_usually_covers_of_an_end_is_added() -> None:
    dying = np.arange(160) / 4.0
    heard_ms, audible_ms = 40, 120  # until it is as loud as the noise, and until it is 30 dB below the utterance
    found = snap(power(dying, noise_db=SPEECH_DB - 10), START_MS, END_MS + heard_ms, 0, TOTAL_MS)[1]
    assert found.at_ms == pytest.approx(END_MS + audible_ms, abs=15)


def test_where_that_may_be_another_voice_it_is_not() -> None:
    behind = power(np.arange(160) / 4.0, noise_db=SPEECH_DB - 10)
    found = snap(behind, START_MS, END_MS + 40, 0, TOTAL_MS, noisy=False)[1]
    assert found.at_ms == pytest.approx(END_MS + 40, abs=15)


def test_of_little_noise_nothing_is_added() -> None:
    found = snap(power(np.zeros(0), noise_db=SPEECH_DB - 25), START_MS, END_MS, 0, TOTAL_MS)[1]
    assert found.at_ms == pytest.approx(END_MS, abs=5)


@pytest.mark.parametrize("early_ms", [0, 30, 65])
def test_what_begins_loud_begins_there_though_its_island_is_smoothed(early_ms: int) -> None:
    """The smoothing of scores reaches so far ahead where speech stands 50 dB out of the noise at once."""
    found = snap(power(np.zeros(0), noise_db=SPEECH_DB - 50), START_MS - early_ms, END_MS, 0, TOTAL_MS)[0]
    assert found.at_ms == pytest.approx(START_MS, abs=5)


@pytest.mark.parametrize("below_db", [12.0, 20.0])
def test_what_rises_from_the_noise_beyond_an_end_is_noticed(below_db: float) -> None:
    """A syllable that was not taken for speech, or somebody else's."""
    noise_db = SPEECH_DB - 32
    behind = np.concatenate((np.full(120, 99.0), np.full(80, below_db)))
    end = snap(power(behind, noise_db), START_MS, END_MS, 0, TOTAL_MS)[1]
    assert end.at_ms == pytest.approx(END_MS, abs=5)
    assert end.beyond_db == pytest.approx(-below_db, abs=1)
    assert snap(power(behind[:0], noise_db), START_MS, END_MS, 0, TOTAL_MS)[1].beyond_db == -np.inf
