"""What a system ffmpeg adds to exports, through ffmpeg-python; and clips as pydub has them, which needs none."""

from __future__ import annotations

import json
import sys
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from conftest import store_of
from test_export import SESSION, as_s16, entries, export, sound

from sessiontool import RecordingError, UsageError, read_clip

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

STRETCH = ("--from", "10", "--to", "14")
FOLDER = Path(SESSION, "10.000-14.000s")


@pytest.fixture(scope="module")
def merged(merged_session: Callable[[str], Path]) -> Path:
    return merged_session(SESSION)


@pytest.fixture(scope="module")
def recorded(merged: Path) -> NDArray[np.float64]:
    return sound(merged / "audio.webm")[10 * 48_000 : 14 * 48_000]


@pytest.fixture(scope="module")
def no_ffmpeg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PATH without ffmpeg."""
    return tmp_path_factory.mktemp("nothing")


def test_a_filter_is_heard_in_every_format(merged: Path, recorded: NDArray[np.float64], tmp_path: Path) -> None:
    done = export(merged, tmp_path, *STRETCH, "--filter", "volume=0.5", "--format", "wav,flac")
    assert (done.returncode, done.stderr) == (0, "")
    for form in ("wav", "flac"):
        made = sound(tmp_path / FOLDER / f"audio.{form}")
        assert np.abs(as_s16(made) - as_s16(recorded / 2)).max() <= 1
    document = json.loads((tmp_path / FOLDER / "exports.json").read_text())
    assert (document["filter"], document["filter_keeps_length"]) == ("volume=0.5", True)
    assert {one["name"] for one in document["documents"]} == {"captions.vtt", "captions.srt", "transcript.json"}


@pytest.mark.parametrize(("graph", "share"), [("atempo=2", 0.5), ("atrim=end=1", 0.25)])
def test_a_filter_that_changes_the_length_has_no_captions(
    merged: Path, tmp_path: Path, graph: str, share: float
) -> None:
    done = export(merged, tmp_path, *STRETCH, "--filter", graph, "--mono")
    assert done.returncode == 0, done.stderr
    assert "times of the recording do not hold" in done.stdout
    document = json.loads((tmp_path / FOLDER / "exports.json").read_text())
    assert document["filter_keeps_length"] is False
    assert document["documents"] == []
    assert document["files"][0]["samples"] == len(sound(tmp_path / FOLDER / "mono.wav"))
    assert document["files"][0]["samples"] == pytest.approx(4 * 48_000 * share, abs=2048)
    assert not (tmp_path / FOLDER / "captions.vtt").exists()


def test_another_container_is_written_by_ffmpeg(merged: Path, recorded: NDArray[np.float64], tmp_path: Path) -> None:
    done = export(merged, tmp_path, *STRETCH, "--roles", "assistant", "--rate", "48000", "--format", "aiff,mka")
    assert done.returncode == 0, done.stderr
    made = sound(tmp_path / FOLDER / "assistant.aiff")
    assert np.abs(as_s16(made) - as_s16(recorded[:, 1:])).max() <= 1
    found = entries(tmp_path / FOLDER)
    assert (found["assistant.aiff"]["samples"], found["assistant.aiff"]["priming_samples"]) == (4 * 48_000, None)
    assert (tmp_path / FOLDER / "assistant.mka").stat().st_size == found["assistant.mka"]["bytes"]
    assert [one.name for one in (tmp_path / FOLDER).iterdir() if one.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--filter", "nosuchfilter=1"], "No such filter: 'nosuchfilter'"),
        (["--filter", ""], "--filter is empty"),
        (["--filter", "aloop=loop=-1:size=48000"], "makes sound without end"),
        (["--format", "xyz"], "ffmpeg cannot do --format xyz"),
        (["--format", "m3u8"], "several files"),
        (["--format", "png"], "ffmpeg cannot do --format png"),
    ],
)
def test_what_ffmpeg_cannot_do_is_said_and_nothing_is_left(
    merged: Path, tmp_path: Path, arguments: list[str], words: str
) -> None:
    done = export(merged, tmp_path, *STRETCH, *arguments)
    assert done.returncode == 2, done.stdout
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == []


def test_without_ffmpeg_the_next_step_is_said(
    merged: Path, tmp_path: Path, no_ffmpeg: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "imageio_ffmpeg.py").write_text("raise ImportError\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    for arguments in (["--format", "aiff"], ["--filter", "volume=2"]):
        done = export(merged, tmp_path / "exports", *arguments, path=no_ffmpeg)
        assert done.returncode == 2
        assert f"{arguments[0]}" in done.stderr
        assert "needs ffmpeg, and there is none on PATH" in done.stderr
        assert "-m pip install " in done.stderr
    assert not (tmp_path / "exports").exists()


def test_an_ffmpeg_from_a_wheel_is_enough(
    merged: Path, recorded: NDArray[np.float64], tmp_path: Path, no_ffmpeg: Path
) -> None:
    done = export(merged, tmp_path, *STRETCH, "--format", "aiff", path=no_ffmpeg)
    assert done.returncode == 0, done.stderr
    assert len(sound(tmp_path / FOLDER / "audio.aiff")) == len(recorded)


def test_a_clip_is_an_audio_segment(
    merged: Path, recorded: NDArray[np.float64], no_ffmpeg: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(no_ffmpeg))
    read = partial(read_clip, SESSION, store=store_of(SESSION), output=merged.parent)
    clip = read(start_s=10, end_s=14)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        segment = clip.to_audiosegment()
    assert (len(segment), segment.channels, segment.frame_rate) == (4000, 2, 48_000)
    samples = np.array(segment.get_array_of_samples()).reshape(-1, 2)
    assert np.array_equal(samples, as_s16(recorded))
    assert clip.roles == ("user", "assistant")
    assert clip.transcript["source"] == {"session": SESSION, "start_s": 10.0, "end_s": 14.0}
    alone = read(start_s=10, end_s=14, role="user").to_audiosegment()
    assert alone.channels == 1
    assert np.array_equal(np.array(alone.get_array_of_samples()), samples[:, 0])


def test_a_clip_that_makes_no_sense_is_refused(merged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = partial(read_clip, SESSION, store=store_of(SESSION), output=merged.parent)
    with pytest.raises(UsageError, match="ends before"):
        read(start_s=900)
    with pytest.raises(RecordingError, match="no channel of moderator"):
        read(role="moderator")
    monkeypatch.setattr("sessiontool.sessions.exports.clip.MOST_S", 10.0)
    with pytest.raises(UsageError, match="more than the 10 s"):
        read()
