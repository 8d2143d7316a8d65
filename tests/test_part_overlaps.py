"""Two recorders of one stream at once, with a part each: what both recorded is in the result once, and it is said."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
from recorder_page import stereo
from recordings import split
from typer.testing import CliRunner

from sessiontool import MergeOptions, merge
from sessiontool.cli import app
from sessiontool.sessions.encode_once import write_encoded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

RATE_MS = 48
BEGUN_MS = 1000


class Recorder(NamedTuple):
    """A recorder that ran from the one time to the other, in ms of the sound, and by how much its notes are late."""

    start_ms: int
    stop_ms: int
    off_ms: int = 0


def voice(seed: int, length_ms: int = 9000) -> np.ndarray:
    """Noise with syllables."""
    rng = np.random.default_rng(seed)
    at = np.arange(length_ms * RATE_MS)
    loud = 0.1 + 0.2 * np.abs(np.sin(at / RATE_MS / 90)) * np.repeat(rng.random(length_ms // 250), 250 * RATE_MS)
    smooth = np.convolve(rng.standard_normal(len(at)), np.ones(12) / 4, "same")
    return (smooth * loud)[None].astype(np.float32)


def session(store: Path, recorders: Sequence[Recorder], sounds: Sequence[np.ndarray], *, lost: str = "") -> Any:
    """The report of a session of these recorders, each of three chunks; of one of these only its size is known."""
    parts = []
    for number, (recorder, sound) in enumerate(zip(recorders, sounds, strict=True)):
        folder = store / "s/chunks" / str(number)
        folder.mkdir(parents=True)
        out = io.BytesIO()
        heard = sound[:, RATE_MS * recorder.start_ms : RATE_MS * recorder.stop_ms]
        write_encoded([heard], 1, io.BytesIO(), out, "Chrome")
        data = out.getvalue()
        chunks = split(data, [len(data) // 3, len(data) // 3 * 2])
        for index, chunk in enumerate(chunks):
            (folder / f"{index:06}.webm").write_bytes(chunk)
        start_ms, stop_ms = (BEGUN_MS + recorder.off_ms + ms for ms in recorder[:2])
        notes = [{"seq": seq, "bytes": len(chunk)} for seq, chunk in enumerate(chunks)]
        notes[-1]["emitted_ms"] = stop_ms
        parts.append({"part": number, "start_ms": start_ms, "stop_ms": stop_ms, "chunks": notes})
    if lost:
        (store / "s/chunks" / lost).unlink()
    (store / "s/session.json").write_text(json.dumps({"session_id": "s", "parts": parts}))
    return merge("s", store=store, options=MergeOptions(align=False)).report


def assert_in_place(store: Path, sound: np.ndarray) -> None:
    """Each fifth of a second is heard where it was recorded, to a packet."""
    heard = stereo((store / "s/merged/audio.webm").read_bytes())[:, 0]
    for at in range(12_000, sound.shape[1] - 24_000, 9600):
        piece, near = sound[0, at : at + 9600], heard[at - 4800 : at + 14_400]
        if len(near) == 19_200:
            assert abs(int(np.argmax(np.correlate(near, piece, "valid"))) - 4800) <= 1500, at
    verified = CliRunner().invoke(app, ["verify", "s", "--store", str(store)])
    assert verified.exit_code == 0, verified.output


def overlaps(report: Any) -> list[dict[str, Any]]:
    return [one for one in report["findings"] if one["code"] == "parts-overlap"]


AT_ONCE = {
    "started 0.2 s early": [Recorder(0, 4000), Recorder(3800, 9000)],
    "noted 60 ms late": [Recorder(0, 4000), Recorder(3760, 9000, off_ms=60)],
    "stopped without a trace 90 ms late": [Recorder(0, 4000), Recorder(3700, 9000, off_ms=-90)],
    "one inside the other": [Recorder(0, 6000), Recorder(1000, 4000), Recorder(5900, 9000)],
    "both to the end": [Recorder(0, 9000), Recorder(300, 9000)],
    "nearly to the end": [Recorder(0, 9000), Recorder(300, 8980)],
    "three": [Recorder(0, 4000), Recorder(3800, 6500), Recorder(6300, 9000)],
}


@pytest.mark.parametrize("name", AT_ONCE)
def test_what_two_recorders_heard_is_joined_once(name: str, tmp_path: Path) -> None:
    recorders, sound = AT_ONCE[name], voice(1)
    report = session(tmp_path, recorders, [sound] * len(recorders))
    found = overlaps(report)
    assert report["status"] == "repaired"
    assert [one["part"] for one in found] == [str(number) for number in range(1, len(recorders))]
    ends_s = [max(one.stop_ms for one in recorders[:number]) / 1000 for number in range(1, len(recorders))]
    assert [one["at_s"] for one in found] == pytest.approx(ends_s, abs=0.05)
    assert all("joined once" in one["message"] for one in found)
    assert report["duration_s"] == pytest.approx(9, abs=0.05)
    assert_in_place(tmp_path, sound)


def test_recorders_of_other_sound_are_kept_whole(tmp_path: Path) -> None:
    recorders = [Recorder(0, 5000), Recorder(4800, 9000)]
    report = session(tmp_path, recorders, [voice(1), voice(2)])
    (found,) = overlaps(report)
    assert "before the one before it ended" in found["message"]
    assert "there twice" in found["hint"]
    assert report["status"] == "repaired"
    assert report["duration_s"] == pytest.approx(9.2, abs=0.03)


def test_sound_that_one_lost_at_its_end_is_that_of_the_other(tmp_path: Path) -> None:
    sound = voice(1)
    recorders = [Recorder(0, 5000), Recorder(3000, 9000)]
    report = session(tmp_path, recorders, [sound] * 2, lost="0/000002.webm")
    assert "sound-lost" not in {one["code"] for one in report["findings"]}
    assert report["status"] == "partial"
    assert report["duration_s"] == pytest.approx(9, abs=0.05)
    assert_in_place(tmp_path, sound)


def test_what_is_left_out_is_not_purged(tmp_path: Path) -> None:
    session(tmp_path, AT_ONCE["both to the end"], [voice(1)] * 2)
    options = ["--store", str(tmp_path), "--chunks-after", "0", "--yes", "--receipt", str(tmp_path / "receipt.json")]
    refused = CliRunner().invoke(app, ["purge", "s", *options])
    assert "s/chunks/1/000000.webm holds" in refused.output, refused.output
    assert len(list((tmp_path / "s/chunks/1").iterdir())) == 3
