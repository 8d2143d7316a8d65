"""Gaps that are filled from another recording of the conversation: `merge --fill-from`.

The session is the sample without some of its chunks; the other recording is made of the sample's whole sound.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recorder_page import stereo
from test_compare import as_by_another_microphone
from test_import import DEMO, RATE, own, sound, wav
from typer.testing import CliRunner

from sessiontool import MergeOptions, merge, verify
from sessiontool.cli import app

LATE_S = 1.234
WITHIN = round(0.01 * RATE)
FULL = 48_000  # samples a second of the recording


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A server's recording: begun earlier, with another microphone."""
    silence = np.zeros((2, round(LATE_S * RATE)))
    lanes = as_by_another_microphone(np.concatenate((silence, sound()), axis=1))
    return wav(tmp_path_factory.mktemp("other") / "server.wav", lanes)


def holed(store: Path) -> Path:
    """A store with the sample without two chunks of its second part."""
    shutil.copytree(DEMO, store / "demo")
    for number in (2, 3):
        (store / "demo" / "chunks" / "001" / f"{number:06}.webm").unlink()
    return store


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return holed(tmp_path / "store")


@pytest.fixture(scope="module")
def result(other: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The session filled, and aligned: for tests that look at it."""
    return filled(holed(tmp_path_factory.mktemp("filled")), other)


def filled(store: Path, other: object, **more: Any) -> Any:
    return merge("demo", store=store, options=MergeOptions(**{"fill_from": str(other), **more}))


def codes(result: Any) -> list[str]:
    return [finding.code for finding in result.findings]


def spans(report: Any, kind: str, cause: str = "lost") -> list[tuple[int, int]]:
    found = [one for one in report["timeline"] if (one["kind"], one.get("cause")) == (kind, cause)]
    return [tuple(one["output_samples"]) for one in found]


def shift(one: Any, two: Any) -> int:
    """By how many samples a sound is later in the second."""
    products = np.fft.irfft(np.conj(np.fft.rfft(one, 2 * len(one))) * np.fft.rfft(two, 2 * len(one)))
    lag = int(np.argmax(products))
    return lag if lag < len(one) else lag - 2 * len(one)


def test_a_gap_has_the_sound_of_the_other_recording(store: Path, result: Any) -> None:
    bare = merge("demo", store=store, options=MergeOptions(align=False))
    silent = spans(bare.report, "silence")
    (gap,) = spans(result.report, "filled")
    assert result.report["duration_s"] == bare.report["duration_s"]
    assert [gap] == silent
    assert spans(result.report, "silence") == []
    made = stereo((Path(result.location) / "audio.webm").read_bytes())
    truth = stereo(own()[0])
    margin = FULL // 5
    at = slice(gap[0] + margin, gap[1] - margin)
    for channel in range(2):
        assert abs(shift(truth[at, channel], made[at, channel])) <= 2 * WITHIN
    before = slice(gap[0] - 3 * FULL, gap[0] - margin)
    assert np.array_equal(truth[before], made[before])


def test_it_is_named_and_what_was_lost_stays_lost(result: Any) -> None:
    assert result.status == "partial"
    assert {"sound-lost", "compared", "filled-from", "chunks-missing"} & set(codes(result)) >= {
        "sound-lost",
        "compared",
    }
    (one,) = [one for one in result.findings if one.code == "filled-from"]
    assert "encoded again" in one.message
    (lost,) = [one for one in result.findings if one.code == "sound-lost"]
    assert "the sound of another recording" in lost.message
    against = result.report["against"]
    assert against["offset_ms"] == pytest.approx(1000 * LATE_S, abs=10)
    assert "compared-missing" not in codes(result)


def test_what_is_said_in_the_gap_has_its_place(result: Any) -> None:
    (gap,) = spans(result.report, "filled")
    truth = own()[1]
    inside = [one for one in result.transcript["utterances"] if _is_in(truth[one["id"]][0], gap)]
    assert inside
    for one in inside:
        assert one["status"] == "aligned"
        assert one["start_s"] == pytest.approx(truth[one["id"]][0], abs=0.1)


def _is_in(start_s: float | None, gap: tuple[int, int]) -> bool:
    return start_s is not None and gap[0] / FULL + 0.3 < start_s < gap[1] / FULL - 1


def test_it_is_verified_and_a_changed_packet_is_noticed(store: Path, other: Path) -> None:
    result = filled(store, other, align=False)
    assert verify("demo", store=store).findings == ()
    report = Path(result.location) / "report.json"
    document = json.loads(report.read_text())
    span = next(one for one in document["timeline"] if one["kind"] == "filled")
    span["filled_sha256"] = "0" * 64
    report.write_text(json.dumps(document))
    messages = [one.message for one in verify("demo", store=store).findings]
    assert any("fill the gap" in message for message in messages)


def test_chunks_are_proved_in_it_and_purged(store: Path, other: Path, tmp_path: Path) -> None:
    chunk = store / "demo" / "chunks" / "000" / "000002.webm"
    data = bytearray(chunk.read_bytes())
    data[15_000:25_000] = bytes(10_000)  # a gap between packets of one chunk
    chunk.write_bytes(data)
    result = filled(store, other, align=False)
    assert len(spans(result.report, "filled")) == 2
    argv = ["purge", "demo", "--store", str(store), "--chunks-after", "0", "--yes", "--json"]
    asked = [*argv, "--even-damaged", "--receipt", str(tmp_path / "receipt.jsonl")]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert not chunk.exists()


def test_a_redacted_result_of_it_is_verified(store: Path, other: Path) -> None:
    filled(store, other)
    done = CliRunner().invoke(app, ["redact", "demo", "--store", str(store), "--utterance", "u003", "--yes"])
    assert done.exit_code == 0, done.output
    checked = verify("demo", store=store)
    assert checked.redacted is not None
    assert (checked.findings, checked.redacted.findings) == ((), ())


def test_a_file_beside_the_chunks_is_found_and_no_stray(store: Path, other: Path) -> None:
    (store / "demo" / "recordings").mkdir()
    shutil.copy(other, store / "demo" / "recordings" / "server.wav")
    result = filled(store, "recordings/server.wav", align=False)
    assert "filled-from" in codes(result)
    assert result.report["ignored_count"] == 0
    assert filled(store, "recordings/server.wav", align=False).unchanged


def test_another_session_and_channels_the_other_way_round(store: Path) -> None:
    lanes = np.concatenate((np.zeros((2, round(LATE_S * RATE))), sound()), axis=1)[::-1]
    file = wav(store / "b.wav", lanes)
    argv = ["import", str(file), "--id", "demo-server", "--store", str(store), "--channels", "user,assistant"]
    assert CliRunner().invoke(app, argv).exit_code == 0
    result = filled(store, "{session}-server", align=False)
    assert result.report["against"]["channels_swapped"] is True
    (gap,) = spans(result.report, "filled")
    made, truth = stereo((Path(result.location) / "audio.webm").read_bytes()), stereo(own()[0])
    here, there = (np.sqrt(np.mean(np.square(one[gap[0] : gap[1]]), axis=0)) for one in (made, truth))
    assert np.allclose(here, there, rtol=0.2)


def test_it_is_merged_again_when_the_other_one_changes(store: Path, other: Path, tmp_path: Path) -> None:
    file = tmp_path / "server.wav"
    waiting = filled(store, tmp_path / "{session}.wav", align=False)
    assert "compared-not-there" in codes(waiting)
    shutil.copy(other, tmp_path / "demo.wav")
    assert "filled-from" in codes(filled(store, tmp_path / "{session}.wav", align=False))
    assert filled(store, tmp_path / "{session}.wav", align=False).unchanged
    assert not file.exists()


def test_what_the_other_one_lacks_too_stays_silent(store: Path, result: Any, tmp_path: Path) -> None:
    (gap,) = spans(result.report, "filled")
    lanes = sound().copy()
    first, last = (round((edge / FULL) * RATE) for edge in (gap[0] + FULL, gap[1] - 2 * FULL))
    lanes[:, first:last] = 0
    report = filled(store, wav(tmp_path / "b.wav", lanes), align=False).report
    one, two = spans(report, "filled")
    assert one[1] <= gap[0] + FULL
    assert gap[1] - 2 * FULL <= two[0]
    assert (one[0], two[1]) == gap
    assert verify("demo", store=store).findings == ()
