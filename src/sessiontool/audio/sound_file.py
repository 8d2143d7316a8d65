"""Sound into files that people play: WAV, FLAC, MP3, AAC in M4A, Opus in Ogg and WebM (by PyAV, with no ffmpeg).

A lossy file says how much of its beginning is the encoder's own (`priming`): an edit list in M4A, a LAME tag in MP3,
the pre-skip in Ogg, CodecDelay in WebM.  Programs that heed it hear the sound from its first sample on.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from ..media.opus import SAMPLES_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_LAYOUTS = {1: "mono", 2: "stereo"}


class SoundFormat(Struct, frozen=True):
    """How a kind of file is made; `bit_rate` is of one channel, in bits a second, 0 where nothing is lost."""

    codec: str
    container: str
    sample_format: str
    bit_rate: int = 0
    container_options: tuple[tuple[str, str], ...] = ()

    @property
    def is_opus(self) -> bool:
        return self.codec == "libopus"


_OPUS = SoundFormat("libopus", "ogg", "flt", 48_000)
"""Bits a second: chosen, well above what speech needs."""

FORMATS = {
    "wav": SoundFormat("pcm_s16le", "wav", "s16", container_options=(("rf64", "auto"),)),
    "flac": SoundFormat("flac", "flac", "s16"),
    "mp3": SoundFormat("libmp3lame", "mp3", "fltp", 64_000),
    "m4a": SoundFormat("aac", "ipod", "fltp", 64_000, (("movflags", "+faststart"),)),
    "opus": _OPUS,
    "ogg": _OPUS,
    "webm": replace(_OPUS, container="webm"),
}
"""By the ending of the file; bits a second: chosen, as above.  RF64 (EBU Tech 3306) takes over where WAV ends."""

RATES_HZ = (8_000, 16_000, 24_000, 48_000)
"""Samples a second that each of the formats can hold: Opus has no 44,100 (RFC 6716, section 2)."""


class SoundFile:
    """A file that sound at 48 kHz is written to, block by block.

    `rate_hz` is what a decoder of the file gives: that of Opus is always 48 kHz (RFC 7845, section 5.1).
    `samples` and `priming` are known once it is finished: the length of the sound and of what is in front of it, at the
    rate of the file.
    """

    def __init__(self, path: Path, form: SoundFormat, channels: int, rate_hz: int, tags: Mapping[str, str]) -> None:
        self.samples = self.priming = 0
        self._taken = 0
        self.rate_hz = SAMPLES_PER_SECOND if form.is_opus else rate_hz
        self._layout = _LAYOUTS[channels]
        options = dict(form.container_options)
        self._file = av.open(str(path), "w", format=form.container, container_options=options)
        self._file.metadata.update(tags)
        stream = self._file.add_stream(form.codec, rate=self.rate_hz)
        assert isinstance(stream, av.AudioStream)
        stream.layout, stream.format = self._layout, form.sample_format
        stream.time_base = Fraction(1, self.rate_hz)
        if form.bit_rate:
            stream.bit_rate = form.bit_rate * channels
        self._stream = stream

    def write(self, sound: Floats) -> None:
        """Write a block of shape (channels, n), full scale 1.0."""
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout=self._layout)
        frame.sample_rate, frame.pts, frame.time_base = SAMPLES_PER_SECOND, self._taken, Fraction(1, SAMPLES_PER_SECOND)
        self._taken += sound.shape[1]
        self._mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Write what the encoder still holds, and the file's end."""
        self.samples = -(-self._taken * self.rate_hz // SAMPLES_PER_SECOND)
        if self._taken:
            self._mux(self._stream.encode(None))
        self._file.close()

    def close(self) -> None:
        """Let go of the file; it is whole where it was finished."""
        self._file.close()

    def _mux(self, packets: Iterable[av.Packet[Any]]) -> None:
        for packet in packets:
            if packet.pts is not None:
                self.priming = max(self.priming, -int(packet.pts * packet.time_base * self.rate_hz))
            self._file.mux(packet)
