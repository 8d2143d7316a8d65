"""Exports sound as the recording does, from their first sample to their last; decoded here by FFmpeg's libraries."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from conftest import store_of
from places import Prefix
from typer.testing import CliRunner, Result

from sessiontool.cli import app
from sessiontool.media.opus import packet_samples
from sessiontool.sessions.align_recording import packets_of
from sessiontool.sessions.exports.clip_transcript import clip_transcript

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

SESSION = "demo"
CLIP_S = (12.25, 31.5)


def export(merged: Path, into: Path, *arguments: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "sessiontool", "export", SESSION, "--store", str(store_of(SESSION))]
    argv += ["--output", str(merged.parent), "--into", str(into), *arguments]
    around = None if path is None else {"PATH": str(path), "PYTHONPATH": ":".join(sys.path)}
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120, env=around)


def sound(file: Path) -> NDArray[np.float64]:
    """What FFmpeg's demuxer and decoder make of a file: shape (samples, channels), full scale 1.0."""
    with av.open(str(file)) as source:
        frames = list(source.decode(source.streams.audio[0]))
    blocks = []
    for frame in frames:
        block = frame.to_ndarray()
        block = block.T if frame.format.is_planar else block.reshape(-1, frame.layout.nb_channels)
        blocks.append(block / 32768 if block.dtype == np.int16 else block)
    return np.concatenate(blocks).astype(np.float64)


def as_s16(samples: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.clip(np.rint(samples * 32768), -32768, 32767).astype(np.int64)


def lag(one: NDArray[np.float64], other: NDArray[np.float64]) -> int:
    """By how many samples `other` is later than `one`."""
    size = 1 << (len(one) + len(other)).bit_length()
    found = np.fft.irfft(np.conj(np.fft.rfft(one, size)) * np.fft.rfft(other, size))
    place = int(np.argmax(found))
    return place if place < size // 2 else place - size


def entries(folder: Path) -> dict[str, dict[str, Any]]:
    document = json.loads((folder / "exports.json").read_text())
    return {one["name"]: one for one in (*document["files"], *document["documents"])}


@pytest.fixture(scope="module")
def merged(merged_session: Callable[[str], Path]) -> Path:
    return merged_session(SESSION)


@pytest.fixture(scope="module")
def recorded(merged: Path) -> NDArray[np.float64]:
    return sound(merged / "audio.webm")


@pytest.fixture(scope="module")
def whole(merged: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All formats of the whole recording, made with nothing on PATH: no ffmpeg."""
    into, nothing = tmp_path_factory.mktemp("exports"), tmp_path_factory.mktemp("nothing")
    done = export(merged, into, "--format", "wav,flac,mp3,m4a,opus,ogg", path=nothing)
    assert (done.returncode, done.stderr) == (0, "")
    return into / SESSION


@pytest.mark.parametrize("form", ["wav", "flac"])
def test_lossless_files_have_every_sample(whole: Path, recorded: NDArray[np.float64], form: str) -> None:
    made = sound(whole / f"audio.{form}")
    assert made.shape == recorded.shape
    assert np.abs(as_s16(made) - as_s16(recorded)).max() <= 1  # where a sample lies between two, both are right


@pytest.mark.parametrize(("form", "frame"), [("mp3", 0), ("m4a", 1024)])
def test_lossy_files_begin_with_the_recording(
    whole: Path, recorded: NDArray[np.float64], form: str, frame: int
) -> None:
    made = sound(whole / f"audio.{form}")
    assert 0 <= len(made) - len(recorded) <= frame
    assert entries(whole)[f"audio.{form}"]["samples"] == len(recorded)
    assert entries(whole)[f"audio.{form}"]["priming_samples"] > 0
    for channel in range(2):
        assert abs(lag(recorded[:, channel], made[:, channel])) <= 1


@pytest.mark.parametrize("form", ["opus", "ogg"])
def test_whole_opus_is_copied_packet_by_packet(
    merged: Path, whole: Path, recorded: NDArray[np.float64], form: str
) -> None:
    with av.open(str(whole / f"audio.{form}")) as file:
        copied = [bytes(packet) for packet in file.demux() if packet.size]
    assert copied == list(packets_of(merged / "audio.webm"))
    assert np.array_equal(sound(whole / f"audio.{form}"), recorded)


def test_exports_json_has_what_is_there(merged: Path, whole: Path) -> None:
    document = json.loads((whole / "exports.json").read_text())
    assert {one.name for one in whole.iterdir()} == {*entries(whole), "exports.json"}
    for name, entry in entries(whole).items():
        assert entry["sha256"] == hashlib.sha256((whole / name).read_bytes()).hexdigest()
        assert entry["roles"] == ["user", "assistant"]
    source = document["source"]
    assert source["sha256"] == hashlib.sha256((merged / "audio.webm").read_bytes()).hexdigest()
    assert source["end_sample"] == sum(map(packet_samples, packets_of(merged / "audio.webm")))


def test_roles_are_the_channels_and_mono_is_their_mean(
    merged: Path, recorded: NDArray[np.float64], tmp_path: Path
) -> None:
    assert export(merged, tmp_path / "roles", "--roles", "user,assistant").returncode == 0
    lanes = [sound(tmp_path / "roles" / SESSION / f"{role}.wav") for role in ("user", "assistant")]
    assert np.abs(as_s16(np.hstack(lanes)) - as_s16(recorded)).max() <= 1
    assert export(merged, tmp_path / "mono", "--mono", "--format", "flac").returncode == 0
    mono = sound(tmp_path / "mono" / SESSION / "mono.flac")
    assert np.abs(as_s16(mono[:, 0]) - as_s16(recorded.mean(axis=1))).max() <= 1


def test_another_rate_keeps_time(merged: Path, recorded: NDArray[np.float64], tmp_path: Path) -> None:
    done = export(merged, tmp_path, "--mono", "--rate", "16000", "--format", "wav,mp3,m4a,opus")
    assert done.returncode == 0, done.stderr
    wanted = recorded.mean(axis=1)
    for name, entry in entries(tmp_path / SESSION).items():
        made = sound(tmp_path / SESSION / name)[:, 0]
        assert entry["rate_hz"] == (48_000 if name == "mono.opus" else 16_000)
        step = 48_000 // entry["rate_hz"]
        assert entry["samples"] == -(-len(wanted) // step)
        assert abs(len(made) - entry["samples"]) <= (1024 if name == "mono.m4a" else 0), name
        upsampled = np.zeros(len(made) * step)
        upsampled[::step] = made
        assert abs(lag(wanted, upsampled)) <= step, name


def test_a_clip_has_the_samples_of_its_stretch(merged: Path, recorded: NDArray[np.float64], tmp_path: Path) -> None:
    start, end = (round(48_000 * at) for at in CLIP_S)
    done = export(merged, tmp_path, "--from", "12.25", "--to", "0:31.5", "--format", "wav,opus,mp3,m4a")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / SESSION / "12.250-31.500s"
    wanted = recorded[start:end]
    assert np.abs(as_s16(sound(folder / "audio.wav")) - as_s16(wanted)).max() <= 1
    for form, frame in (("opus", 0), ("mp3", 0), ("m4a", 1024)):
        made = sound(folder / f"audio.{form}")
        assert 0 <= len(made) - len(wanted) <= frame, form
        assert abs(lag(wanted.sum(axis=1), made.sum(axis=1))) <= 1, form
    source = json.loads((folder / "exports.json").read_text())["source"]
    assert (source["start_sample"], source["end_sample"]) == (start, end)


def test_the_transcript_of_a_clip_is_shifted_and_its_captions_fit(merged: Path, tmp_path: Path) -> None:
    assert export(merged, tmp_path, "--from", "12.25", "--to", "31.5", "--caption-formats", "srt").returncode == 0
    folder = tmp_path / SESSION / "12.250-31.500s"
    published = json.loads((merged / "transcript.json").read_text())["utterances"]
    clip = json.loads((folder / "transcript.json").read_text())
    start_s, end_s = CLIP_S
    inside = [one for one in published if one["start_s"] < end_s and one["end_s"] > start_s]
    assert [one["id"] for one in clip["utterances"]] == [one["id"] for one in inside]
    for one, before in zip(clip["utterances"], inside, strict=True):
        assert one["start_s"] == pytest.approx(max(0, before["start_s"] - start_s), abs=0.001)
        assert one["end_s"] == pytest.approx(min(end_s, before["end_s"]) - start_s, abs=0.001)
    assert clip["source"] == {"session": SESSION, "start_s": start_s, "end_s": end_s}
    assert inside[-1]["text"].split()[0] in (folder / "captions.srt").read_text()
    assert not (folder / "captions.vtt").exists()


def test_an_utterance_on_an_edge_keeps_the_words_inside() -> None:
    words = [{"text": text, "start_s": at, "end_s": at + 0.9} for at, text in enumerate(["One,", "two", "three", "4"])]
    utterance = {"id": "u", "text": "One, two - three 4.", "start_s": 0.0, "end_s": 3.9, "words": words}
    noted = [{"at_s": 0.5}, {"at_s": 1.5}, "no note"]
    clip = clip_transcript({"utterances": [utterance, None, {"start_s": "x"}], "notes": noted}, 1.0, 3.0)
    (one,) = clip["utterances"]
    assert (one["text"], one["start_s"], one["end_s"], one["interrupted"]) == ("two - three", 0.0, 2.0, False)
    assert [(word["text"], word["start_s"]) for word in one["words"]] == [("two", 0.0), ("three", 1.0)]
    assert clip["notes"] == [{"at_s": 0.5}]
    assert clip["duration_s"] == 2.0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--format", "a.iff"], 2, "the formats are wav, flac, mp3, m4a, opus, ogg"),
        (["--format", "../wav"], 2, "the formats are"),
        (["--format", ""], 2, "no format is named"),
        (["--rate", "44100"], 2, "the rates are 8000, 16000, 24000, 48000"),
        (["--rate", "-1"], 2, "the rates are"),
        (["--roles", "../../etc"], 2, "is no role"),
        (["--roles", "moderator"], 4, "its channels have user and assistant"),
        (["--roles", "user", "--mono"], 2, "ask for two things"),
        (["--from", "0:20", "--to", "0:10"], 2, "--to a later time than --from"),
        (["--from", "-3"], 2, "is no time in a recording"),
        (["--from", "9:00:00"], 2, "an earlier time"),
        (["--into", "ftp://host/exports"], 2, "cannot use a ftp:// folder"),
        (["--t", "0:10"], 2, "no such option"),
    ],
)
def test_what_makes_no_sense_is_said_and_nothing_is_written(
    merged: Path, tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    place = ["--store", str(store_of(SESSION)), "--output", str(merged.parent), "--into", str(tmp_path / "exports")]
    done = CliRunner().invoke(app, ["export", SESSION, *place, *arguments])
    assert done.exit_code == code, done.stderr
    assert words in " ".join(done.stderr.replace("\u2502", " ").split())
    assert not (tmp_path / "exports").exists()


def test_nothing_is_replaced_unasked(merged: Path, tmp_path: Path) -> None:
    assert export(merged, tmp_path).returncode == 0
    (tmp_path / SESSION / "audio.wav").write_bytes(b"mine")
    done = export(merged, tmp_path)
    assert done.returncode == 2
    assert "--force" in done.stderr
    assert (tmp_path / SESSION / "audio.wav").read_bytes() == b"mine"
    assert export(merged, tmp_path, "--force").returncode == 0
    assert (tmp_path / SESSION / "audio.wav").read_bytes()[:4] == b"RIFF"


def test_a_recording_that_was_changed_is_not_exported(merged: Path, tmp_path: Path) -> None:
    changed = tmp_path / "out" / SESSION
    changed.mkdir(parents=True)
    for file in merged.iterdir():
        (changed / file.name).write_bytes(file.read_bytes())
    with (changed / "audio.webm").open("r+b") as audio:
        audio.seek(-5, 2)
        audio.write(b"\0")
    done = export(changed, tmp_path / "exports")
    assert done.returncode == 4
    assert "not the one that its report names" in done.stderr
    assert not (tmp_path / "exports").exists()


def test_exports_go_into_a_bucket_and_beside_the_result(merged: Path, s3_url: str, s3_client: Any) -> None:
    bucket = Prefix(s3_url, s3_client)
    for file in merged.iterdir():
        bucket.put(f"results/{SESSION}/{file.name}", file.read_bytes())
    place = ["--store", str(store_of(SESSION)), "--output", f"{s3_url}/results"]

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, [*arguments, *place])

    clip = ("export", SESSION, "--from", "10", "--to", "12", "--format", "ogg,wav")
    assert run(*clip, "--into", f"{s3_url}/out").exit_code == 0
    assert run(*clip, "--beside").exit_code == 0
    for folder in (f"out/{SESSION}/10.000-12.000s/", f"results/{SESSION}/exports/10.000-12.000s/"):
        document = json.loads(bucket.get(f"{folder}exports.json"))
        hashes = {one["name"]: one["sha256"] for one in document["files"] + document["documents"]}
        assert {"audio.ogg", "audio.wav", "captions.vtt", "transcript.json"} <= set(hashes)
        assert {name: hashlib.sha256(bucket.get(folder + name)).hexdigest() for name in hashes} == hashes
        assert sorted(key.removeprefix(folder) for key in bucket.keys() if key.startswith(folder)) == sorted(  # noqa: SIM118
            [*hashes, "exports.json"]
        )
    kind = s3_client.head_object(Bucket=bucket.bucket, Key=f"{bucket.prefix}{folder}audio.wav")["ContentType"]
    assert kind == "audio/wav"
    again = run(*clip, "--into", f"{s3_url}/out")
    assert again.exit_code == 2
    assert "has exports.json already" in " ".join(again.stderr.split())
    assert run(*clip, "--into", f"{s3_url}/out", "--force").exit_code == 0
    assert run("verify", SESSION).exit_code == 0  # what is beside a result is none of it
    both = run(*clip, "--into", f"{s3_url}/out", "--beside")
    assert "name two places" in " ".join(both.stderr.split())
