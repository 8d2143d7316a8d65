"""Recordings that were made elsewhere become sessions: the sample's sound in the shapes that services have."""

from __future__ import annotations

import hashlib
import shutil
import wave
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from conftest import TESTS
from faultproxy import Fault
from recorder_page import stereo
from s3server import BUCKET
from typer.testing import CliRunner
from websocket_logs import coded

from sessiontool import merge, verify
from sessiontool.cli import app
from sessiontool.console.json_logs import use_json_logs

if TYPE_CHECKING:
    from faultproxy import FaultProxy

RATE = 24_000
WITHIN_S = 0.05
SAMPLES = TESTS.parent / "samples"
DEMO = SAMPLES / "demo"
LOG = DEMO / "utterances.jsonl"


@cache
def own() -> tuple[bytes, dict[str, tuple[float | None, str]]]:
    """The sample's own recording, and where its utterances are in it."""
    with TemporaryDirectory() as target:
        result = merge("demo", store=SAMPLES, output=target)
        return (Path(target) / "demo" / "audio.webm").read_bytes(), starts(result)


@cache
def sound() -> Any:
    """The sample's sound, shape (2, n), 24 kHz."""
    return stereo(own()[0])[::2].T.astype(np.float64)


def wav(path: Path, lanes: Any, rate: int = RATE) -> Path:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(len(lanes))
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes((np.clip(lanes.T, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def run(*argv: object) -> str:
    done = CliRunner().invoke(app, ["import", *map(str, argv)])
    assert done.exit_code == 0, done.output
    return done.output


def failing(*argv: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["import", *map(str, argv)])
    return done.exit_code, done.output


@pytest.fixture(autouse=True)
def plain_messages() -> None:
    """Another test of this process may have asked for JSON."""
    use_json_logs(wanted=False)


@pytest.fixture(scope="module")
def stereo_wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wav(tmp_path_factory.mktemp("wav") / "call.wav", sound())


def starts(result: Any) -> dict[str, tuple[float | None, str]]:
    return {one["id"]: (one["start_s"], one["role"]) for one in result.transcript["utterances"]}


def assert_as_the_sample(store: Path, target: Path) -> Any:
    """The utterances are where the sample itself has them."""
    wanted = own()[1]
    result = merge("s1", store=store, output=target / "merged")
    found = starts(result)
    assert found.keys() == wanted.keys()
    for name, (start_s, role) in wanted.items():
        assert start_s is not None
        assert found[name][0] == pytest.approx(start_s, abs=WITHIN_S), name
        assert found[name][1] == role
    assert not verify("s1", store=store, output=target / "merged").findings
    return result


def codes(result: Any) -> set[str]:
    return {one["code"] for one in result.report["findings"]}


def test_a_stereo_file_from_file_to_captions(stereo_wav: Path, tmp_path: Path) -> None:
    printed = run(stereo_wav, "--id", "s1", "--store", tmp_path / "store", "--source", "live", "--utterances", LOG)
    assert "encoded to Opus once" in printed
    assert "user, assistant (as the source has them)" in printed
    kept = tmp_path / "store" / "s1" / "recording" / "000.wav"
    assert kept.read_bytes() == stereo_wav.read_bytes()
    result = assert_as_the_sample(tmp_path / "store", tmp_path)
    (finding,) = [one for one in result.report["findings"] if one["code"] == "imported"]
    assert hashlib.sha256(kept.read_bytes()).hexdigest() in finding["message"]
    assert "chunks-ignored" not in codes(result)
    assert result.status == "complete"


@pytest.mark.parametrize(
    ("source", "how"), [("livekit", "as the source has them"), ("twilio", "by the sound of the log")]
)
def test_an_agent_on_the_left_is_put_right(source: str, how: str, stereo_wav: Path, tmp_path: Path) -> None:
    swapped = wav(tmp_path / "swapped.wav", sound()[::-1])
    printed = run(swapped, "--id", "s1", "--store", tmp_path / "store", "--source", source, "--utterances", LOG)
    assert f"assistant, user ({how}" in printed
    assert "channels-swapped" not in codes(assert_as_the_sample(tmp_path / "store", tmp_path))


def test_channels_that_are_right_are_left_as_they_are(stereo_wav: Path, tmp_path: Path) -> None:
    printed = run(stereo_wav, "--id", "s1", "--store", tmp_path / "store", "--source", "vapi", "--utterances", LOG)
    assert "user, assistant (by the sound of the log" in printed
    assert_as_the_sample(tmp_path / "store", tmp_path)


def test_channels_are_not_known_where_nothing_says_whose_they_are(stereo_wav: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    assert "(not known" in run(stereo_wav, "--id", "s1", "--store", store, "--source", "vapi")
    together = wav(tmp_path / "together.wav", sound().sum(axis=0, keepdims=True).repeat(2, axis=0) / 2)
    assert "(not known" in run(together, "--id", "s2", "--store", store, "--source", "vapi", "--utterances", LOG)


def test_two_files_with_a_voice_each_and_one_later(tmp_path: Path) -> None:
    lanes = sound()
    user, assistant = wav(tmp_path / "u.wav", lanes[:1]), wav(tmp_path / "a.wav", lanes[1:, round(0.9 * RATE) :])
    channels = ("--channels", "assistant,user", "--late", 0.9, "--late", 0)
    run(assistant, user, "--id", "s1", "--store", tmp_path / "store", *channels, "--utterances", LOG)
    kept = tmp_path / "store" / "s1" / "recording"
    assert (kept / "user" / "000.wav").read_bytes() == user.read_bytes()
    assert (kept / "assistant" / "000.wav").read_bytes() == assistant.read_bytes()
    result = assert_as_the_sample(tmp_path / "store", tmp_path)
    assert not {"chunks-ignored", "imported-original-missing"} & codes(result)


def test_telephone_sound_in_a_wav_file(tmp_path: Path) -> None:
    """G.711 in WAV is format 7, which many readers refuse."""
    lanes = sound()[:, ::3]
    data = np.stack([np.frombuffer(coded(lane, "pcmu"), np.uint8) for lane in lanes], axis=1).tobytes()
    form = b"".join(
        part.to_bytes(size, "little") for part, size in ((7, 2), (2, 2), (8000, 4), (16_000, 4), (2, 2), (8, 2), (0, 2))
    )
    chunks = b"".join(
        name + len(body).to_bytes(4, "little") + body for name, body in ((b"fmt ", form), (b"data", data))
    )
    path = tmp_path / "call.wav"
    path.write_bytes(b"RIFF" + (4 + len(chunks)).to_bytes(4, "little") + b"WAVE" + chunks)
    run(path, "--id", "s1", "--store", tmp_path / "store", "--channels", "user,assistant", "--utterances", LOG)
    assert_as_the_sample(tmp_path / "store", tmp_path)


def test_a_file_with_two_tracks_is_refused_by_that(tmp_path: Path) -> None:
    """The first was imported alone, and a voice was gone without a word."""
    with av.open(str(tmp_path / "two.mka"), "w") as out:
        for stream in [out.add_stream("pcm_s16le", rate=RATE, layout="mono") for _ in range(2)]:
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), "s16", "mono")
            frame.sample_rate = RATE
            out.mux(stream.encode(frame))
    code, said = failing(tmp_path / "two.mka", "--id", "s1", "--store", tmp_path / "store")
    assert (code, "has 2 tracks of sound" in said) == (4, True)
    assert not (tmp_path / "store" / "s1").exists()


def test_stereo_opus_is_taken_as_it_is(tmp_path: Path) -> None:
    original = tmp_path / "call.webm"
    original.write_bytes(own()[0])
    printed = run(original, "--id", "s1", "--store", tmp_path / "store", "--source", "live", "--utterances", LOG)
    assert "taken as it is" in printed
    assert (tmp_path / "store" / "s1" / "chunks" / "000" / "000000.webm").read_bytes() == original.read_bytes()
    result = assert_as_the_sample(tmp_path / "store", tmp_path)
    assert "imported" in codes(result)


def test_an_original_that_is_gone_is_named(stereo_wav: Path, tmp_path: Path) -> None:
    run(stereo_wav, "--id", "s1", "--store", tmp_path / "store", "--source", "live")
    (tmp_path / "store" / "s1" / "recording" / "000.wav").unlink()
    assert "imported-original-missing" in codes(merge("s1", store=tmp_path / "store", output=tmp_path / "merged"))


def test_an_original_that_was_changed_is_named(stereo_wav: Path, tmp_path: Path) -> None:
    run(stereo_wav, "--id", "s1", "--store", tmp_path / "store", "--source", "live")
    (finding,) = [
        one
        for one in merge("s1", store=tmp_path / "store", output=tmp_path / "merged").report["findings"]
        if one["code"] == "imported"
    ]
    assert "size and SHA-256" in finding["message"]
    path = tmp_path / "store" / "s1" / "recording" / "000.wav"
    body = bytearray(path.read_bytes())
    body[-1] ^= 1
    path.write_bytes(body)
    assert "imported-original-missing" in codes(merge("s1", store=tmp_path / "store", output=tmp_path / "again"))


def test_what_cannot_be_imported_leaves_nothing(stereo_wav: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    (tmp_path / "text.wav").write_text("not a recording")
    three = wav(tmp_path / "three.wav", np.zeros((3, RATE)))
    for argv, code, said in (
        ([tmp_path / "none.wav"], 3, "there is no file"),
        ([tmp_path / "text.wav"], 4, "cannot be read as sound"),
        ([three], 4, "two channels"),
        ([tmp_path], 3, "is a folder"),
        ([stereo_wav, "--source", "nobody"], 2, "not known"),
        ([stereo_wav, "--channels", "user"], 2, "there are 2 channels"),
        ([stereo_wav, "--channels", "user,user"], 2, "once"),
        ([stereo_wav, "--late", "-1"], 2, "seconds from 0"),
        ([stereo_wav, "--utterances", tmp_path / "text.wav"], 2, "no log"),
        ([stereo_wav, "--utterances", tmp_path / "none.jsonl"], 3, "there is no"),
    ):
        found = failing(*argv, "--id", "s1", "--store", store)
        assert found[0] == code, (argv, found)
        assert said in found[1], (argv, found)
        assert not (store / "s1").exists()
        assert not store.exists() or not [*store.iterdir()]
    assert failing(stereo_wav, "--id", "../s1", "--store", store)[0] == 2
    shutil.copytree(DEMO, store / "s1")
    assert failing(stereo_wav, "--id", "s1", "--store", store)[0] == 2


# -- into a bucket


def keys(s3_client: Any, url: str) -> dict[str, int]:
    prefix = f"{url.partition(f'{BUCKET}/')[2]}/"
    found = s3_client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", ())
    return {one["Key"].removeprefix(prefix): one["Size"] for one in found}


def test_a_bucket_gets_the_same_session(s3_url: str, s3_client: Any, stereo_wav: Path, tmp_path: Path) -> None:
    argv = [stereo_wav, "--id", "s1", "--source", "azure", "--utterances", LOG]
    run(*argv, "--store", tmp_path)
    said = run(*argv, "--store", s3_url)
    assert f"sessiontool merge s1 --store {s3_url}" in said
    local = {
        path.relative_to(tmp_path).as_posix(): path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()
    }
    assert keys(s3_client, s3_url) == local
    result = merge("s1", store=s3_url)
    assert result.status == "complete"
    assert verify("s1", store=s3_url).findings == ()
    before = keys(s3_client, s3_url)
    code, text = failing(*argv, "--store", s3_url)
    assert (code, "exists already" in text) == (2, True)
    assert keys(s3_client, s3_url) == before


@pytest.mark.parametrize("refused", ["recording/", "session.json", "chunks/"])
def test_a_bucket_that_refuses_has_nothing_of_the_session(
    refused: str, s3_url: str, s3_client: Any, fault_proxy: FaultProxy, stereo_wav: Path
) -> None:
    fault_proxy.faults.append(Fault("denied", "PUT", f"s1/{refused}", lasting=True))
    code, said = failing(stereo_wav, "--id", "s1", "--source", "azure", "--store", s3_url)
    assert code == 5, said
    assert "s1/" in said
    assert keys(s3_client, s3_url) == {}
