"""Writes AAC as an M4A file whose index comes first (ISO/IEC 14496-12 and 14496-14).

The index (`index`) needs every frame's size, so frames go to a body file first and `finish` puts the index before them;
held are four bytes a frame.
"""

from __future__ import annotations

import shutil
import struct
from array import array
from typing import TYPE_CHECKING, BinaryIO

from .index import FrameTable, box, index_box

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..aac import AacHead

_MOST_INDEX_BYTES = 16  # of a frame in the index; chosen: it takes 5
_LEAST_FRAMES = 256  # frames; chosen: as many as that have room for what else is in the index
_COPY_BYTES = 1 << 20  # chosen: few calls, little memory
_LONG_BYTES = 1 << 32  # a size from here on takes 64 bits (ISO/IEC 14496-12, section 4.2)


class M4aMuxer:
    """Frames in, sound out to `body` (a binary file open for writing and reading, at its start)."""

    def __init__(self, body: BinaryIO) -> None:
        self.samples = 0
        self._body = body
        self._body_bytes = 0
        self._sizes = array("I")

    def write(self, payloads: Sequence[bytes], durations: Sequence[int]) -> None:
        """Append frames, each with its duration in samples at 48 kHz."""
        sound = b"".join(payloads)
        self._body.write(sound)
        self._body_bytes += len(sound)
        self._sizes.extend(map(len, payloads))
        self.samples += sum(durations)

    def finish(self, out: BinaryIO, head: AacHead, *, writing_app: str, track_uid: int) -> None:
        """Write the whole file to `out`: the index, then the frames from the body."""
        kind = box(b"ftyp", b"M4A ", struct.pack(">I", 0x200), b"M4A isommp42")
        size = 8 + self._body_bytes
        is_large = size >= _LONG_BYTES
        data = struct.pack(">I4sQ", 1, b"mdat", 8 + size) if is_large else struct.pack(">I4s", size, b"mdat")
        is_long = size + _MOST_INDEX_BYTES * (_LEAST_FRAMES + len(self._sizes)) >= _LONG_BYTES
        made_by = writing_app, f"recording {track_uid:x}"
        table = FrameTable.of(self._sizes)
        index = index_box(head, table, 0, *made_by, is_long=is_long)
        start = len(kind) + len(index) + len(data)
        index = index_box(head, table, start, *made_by, is_long=is_long)
        out.write(kind + index + data)
        self._body.seek(0)
        shutil.copyfileobj(self._body, out, _COPY_BYTES)
