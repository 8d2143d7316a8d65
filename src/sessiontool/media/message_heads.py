"""A head of a program's own before each blob: a type, a number, a time, as messages over a socket have.

Nothing in its bytes says what it is.  In the first chunk the recording's header is behind it, and so says how long it
is.  That another chunk has one as long is proved by what it follows: without it less of the recording is damaged.

Not here: heads that can be known by their form (`byte_wrappers`).
"""

from __future__ import annotations

import hashlib

from ..errors import RecordingError
from .probe import begins_recording, open_demuxer
from .repeated_heads import head_bytes

_MOST_BYTES = 256
"""Of a head; chosen: a type, a number, a time and an id or two have fewer than a hundred."""
_MARKS = ((b"\x1a\x45\xdf\xa3", 0), (b"OggS", 0), (b"ftyp", 4))
"""What a recording has near its beginning, and at which byte; by definition (RFC 8794, RFC 3533, ISO/IEC 14496-12)."""


class MessageHeads:
    """Looks at the chunks of a session, one after another, the first of them first."""

    def __init__(self) -> None:
        self._size = 0  # bytes of a head
        self._is_begun = False
        self._header = self._before = b""  # of the recording, without a head; and the chunk that was looked at last
        self._known: dict[bytes, int] = {}  # chunks that are read again

    @property
    def are_known(self) -> bool:
        """Whether the first chunk had such a head, so that others may."""
        return self._size > 0

    @property
    def unproved_bytes(self) -> int:
        """How many bytes the first chunk has before its recording's header where no other chunk has as many; else 0."""
        return self._size if sum(map(bool, self._known.values())) < 2 else 0

    def count(self, data: bytes) -> int:
        """How many bytes a chunk has before what it holds of the recording; 0 mostly."""
        if not self._is_begun:
            self._is_begun = True
            self._size = _place_of_header(data)
            self._header = data[self._size :][: head_bytes(data[self._size :])] if self._size else b""
        if not self._size:
            return 0
        digest = hashlib.sha256(data).digest()
        if digest not in self._known:
            self._known[digest] = self._size if self._has_head(data) else 0
            self._before = data[self._known[digest] :]
        return self._known[digest]

    def _has_head(self, data: bytes) -> bool:
        rest = data[self._size :]
        if begins_recording(rest) or begins_recording(data):
            return begins_recording(rest)
        return self._damaged_bytes(rest) < self._damaged_bytes(data)

    def _damaged_bytes(self, rest: bytes) -> int:
        """How much is damaged where a chunk goes on with `rest` behind the one before it."""
        demuxer = open_demuxer(self._header)
        try:
            for data in (self._header, self._before, rest):
                demuxer.feed(data)
            demuxer.flush()
        except RecordingError:
            return len(rest)
        return sum(damage.length_bytes for damage in demuxer.ledger.damages)


def _place_of_header(data: bytes) -> int:
    """How many bytes are before a recording's header, where they are no sound; 0 where none is near."""
    for mark, behind in _MARKS:
        at = data.find(mark, 0, _MOST_BYTES + len(mark) + behind) - behind
        if at >= 0 and head_bytes(data[at:]):
            return 0 if _is_something_else(data[:at]) else at
    return 0


def _is_something_else(data: bytes) -> bool:
    """Whether bytes before a header are lines of text, as of HTTP, or the end of another recording."""
    if b"\r\n" in data:
        return True
    try:
        demuxer = open_demuxer(data)
        return bool(demuxer.feed(data) + demuxer.flush())
    except RecordingError:
        return False
