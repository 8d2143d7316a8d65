"""Lossless recordings come out of an export sample by sample, in WAV and FLAC of their own rate and bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
import test_pcm

from sessiontool import ExportOptions, export

if TYPE_CHECKING:
    from pathlib import Path

RATE, SECONDS = 16_000, 4


def values(path: Path) -> tuple[int, str, Any]:
    """The rate of a file, FFmpeg's name of its samples, and these as integers of 32 bits, interleaved."""
    with av.open(str(path)) as file:
        stream = file.streams.audio[0]
        found = np.concatenate([frame.to_ndarray().reshape(-1) for frame in file.decode(stream)])
        width = 16 if found.dtype == np.int16 else 0
        return stream.rate, stream.codec_context.name, found.astype(np.int32) << width


def exported(store: Path, name: str, **options: Any) -> Path:
    done = export("s", into=store / name, store=store, options=ExportOptions(formats=("wav", "flac"), **options))
    assert [one["rate_hz"] for one in done.document["files"]] == [RATE, RATE]
    return next((store / name / "s").glob("**/audio.wav")).parent


@pytest.mark.parametrize(("bits", "codec"), [(16, "pcm_s16le"), (24, "pcm_s24le")])
def test_every_sample_is_that_of_the_recording(tmp_path: Path, bits: int, codec: str) -> None:
    """It was resampled twice and rounded to 16 bits."""
    sound = test_pcm.samples(SECONDS, RATE, 2).astype("<i4")
    if bits == 24:
        sound = (sound << 8) + np.arange(sound.size) % 251
    data = b"".join(int(one).to_bytes(3, "little", signed=True) for one in sound) if bits == 24 else None
    whole = sound.astype("<i2").tobytes() if data is None else data
    test_pcm.write_session(tmp_path, [test_pcm.wav(whole, rate=RATE, channels=2, bits=bits)])
    test_pcm.merged(tmp_path)
    wanted = sound << (32 - bits)
    folder = exported(tmp_path, "whole", rate_hz=RATE)
    assert values(folder / "audio.wav")[:2] == (RATE, codec)
    for name in ("audio.wav", "audio.flac"):
        assert np.array_equal(values(folder / name)[2], wanted)
    clip = exported(tmp_path, "clip", rate_hz=RATE, start_s=1.25, end_s=2.0)
    first, last = (round(at * RATE) * 2 for at in (1.25, 2.0))
    for name in ("audio.wav", "audio.flac"):
        assert np.array_equal(values(clip / name)[2], wanted[first:last])
