"""Writes MP3: a tag, a frame that describes the file, so that players know its length and delay, and the frames.

The first frame needs the sizes of all, so frames go to a body file first; held are four bytes a frame.
"""

from __future__ import annotations

import shutil
from array import array
from typing import TYPE_CHECKING, BinaryIO

from .tags import id3_tag, info_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..mp3 import Mp3Head

_COPY_BYTES = 1 << 20  # chosen: few calls, little memory


class Mp3Muxer:
    """Frames in, sound out to `body` (a binary file open for writing and reading, at its start)."""

    def __init__(self, body: BinaryIO) -> None:
        self.samples = 0
        self._body = body
        self._sizes = array("I")

    def write(self, payloads: Sequence[bytes], durations: Sequence[int]) -> None:
        """Append frames, each with its duration in samples at 48 kHz."""
        self._body.write(b"".join(payloads))
        self._sizes.extend(map(len, payloads))
        self.samples += sum(durations)

    def finish(self, out: BinaryIO, head: Mp3Head, *, writing_app: str, track_uid: int) -> None:
        """Write the whole file to `out`."""
        out.write(id3_tag(writing_app, track_uid) + info_frame(head, self._sizes))
        self._body.seek(0)
        shutil.copyfileobj(self._body, out, _COPY_BYTES)
