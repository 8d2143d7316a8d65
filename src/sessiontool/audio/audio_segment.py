"""Sound as pydub's AudioSegment, for programs that cut, fade and mix with it.

pydub holds all of its sound in memory, and calls an ffmpeg only to read and write files, which is not needed here.
From Python 3.13 on it needs audioop-lts, which sessiontool depends on there.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydub import AudioSegment as AudioSegment  # noqa: PLC0414 - others name it from here

_SAMPLE_BYTES = 2  # of 16 bits (by definition)


def audio_segment(pcm: bytes, channels: int, rate_hz: int) -> AudioSegment:
    """The AudioSegment of interleaved 16-bit samples."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydub warns where it finds no ffmpeg, and of its own age
        from pydub import AudioSegment  # noqa: PLC0415 - only who asks for it waits for it

    return AudioSegment(data=pcm, sample_width=_SAMPLE_BYTES, frame_rate=rate_hz, channels=channels)
