"""Redaction of recordings that are not Opus: AAC frame by frame, PCM by blocks of 10 ms; MP3 is refused by name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aac_recordings
import av
import mp3_recordings
import numpy as np
import pytest
import test_pcm
from typer.testing import CliRunner

from sessiontool import MergeOptions, RedactRequest, merge, redact, verify
from sessiontool.audio.stretch import decode_stretch
from sessiontool.cli import app
from sessiontool.errors import RecordingError
from sessiontool.sessions import report as reports
from sessiontool.sessions.align_recording import head_of, packets_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SPANS = b'{"start_s": 2.5, "end_s": 3.25}\n{"start_s": 7, "end_s": 7.01}\n'
WANTED = ((2.5, 3.25), (7.0, 7.01))
SILENT = 10 ** (-70 / 20)


def merged(store: Path, kind: str, rate: int) -> Path:
    """A merged session `s` of noise; returns its result."""
    if kind == "flac":
        sound = test_pcm.samples(9, rate=rate)
        chunks = [test_pcm.wav(piece, rate=rate) if not n else piece for n, piece in enumerate(test_pcm.cut(sound, 3))]
        test_pcm.write_session(store, chunks)
    elif kind == "m4a":
        aac_recordings.write_session(store, aac_recordings.recorded(rate, 2, 6).chunks)
    merge("s", store=store, options=MergeOptions(align=False))
    return store / "s" / "merged"


def heard(path: Path) -> NDArray[np.float32]:
    found: NDArray[np.float32] = np.concatenate(
        list(decode_stretch(packets_of(path), head_of(path), 0, 1 << 40)), axis=1
    )
    return found


@pytest.mark.parametrize(("kind", "rate"), [("flac", 48_000), ("flac", 16_000), ("m4a", 48_000), ("m4a", 44_100)])
def test_sound_of_another_codec_goes_and_the_rest_stays(tmp_path: Path, kind: str, rate: int) -> None:
    folder = merged(tmp_path, kind, rate)
    result = redact("s", store=tmp_path, asked=RedactRequest(spans=("spans.jsonl", SPANS)))
    whole, left = heard(folder / f"audio.{kind}"), heard(folder / "redacted" / f"audio.{kind}")
    assert left.shape == whole.shape
    frame, edge = (-(-1024 * 48_000 // rate), 480) if kind == "m4a" else (0, 0 if rate == 48_000 else 240)
    is_kept = np.ones(left.shape[1], bool)
    for (start, end), (start_s, end_s) in zip(result.cuts, WANTED, strict=True):
        assert start + frame <= 48_000 * start_s < 48_000 * end_s <= end
        assert end - start <= 48_000 * (end_s - start_s) + 5 * 1115 + 960
        assert np.abs(left[:, start + frame + edge : end - edge]).max(initial=0) < SILENT
        assert np.abs(whole[:, start:end]).max() > 0.1
        is_kept[start - edge : end + frame + edge] = False
    if kind == "m4a":  # whose decoder adds noise of its own: by frames
        (one, other) = (list(packets_of(place / "audio.m4a")) for place in (folder, folder / "redacted"))
        assert sum(a != b for a, b in zip(one, other, strict=True)) == sum(
            round((end - start) * rate / 48_000 / 1024) for start, end in result.cuts
        )
        is_kept[result.cuts[0][0] :] = False
    assert np.abs(left - whole)[:, is_kept].max() < 1e-6
    checked = verify("s", store=tmp_path)
    assert checked.findings == ()
    assert checked.redacted is not None
    assert checked.redacted.findings == ()


def test_what_is_left_of_flac_is_the_same_to_the_sample(tmp_path: Path) -> None:
    folder = merged(tmp_path, "flac", 16_000)
    ((start, end), _) = redact("s", store=tmp_path, asked=RedactRequest(spans=("spans.jsonl", SPANS))).cuts

    def samples(path: Path) -> NDArray[np.int16]:
        with av.open(str(path)) as file:
            return np.concatenate([frame.to_ndarray().reshape(-1) for frame in file.decode(audio=0)])

    whole, left = samples(folder / "audio.flac"), samples(folder / "redacted" / "audio.flac")
    assert not left[start // 3 : end // 3].any()
    assert (left[: start // 3] == whole[: start // 3]).all()
    assert (end - start) / 48_000 < 0.75 + 0.02


@pytest.mark.parametrize("kind", ["flac", "m4a"])
def test_a_block_that_is_not_silent_is_found(tmp_path: Path, kind: str) -> None:
    """The whole recording in the place of the redacted one, with a report that names its hash."""
    folder = merged(tmp_path, kind, 48_000)
    redact("s", store=tmp_path, asked=RedactRequest(spans=("spans.jsonl", SPANS)))
    body = (folder / f"audio.{kind}").read_bytes()
    (folder / "redacted" / f"audio.{kind}").write_bytes(body)
    path = folder / "redacted" / "report.json"
    document: Any = json.loads(path.read_text())
    whole = json.loads((folder / "report.json").read_text())
    document["outputs"][0] = whole["outputs"][0]
    reports.seal(document)
    path.write_text(reports.to_text(document))
    done = CliRunner().invoke(app, ["verify", "s", "--store", str(tmp_path)])
    assert done.exit_code == 4
    assert "should be silence" in done.output


def test_mp3_is_refused_by_name_and_nothing_is_made(tmp_path: Path) -> None:
    aac_recordings.write_session(tmp_path, mp3_recordings.recorded(48_000, 1, cut_anywhere=True).chunks)
    merge("s", store=tmp_path, options=MergeOptions(align=False))
    with pytest.raises(RecordingError, match="s cannot be redacted: sound of mp3"):
        redact("s", store=tmp_path, asked=RedactRequest(spans=("spans.jsonl", SPANS)))
    assert not (tmp_path / "s" / "merged" / "redacted").exists()
    assert not (tmp_path / "s" / "redactions.jsonl").exists()
