"""Clips and single voices: copied packets begin at the very sample, in FFmpeg and browsers; utterances; loudness."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from browsers import BROWSERS, visit
from test_export import SESSION, as_s16, entries, export, lag, sound

from sessiontool.audio.integrated_loudness import LoudnessMeter, integrated_lufs
from sessiontool.audio.leveler import Leveler
from sessiontool.media.opus import packet_samples
from sessiontool.sessions.align_recording import packets_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

COPIED = ("webm", "ogg", "opus")
START, END = (round(48_000 * at) for at in (12.25, 31.5))
PAGE = Path(__file__).with_name("decoded.html")


def lufs_by_ffmpeg(samples: NDArray[np.float64]) -> tuple[float, float]:
    """Integrated loudness and true peak (dB) of sound of shape (samples, channels), as FFmpeg's own filter has them."""
    layout = {1: "mono", 2: "stereo"}[samples.shape[1]]
    graph = av.filter.Graph()
    ends = (graph.add_abuffer(sample_rate=48_000, format="fltp", layout=layout), graph.add("abuffersink"))
    meter = graph.add("ebur128", "metadata=1:peak=true")
    ends[0].link_to(meter)
    meter.link_to(ends[1])
    graph.configure()
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T, np.float32), format="fltp", layout=layout)
    frame.sample_rate = 48_000
    ends[0].push(frame)
    ends[0].push(None)
    found: dict[str, str] = {}
    while True:
        try:
            found = {**found, **ends[1].pull().metadata}
        except (EOFError, av.error.EOFError):
            break
    return float(found["lavfi.r128.I"]), 20 * float(np.log10(float(found["lavfi.r128.true_peak"])))


@pytest.fixture(scope="module")
def merged(merged_session: Callable[[str], Path]) -> Path:
    return merged_session(SESSION)


@pytest.fixture(scope="module")
def recorded(merged: Path) -> NDArray[np.float64]:
    return sound(merged / "audio.webm")


@pytest.fixture(scope="module")
def clip(merged: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip in all formats."""
    into = tmp_path_factory.mktemp("clip")
    formats = ",".join((*COPIED, "wav", "mp3", "m4a"))
    done = export(merged, into, "--from", "12.25", "--to", "0:31.5", "--format", formats)
    assert done.returncode == 0, done.stderr
    return into / SESSION / "12.250-31.500s"


@pytest.mark.parametrize("form", COPIED)
def test_a_clip_of_opus_is_copied_and_begins_at_the_very_sample(
    merged: Path, clip: Path, recorded: NDArray[np.float64], form: str
) -> None:
    with av.open(str(clip / f"audio.{form}")) as file:
        copied = [bytes(packet) for packet in file.demux() if packet.size]
    ours = list(packets_of(merged / "audio.webm"))
    first = ours.index(copied[0])
    assert ours[first : first + len(copied)] == copied
    made = sound(clip / f"audio.{form}")
    assert len(made) == END - START
    assert np.abs(made - recorded[START:END]).max() < 0.001
    entry = entries(clip)[f"audio.{form}"]
    assert (entry["start_sample"], entry["end_sample"], entry["samples"]) == (START, END, END - START)
    assert sum(map(packet_samples, ours[:first])) == START - entry["priming_samples"]


@pytest.mark.parametrize("browser", BROWSERS)
def test_browsers_hear_each_format_from_its_first_sample(
    browser: str, clip: Path, recorded: NDArray[np.float64]
) -> None:
    names = [f"audio.{form}" for form in (*COPIED, "wav", "mp3", "m4a")]
    content: dict[str, bytes | Path] = {"/decoded.html": PAGE, "/plan.json": json.dumps(names).encode()}
    reports = visit(browser, {**content, **{f"/{name}": clip / name for name in names}}, "/decoded.html")
    wanted = recorded[START:END, 0]
    found = {name: np.frombuffer(reports[f"/{name}"], np.float32).astype(np.float64) for name in names}
    late = {name: (lag(wanted, made), len(made) - len(wanted)) for name, made in found.items()}
    if browser == "firefox":
        assert late.pop("audio.mp3") == (
            576,
            1679,
        )  # it does not heed the whole of the LAME tag; docs/exports.md says so
    assert all(max(map(abs, differences)) <= 1 for differences in late.values()), late


def test_whole_opus_in_webm_is_as_recorded(merged: Path, recorded: NDArray[np.float64], tmp_path: Path) -> None:
    assert export(merged, tmp_path, "--format", "webm").returncode == 0
    assert list(packets_of(tmp_path / SESSION / "audio.webm")) == list(packets_of(merged / "audio.webm"))
    assert np.array_equal(sound(tmp_path / SESSION / "audio.webm"), recorded)


# -- utterances and gaps


def said(merged: Path) -> list[dict[str, Any]]:
    utterances: list[dict[str, Any]] = json.loads((merged / "transcript.json").read_text())["utterances"]
    return utterances


def test_an_utterance_is_a_clip(merged: Path, recorded: NDArray[np.float64], tmp_path: Path) -> None:
    wanted = said(merged)[4]
    done = export(merged, tmp_path, "--utterance", wanted["id"], "--roles", wanted["role"])
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / SESSION).iterdir()
    start, end = (round(48_000 * wanted[name]) for name in ("start_s", "end_s"))
    channel = ("user", "assistant").index(wanted["role"])
    made = sound(folder / f"{wanted['role']}.wav")
    assert np.abs(as_s16(made[:, 0]) - as_s16(recorded[start:end, channel])).max() <= 1
    assert wanted["text"] in (folder / "transcript.json").read_text()


def test_each_utterance_has_a_file_of_its_voice(merged: Path, recorded: NDArray[np.float64], tmp_path: Path) -> None:
    done = export(merged, tmp_path, "--each-utterance", "--roles", "user,assistant", "--format", "flac")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / SESSION / "utterances"
    found = {entry["utterance"]: entry for entry in entries(folder).values()}
    assert list(found) == [one["id"] for one in said(merged)]
    for one in said(merged):
        entry = found[one["id"]]
        made = sound(folder / entry["name"])
        wanted = recorded[entry["start_sample"] : entry["end_sample"], ("user", "assistant").index(one["role"])]
        assert entry["roles"] == [one["role"]]
        assert entry["start_s"] == pytest.approx(one["start_s"], abs=0.001)
        assert np.abs(as_s16(made[:, 0]) - as_s16(wanted)).max() <= 1


def test_a_gap_is_exported_with_what_is_around_it(merged: Path, tmp_path: Path) -> None:
    done = export(merged, tmp_path, "--gap", "1", "--format", "ogg")
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / SESSION).iterdir()
    spans = json.loads((merged / "report.json").read_text())["timeline"]
    start, end = next(span["output_samples"] for span in spans if span["kind"] == "silence")
    source = json.loads((folder / "exports.json").read_text())["source"]
    assert (source["start_sample"], source["end_sample"]) == (start - 5 * 48_000, end + 5 * 48_000)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--utterance", "../u"], 3, "has no utterance '../u'"),
        (["--gap", "9"], 3, "none of number 9"),
        (["--gap", "0"], 2, "counted from 1"),
        (["--gap", "1", "--utterance", "u001"], 2, "ask for two things"),
        (["--each-utterance", "--from", "3"], 2, "ask for two things"),
        (["--loudness", "loud"], 2, "one of ebu, podcast, none"),
        (["--loudness", "ebu", "--filter", "volume=2"], 2, "ask for two things"),
    ],
)
def test_what_cannot_be_selected_is_said(
    merged: Path, tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    done = export(merged, tmp_path / "exports", *arguments)
    assert done.returncode == code, done.stdout
    assert words in " ".join(done.stderr.split())
    assert not (tmp_path / "exports").exists()


# -- loudness


@pytest.mark.parametrize(
    ("arguments", "target"),
    [
        (["--loudness", "ebu"], -23),
        (["--loudness", "podcast"], -16),
        (["--loudness", "podcast", "--mono"], -19),
        (["--loudness", "ebu", "--roles", "user,assistant"], -23),
    ],
)
def test_files_are_as_loud_as_was_asked(merged: Path, tmp_path: Path, arguments: list[str], target: float) -> None:
    assert export(merged, tmp_path, *arguments, "--from", "10", "--to", "40").returncode == 0
    folder = tmp_path / SESSION / "10.000-40.000s"
    for name in [one["name"] for one in json.loads((folder / "exports.json").read_text())["files"]]:
        entry, made = entries(folder)[name], sound(folder / name)
        lufs, peak_db = lufs_by_ffmpeg(made)
        assert abs(lufs - target) <= 0.5
        assert entry["loudness"]["lufs"] == pytest.approx(lufs, abs=0.05)
        assert peak_db <= -1
        assert entry["samples"] == len(made) == 30 * 48_000


def test_loudness_is_measured_as_ffmpeg_does(recorded: NDArray[np.float64]) -> None:
    for channels in ([0], [1], [0, 1]):
        meter = LoudnessMeter(len(channels))
        for block in np.array_split(recorded[:, channels].T.astype(np.float32), 70, axis=1):
            meter.write(block)
        assert integrated_lufs(meter.finish()) == pytest.approx(lufs_by_ffmpeg(recorded[:, channels])[0], abs=0.02)


def test_silence_has_no_loudness() -> None:
    meter = LoudnessMeter(1)
    meter.write(np.zeros((1, 100_000), np.float32))
    assert integrated_lufs(meter.finish()) is None
    assert integrated_lufs(np.ones((1, 3))) is None


@pytest.mark.parametrize("gain", [0.5, 3.0, 40.0])
def test_the_limiter_holds_peaks_between_samples_and_keeps_time(gain: float) -> None:
    time_s = np.arange(5 * 48_000) / 48_000
    swell = np.clip(9 * np.sin(2 * np.pi * 0.7 * time_s), 0, 1)
    tone = 0.3 * swell * np.sin(2 * np.pi * 11_900 * time_s + 0.8)
    out: list[NDArray[np.float32]] = []
    leveler = Leveler([gain], out.append, is_mixed=False)
    for block in np.array_split(tone[None].astype(np.float32), 13, axis=1):
        leveler.write(block)
    leveler.finish()
    made = np.concatenate(out, axis=1)
    assert made.shape == (1, len(tone))
    assert lufs_by_ffmpeg(made.T.astype(np.float64))[1] <= -1
    assert lag(tone, made[0]) == 0
    if gain < 1:
        assert np.allclose(made[0], tone * gain, atol=1e-6)
        assert leveler.limited_frames == 0
