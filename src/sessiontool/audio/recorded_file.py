"""Sound files that other programs recorded: what is in one, and its sound at 48 kHz (through PyAV)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np
from av.error import FFmpegError
from msgspec import Struct

from ..errors import NotFoundError, RecordingError
from .encoder import read_sound

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_RATE = 48_000  # samples a second (RFC 7845, section 4)


class RecordedFile(Struct, frozen=True):
    """A sound file: `container` and `codec` by FFmpeg's names; `duration_s` is what it says, 0 where nothing."""

    path: Path
    container: str
    codec: str
    channels: int
    rate_hz: int
    duration_s: float


def look_at(path: Path) -> RecordedFile:
    """What a file is (NotFoundError; RecordingError where it holds no sound that can be read)."""
    try:
        with av.open(str(path)) as file:
            if not file.streams.audio:
                raise RecordingError(f"{path} holds no sound", hint="give a file with an audio track")
            if len(file.streams.audio) > 1:
                raise RecordingError(
                    f"{path} has {len(file.streams.audio)} tracks of sound",
                    hint="make one stereo track of two: "
                    "ffmpeg -i FILE -filter_complex '[0:a:0][0:a:1]join=inputs=2:channel_layout=stereo' OUT.wav",
                )
            stream = file.streams.audio[0]
            context = stream.codec_context
            return RecordedFile(
                path,
                file.format.name,
                context.codec.canonical_name,
                context.channels,
                context.sample_rate,
                (file.duration or 0) / av.time_base,
            )
    except FileNotFoundError:
        raise NotFoundError(f"there is no file {path}", hint="check its name") from None
    except IsADirectoryError:
        raise NotFoundError(f"{path} is a folder", hint="name the file") from None
    except FFmpegError as error:
        raise RecordingError(f"{path} cannot be read as sound: {error.strerror}", hint="give a WAV file") from None


def lane_of(path: Path, late_s: float = 0.0) -> Iterator[Floats]:
    """The sound of a file as one lane, blocks of shape (n,) at 48 kHz, behind `late_s` of silence."""
    left = round(late_s * _RATE)
    while left > 0:
        yield np.zeros(min(left, _RATE), np.float32)
        left -= _RATE
    for block in read_sound(path, 1):
        yield block[0]


def stereo_of(path: Path, *, swapped: bool = False) -> Iterator[Floats]:
    """The sound of a stereo file: blocks of shape (2, n) at 48 kHz; `swapped`: its second channel first."""
    for block in read_sound(path, 2):
        yield np.ascontiguousarray(block[::-1]) if swapped else block
