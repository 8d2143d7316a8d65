"""Two recordings of one conversation: the sample's own, and what other recorders would have made of its sound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from test_import import RATE, SAMPLES, own, sound, wav

from sessiontool import MergeOptions, merge
from sessiontool.alignment.recordings import Comparison, Missing, compare
from sessiontool.audio.energy import energy_of
from sessiontool.errors import NotFoundError, UsageError
from sessiontool.sessions.compare import _missing
from sessiontool.sessions.fill_gaps import Filled
from sessiontool.sessions.second_recording import SecondRecording
from sessiontool.timeline import Timeline

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

WITHIN_MS = 10.0
WITHIN_S = 0.05


@pytest.fixture(scope="module")
def levels(tmp_path_factory: pytest.TempPathFactory) -> Floats:
    """Those of the sample's own recording."""
    path = tmp_path_factory.mktemp("own") / "audio.webm"
    path.write_bytes(own()[0])
    return energy_of(path)


def as_by_another_microphone(lanes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quieter, duller, and with a noise of its own."""
    chance = np.random.default_rng(5)
    duller = np.stack([np.convolve(lane, np.hanning(5) / 2, "same") for lane in lanes])
    return 0.6 * duller + chance.normal(0, 1e-3, lanes.shape)


def stretched(lanes: NDArray[np.float64], ppm: float) -> NDArray[np.float64]:
    """The sound of a recorder whose clock is fast."""
    places = np.arange(int(lanes.shape[1] * (1 + ppm * 1e-6))) / (1 + ppm * 1e-6)
    return np.stack([np.interp(places, np.arange(lanes.shape[1]), lane) for lane in lanes])


@pytest.mark.parametrize("late_s", [0.0, 1.234, 7.5])
def test_one_that_was_begun_earlier(late_s: float, levels: Floats, tmp_path: Path) -> None:
    silence = np.zeros((2, round(late_s * RATE)))
    file = wav(tmp_path / "b.wav", as_by_another_microphone(np.concatenate((silence, sound()), axis=1)))
    found = compare(levels, energy_of(file))
    assert found.offset_s == pytest.approx(late_s, abs=WITHIN_MS / 1000)
    assert abs(found.drift_ppm) < 100
    assert found.alike == 1.0
    assert found.swapped is False
    assert found.missing == ()


def test_one_that_was_begun_later(levels: Floats, tmp_path: Path) -> None:
    file = wav(tmp_path / "b.wav", as_by_another_microphone(sound()[:, 3 * RATE :]))
    assert compare(levels, energy_of(file)).offset_s == pytest.approx(-3, abs=WITHIN_MS / 1000)


def test_channels_the_other_way_round(levels: Floats, tmp_path: Path) -> None:
    assert compare(levels, energy_of(wav(tmp_path / "b.wav", sound()[::-1]))).swapped is True


def test_one_channel_alone(levels: Floats, tmp_path: Path) -> None:
    mixed = sound().mean(axis=0, keepdims=True)
    found = compare(levels, energy_of(wav(tmp_path / "b.wav", mixed)))
    assert found.offset_s == pytest.approx(0, abs=WITHIN_MS / 1000)
    assert found.swapped is None


def test_a_clock_that_is_fast(levels: Floats, tmp_path: Path) -> None:
    found = compare(levels, energy_of(wav(tmp_path / "b.wav", stretched(sound(), 300))))
    assert found.drift_ppm == pytest.approx(300, abs=100)
    assert found.missing == ()


@pytest.mark.parametrize("at_s", [20.0, 40.0, 61.0])
def test_five_seconds_that_were_left_out_of_the_other(at_s: float, levels: Floats, tmp_path: Path) -> None:
    lanes, first = as_by_another_microphone(sound()), round(at_s * RATE)
    file = wav(tmp_path / "b.wav", np.concatenate((lanes[:, :first], lanes[:, first + 5 * RATE :]), axis=1))
    (one,) = compare(levels, energy_of(file)).missing
    assert (one.lacks, one.filled) == ("second", False)
    assert one.length_s == pytest.approx(5, abs=WITHIN_S)
    assert one.at_s == pytest.approx(at_s, abs=0.5)


def test_five_seconds_that_this_one_lacks(levels: Floats, tmp_path: Path) -> None:
    lanes, first = sound(), 40 * RATE
    more = lanes[:, 10 * RATE : 15 * RATE]
    file = wav(tmp_path / "b.wav", np.concatenate((lanes[:, :first], more, lanes[:, first:]), axis=1))
    (one,) = compare(levels, energy_of(file)).missing
    assert one.lacks == "first"
    assert one.length_s == pytest.approx(5, abs=WITHIN_S)
    assert one.at_s == pytest.approx(40, abs=0.5)


def test_silence_in_the_place_of_speech(levels: Floats, tmp_path: Path) -> None:
    lanes = sound().copy()
    lanes[:, 40 * RATE : 45 * RATE] = 0
    found = compare(levels, energy_of(wav(tmp_path / "b.wav", lanes)))
    missing_s = sum(one.length_s for one in found.missing)
    assert {one.lacks for one in found.missing} == {"second"}
    assert all(one.filled for one in found.missing)
    assert 2.0 < missing_s <= 5.05


def findings(tmp_path: Path, **options: Any) -> dict[str, str]:
    """The findings of a merge with a comparison: severities by code."""
    result = merge("demo", store=SAMPLES, output=tmp_path, options=MergeOptions(align=False, **options))
    return {one.code: one.severity for one in result.findings}


def test_what_the_clock_does_not_know_to_be_missing_is_an_error(tmp_path: Path) -> None:
    lanes, first = sound(), 40 * RATE
    more = lanes[:, 10 * RATE : 15 * RATE]
    file = wav(tmp_path / "b.wav", np.concatenate((lanes[:, :first], more, lanes[:, first:]), axis=1))
    found = merge("demo", store=SAMPLES, output=tmp_path, options=MergeOptions(align=False, against=str(file)))
    assert found.status == "partial"
    (one,) = [one for one in found.findings if one.code == "compared-missing"]
    assert one.severity == "error"
    assert one.lost_ms == pytest.approx(5000, abs=1000 * WITHIN_S)


@pytest.mark.parametrize("lost", [1, 30])
def test_what_is_lost_is_said_however_much_else_differs(lost: int) -> None:
    missing = [Missing("second", at, 1.0, filled=True) for at in range(30)]
    missing += [Missing("first", 100.0 + at, 1.0, filled=False) for at in range(lost)]
    comparison = Comparison(0.0, 0.0, 1.0, swapped=False, missing=tuple(missing))
    second = SecondRecording("b.wav", fills=False)
    found = list(_missing(second, comparison, Filled(cast("Any", None)), Timeline([])))
    assert sum(one.severity == "error" for one in found) == min(lost, 21)
    assert found[-1].message.startswith(f"{30 + lost - 20} more")


def test_another_conversation_is_said_to_be_one(tmp_path: Path) -> None:
    chance = np.random.default_rng(2)
    file = wav(tmp_path / "b.wav", chance.normal(0, 0.1, (2, 30 * RATE)))
    assert findings(tmp_path, fill_from=str(file))["compared-unlike"] == "warning"


def test_a_file_without_sound_is_said(tmp_path: Path) -> None:
    (tmp_path / "b.wav").write_bytes(b"no sound at all")
    assert findings(tmp_path, against=str(tmp_path / "b.wav"))["compared-not-there"] == "warning"


def test_a_recording_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no other recording server"):
        findings(tmp_path, against="server")
    assert findings(tmp_path, against="{session}-server")["compared-not-there"] == "warning"  # of this one, not yet


def test_two_recordings_at_once_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="are two recordings"):
        findings(tmp_path, against="a", fill_from="b")
    with pytest.raises(UsageError, match="with itself"):
        findings(tmp_path, against="demo")
