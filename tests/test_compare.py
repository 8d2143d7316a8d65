"""Two recordings of one conversation: the sample's own, and what other recorders would have made of its sound."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from test_import import RATE, SAMPLES, sound, wav
from typer.testing import CliRunner

from sessiontool import merge
from sessiontool.cli import app

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

WITHIN_MS = 10.0
WITHIN_S = 0.05


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("merged")
    merge("demo", store=SAMPLES, output=target)
    return target


def compared(merged: Path, file: Path, code: int) -> dict[str, Any]:
    done = CliRunner().invoke(app, ["compare", "demo", str(file), "--output", str(merged), "--json"])
    assert done.exit_code == code, done.output
    (found,) = json.loads(done.output)["sessions"]
    assert isinstance(found, dict)
    return found


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
def test_one_that_was_begun_earlier(late_s: float, merged: Path, tmp_path: Path) -> None:
    silence = np.zeros((2, round(late_s * RATE)))
    file = wav(tmp_path / "b.wav", as_by_another_microphone(np.concatenate((silence, sound()), axis=1)))
    found = compared(merged, file, 0)
    assert found["offset_ms"] == pytest.approx(1000 * late_s, abs=WITHIN_MS)
    assert abs(found["drift_ppm"]) < 100
    assert found["alike"] == 1.0
    assert found["channels_swapped"] is False
    assert found["missing"] == []


def test_one_that_was_begun_later(merged: Path, tmp_path: Path) -> None:
    file = wav(tmp_path / "b.wav", as_by_another_microphone(sound()[:, 3 * RATE :]))
    assert compared(merged, file, 0)["offset_ms"] == pytest.approx(-3000, abs=WITHIN_MS)


def test_channels_the_other_way_round(merged: Path, tmp_path: Path) -> None:
    assert compared(merged, wav(tmp_path / "b.wav", sound()[::-1]), 0)["channels_swapped"] is True


def test_one_channel_alone(merged: Path, tmp_path: Path) -> None:
    mixed = sound().mean(axis=0, keepdims=True)
    found = compared(merged, wav(tmp_path / "b.wav", mixed), 0)
    assert found["offset_ms"] == pytest.approx(0, abs=WITHIN_MS)
    assert found["channels_swapped"] is None


def test_a_clock_that_is_fast(merged: Path, tmp_path: Path) -> None:
    found = compared(merged, wav(tmp_path / "b.wav", stretched(sound(), 300)), 0)
    assert found["drift_ppm"] == pytest.approx(300, abs=100)
    assert found["missing"] == []


@pytest.mark.parametrize("at_s", [20.0, 40.0, 61.0])
def test_five_seconds_that_were_left_out_of_the_other(at_s: float, merged: Path, tmp_path: Path) -> None:
    lanes, first = as_by_another_microphone(sound()), round(at_s * RATE)
    file = wav(tmp_path / "b.wav", np.concatenate((lanes[:, :first], lanes[:, first + 5 * RATE :]), axis=1))
    (one,) = compared(merged, file, 4)["missing"]
    assert (one["lacks"], one["filled_with_silence"]) == ("file", False)
    assert one["length_s"] == pytest.approx(5, abs=WITHIN_S)
    assert one["at_s"] == pytest.approx(at_s, abs=0.5)


def test_five_seconds_that_this_one_lacks(merged: Path, tmp_path: Path) -> None:
    lanes, first = sound(), 40 * RATE
    more = lanes[:, 10 * RATE : 15 * RATE]
    file = wav(tmp_path / "b.wav", np.concatenate((lanes[:, :first], more, lanes[:, first:]), axis=1))
    (one,) = compared(merged, file, 4)["missing"]
    assert one["lacks"] == "session"
    assert one["length_s"] == pytest.approx(5, abs=WITHIN_S)
    assert one["at_s"] == pytest.approx(40, abs=0.5)


def test_silence_in_the_place_of_speech(merged: Path, tmp_path: Path) -> None:
    lanes = sound().copy()
    lanes[:, 40 * RATE : 45 * RATE] = 0
    found = compared(merged, wav(tmp_path / "b.wav", lanes), 4)
    missing_s = sum(one["length_s"] for one in found["missing"])
    assert {one["lacks"] for one in found["missing"]} == {"file"}
    assert all(one["filled_with_silence"] for one in found["missing"])
    assert 2.0 < missing_s <= 5.05


def test_another_conversation_is_refused(merged: Path, tmp_path: Path) -> None:
    chance = np.random.default_rng(2)
    file = wav(tmp_path / "b.wav", chance.normal(0, 0.1, (2, 30 * RATE)))
    done = CliRunner().invoke(app, ["compare", "demo", str(file), "--output", str(merged)])
    assert done.exit_code == 4
    assert "is not a recording of session demo" in done.output


def test_a_session_that_is_not_merged(merged: Path, tmp_path: Path) -> None:
    file = wav(tmp_path / "b.wav", sound())
    done = CliRunner().invoke(app, ["compare", "other", str(file), "--output", str(merged)])
    assert done.exit_code == 3
