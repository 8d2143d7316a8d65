"""Zeroes or line ends that an upload put behind a chunk: nothing of it is lost, and the next one goes on.

Bytes at a chunk's end that were overwritten look alike.  So the size that was noted decides; without it, a chunk is
padded where its elements end before that, and the next one begins when its last packet ends.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from msgspec import Struct

from ..model import SAMPLES_PER_MS
from .survey import WEBM, ChunkSurvey, survey

if TYPE_CHECKING:
    from ..documents.models import ChunkEntry
    from ..media.packets import Track
    from ..model import ChunkRef

PADDING = "upload padding"
_ZEROES, _BLANKS = b"\0", b"\r\n \t"
_MOST_OWN = 8  # zeroes or line ends that a chunk's own bytes end with; chosen
_JITTER_MS = 12  # chosen: Chrome's timestamps are up to 10 ms off (measured)
_FILLED_BYTES = 4  # chosen: a packet that ends with as many zeroes may have been overwritten


class _Padded(Struct, frozen=True):
    start: int
    survey: ChunkSurvey  # without the padding
    is_noted: bool


class PaddingFinder:
    """Looks at the chunks of a part, in order; `found` are those that are padded: where that begins, and the rest."""

    def __init__(self, mime_type: str) -> None:
        self.found: dict[ChunkRef, tuple[int, ChunkSurvey]] = {}
        self._mime_type = mime_type
        self._before: _Padded | None = None

    def look_at(self, found: ChunkSurvey, data: bytes, noted: ChunkEntry | None, track: Track | None) -> None:
        """The next chunk; `track` is that of a header before it."""
        self._confirm(found)
        self._before = self._padded(found, data, noted, track)

    def end(self) -> None:
        """There are no more chunks."""
        self._confirm(None)

    def _confirm(self, after: ChunkSurvey | None) -> None:
        before = self._before
        if before and (before.is_noted or after is None or _goes_on(before.survey, after)):
            self.found[before.survey.chunk] = before.start, before.survey

    def _padded(self, found: ChunkSurvey, data: bytes, noted: ChunkEntry | None, track: Track | None) -> _Padded | None:
        ends = [len(data.rstrip(kind)) for kind in (_ZEROES, _BLANKS)]
        if min(ends) == len(data):
            return None
        size = noted.bytes if noted else None
        if size and min(ends) <= size < len(data):
            own = data[:size]
            is_it = not (noted and noted.sha256) or hashlib.sha256(own).hexdigest() == noted.sha256
            return _Padded(size, survey(found.chunk, own, self._mime_type, track), is_noted=True) if is_it else None
        first = min(ends)
        is_torn = any(one.offset <= first < one.offset + one.length_bytes for one in found.damages)
        for start in range(first, min(first + _MOST_OWN, len(data))) if is_torn and found.digests else ():
            rest = survey(found.chunk, data[:start], self._mime_type, track)
            is_filled = data[start - _FILLED_BYTES : start] == bytes(_FILLED_BYTES)
            if not rest.is_torn_at_end and not is_filled:
                return _Padded(start, rest, is_noted=False)
        return None


def _goes_on(before: ChunkSurvey, after: ChunkSurvey) -> bool:
    """Whether the sound of a chunk begins when that of the one before ends: no packet is lost between them."""
    if before.dialect is None or after.dialect is None or not after.digests:
        return False
    is_prefixed = before.dialect.container == WEBM and before.tail_bytes[-1:] in {b"\xa3", b"\x1f"}
    if after.is_torn_at_start and not is_prefixed:
        return False
    most_ms = before.dialect.packet_samples / SAMPLES_PER_MS / 2 + _JITTER_MS
    if before.end_ms is not None and after.start_ms is not None and not after.counts_from_before:
        return abs(after.start_ms - before.end_ms) <= most_ms
    return abs(after.head_ms - before.tail_ms) <= most_ms
