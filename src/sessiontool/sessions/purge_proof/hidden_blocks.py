"""A second opinion on WebM: blocks that stand in a chunk's bytes, whatever its reader made of them.

A reader that takes one wrong size for true swallows the blocks in it, and calls them a packet or the container's own.
A merge by the same reader has the same opinion.  So the bytes are searched for blocks without reading elements: an id,
a size, the track's number, flags, the first byte of a packet like the others, and where it ends the next element.

Some 40 bits have to fit.  Where they do by chance, a chunk stays that might have gone.  Ogg's pages have checksums, and
the lengths of MP4's packets are apart from their bytes: there is nothing to swallow them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIZES = rb"[\x40-\x4f].|[\x85-\xfe]|\x10..."
_HEAD_BYTES = 4
"""Of a block, by definition (RFC 9559): the track's number, the time in two bytes, flags."""
_MARKER_BITS = 7
"""By definition of a number of one byte (RFC 8794)."""


@lru_cache(maxsize=16)
def _pattern(track: int, tocs: bytes) -> re.Pattern[bytes]:
    flags = rb"[\x00\x80]"
    first = b"[" + b"".join(b"\\x%02x" % toc for toc in tocs) + b"]"
    return re.compile(rb"\xa3(%b)(?=\x%02x..%b%b)" % (_SIZES, track | 0x80, flags, first), re.DOTALL)


def blocks_in(data: bytes, track: int, tocs: bytes) -> Iterator[bytes]:
    """The packets of all blocks of a track that seem to be in `data`; `tocs` are first bytes of packets, sorted."""
    for match in _pattern(track, tocs).finditer(data):
        size, body = match[1], match.end()
        end = body + int.from_bytes(size, "big") - (1 << _MARKER_BITS * len(size))
        if end == len(data) or data[end : end + 1] == b"\xa3" or data[end : end + 2] == b"\x1f\x43":
            yield data[body + _HEAD_BYTES : end]
