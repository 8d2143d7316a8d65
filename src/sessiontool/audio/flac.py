"""Samples into FLAC and out of it again, exactly (through PyAV).

FLAC has integers of 16 or 24 bits here.  Samples of 8 and 16 bits become 16, all others 24: of floats and of 32 bits
the nearest, which is said (`rounded`).  The *canonical* bytes of samples are those integers, little-endian and
interleaved: what comes out of the file, and what is hashed of a chunk.
"""

from __future__ import annotations

import hashlib
from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO

import av
import numpy as np
from av.error import FFmpegError

from ..errors import RecordingError
from ..media.pcm import PcmHead
from .contexts import LAYOUTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from av.container import OutputContainer
    from numpy.typing import NDArray

    Integers = NDArray[np.int32]

_BLOCK_FRAMES = 1 << 15  # frames; chosen: little memory, few calls
_FLOAT_SCALE = 1 << 23  # of 24-bit samples (by definition)
_SMALL = ("u8", "s16le")  # encodings that 16 bits hold
_WIDTHS = {16: 2, 24: 3}  # bytes of a sample by its bits (by definition)


class FlacMuxer:
    """Blocks of samples in, a FLAC file out; `body` is a binary file open for writing and reading, at its start."""

    def __init__(self, body: BinaryIO) -> None:
        self.samples = 0
        self.rounded = 0
        """Samples, on all channels, that the file does not have exactly; known once it is finished."""
        self._body = body

    def write(self, payloads: Sequence[bytes], durations: Sequence[int]) -> None:
        """Append blocks, each with its duration in samples at 48 kHz."""
        self._body.write(b"".join(payloads))
        self.samples += sum(durations)

    def finish(self, out: BinaryIO, head: PcmHead, *, writing_app: str, track_uid: int) -> None:
        """Write the whole file to `out`."""
        self._body.seek(0)
        with av.open(out, "w", format="flac") as file:
            file.metadata["comment"] = comment(writing_app, track_uid)
            encode_samples(file, "flac", head, self._values(head))

    def _values(self, head: PcmHead) -> Iterator[Integers]:
        while data := self._body.read(_BLOCK_FRAMES * head.frame_bytes):
            values = integers(data, head.encoding)
            self.rounded += _rounded(data, values, head.encoding)
            yield values


def encode_samples(file: OutputContainer, codec: str, head: PcmHead, blocks: Iterable[Integers]) -> int:
    """Write blocks of samples, as `integers` gives them, by a codec without loss; returns how many on each channel."""
    layout, done = LAYOUTS[head.channels], 0
    stream = file.add_stream(codec, rate=head.rate_hz)
    assert isinstance(stream, av.AudioStream)
    stream.layout, stream.format = layout, "s16" if head.encoding in _SMALL else "s32"
    stream.time_base = Fraction(1, head.rate_hz)
    for values in blocks:
        wide = values.astype(np.int16) if head.encoding in _SMALL else values << 8
        frame = av.AudioFrame.from_ndarray(wide.reshape(1, -1), format=stream.format.name, layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = head.rate_hz, done, stream.time_base
        done += frame.samples
        file.mux(stream.encode(frame))
    file.mux(stream.encode(None))
    return done


def comment(writing_app: str, track_uid: int) -> str:
    """What a file says of its making."""
    return f"{writing_app}, recording {track_uid:x}"


class FlacReader:
    """Reads a FLAC file in canonical bytes; RecordingError where it is none, or cannot be read to its end."""

    def __init__(self, file: BinaryIO) -> None:
        try:
            self._container = av.open(file, "r", format="flac")
            self._stream = self._container.streams.audio[0]
        except (FFmpegError, IndexError) as error:
            raise RecordingError(f"no FLAC file: {error}", hint="merge the session again with --force") from error
        self.rate_hz, self.channels = self._stream.rate, self._stream.channels
        self.bits = 16 if self._stream.format.name.startswith("s16") else 24
        self.frame_bytes = _WIDTHS[self.bits] * self.channels
        self.head = PcmHead(self.channels, self.rate_hz, "s16le" if self.bits == 16 else "s24le")
        self.tags = {name.lower(): value for name, value in self._container.metadata.items()}

    def blocks(self) -> Iterator[bytes]:
        """All samples, some at a time."""
        try:
            for frame in self._container.decode(self._stream):
                values = frame.to_ndarray().reshape(-1).astype(np.int32)
                yield _bytes(values if self.bits == 16 else values >> 8, self.bits)
        except FFmpegError as error:
            raise RecordingError(f"the FLAC file is damaged: {error}", hint="merge the session again") from error


class SampleDigest:
    """A SHA-256 over the canonical bytes of samples, however they are handed over."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._bytes = hashlib.sha256()

    def update(self, payloads: Sequence[bytes]) -> None:
        self._bytes.update(canonical(b"".join(payloads), self._encoding))

    def hexdigest(self) -> str:
        return self._bytes.hexdigest()


def canonical(data: bytes, encoding: str) -> bytes:
    """The canonical bytes of samples in an encoding of `pcm.ENCODINGS`."""
    return _bytes(integers(data, encoding), 16 if encoding in _SMALL else 24)


def integers(data: bytes, encoding: str) -> Integers:
    """Samples as the integers that the file has of them, of 16 or 24 bits."""
    match encoding:
        case "u8":
            return (np.frombuffer(data, np.uint8).astype(np.int32) - 128) << 8
        case "s16le":
            return np.frombuffer(data, "<i2").astype(np.int32)
        case "s24le":
            bytes_of = np.frombuffer(data, np.uint8).reshape(-1, 3)
            wide = np.zeros((len(bytes_of), 4), np.uint8)
            wide[:, 1:] = bytes_of
            return wide.reshape(-1).view("<i4").astype(np.int32) >> 8
        case "s32le":
            return np.frombuffer(data, "<i4").astype(np.int32) >> 8
    floats = np.nan_to_num(np.frombuffer(data, "<f4").astype(np.float64))
    return np.clip(np.rint(floats * _FLOAT_SCALE), -_FLOAT_SCALE, _FLOAT_SCALE - 1).astype(np.int32)


def floats(data: bytes, head: PcmHead) -> NDArray[np.float32]:
    """Samples as sound of shape (channels, n), full scale 1.0."""
    values = integers(data, head.encoding).astype(np.float32)
    sound = values.reshape(-1, head.channels).T / np.float32(1 << 15 if head.encoding in _SMALL else _FLOAT_SCALE)
    return sound.astype(np.float32, copy=False)


def _bytes(values: Integers, bits: int) -> bytes:
    little = np.ascontiguousarray(values.astype("<i4")).view(np.uint8).reshape(-1, 4)
    return little[:, : _WIDTHS[bits]].tobytes()


def _rounded(data: bytes, values: Integers, encoding: str) -> int:
    """How many samples are not exactly what the integers are."""
    if encoding == "s32le":
        return int(np.count_nonzero(np.frombuffer(data, "<i4") & 0xFF))
    if encoding != "f32le":
        return 0
    return int(np.count_nonzero(np.frombuffer(data, "<f4").astype(np.float64) * _FLOAT_SCALE != values))
