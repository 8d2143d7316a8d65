"""What a demuxer does with the elements of a recording: step into, read or pass over, and how large each may be.

A size that is larger is damage.
"""

from __future__ import annotations

from . import ebml

MASTERS = frozenset({ebml.SEGMENT, ebml.CLUSTER, ebml.BLOCK_GROUP})
BUFFERED = frozenset({ebml.EBML, ebml.INFO, ebml.TRACKS, ebml.TIMESTAMP})
BLOCKS = frozenset({ebml.SIMPLE_BLOCK, ebml.BLOCK})
PASSED_OVER = frozenset(
    {
        *(ebml.SEEK_HEAD, ebml.CUES, ebml.TAGS, ebml.CHAPTERS, ebml.ATTACHMENTS, ebml.VOID, ebml.CRC_32),
        *(ebml.POSITION, ebml.PREV_SIZE, ebml.SILENT_TRACKS, ebml.BLOCK_ADDITIONS, ebml.BLOCK_DURATION),
        *(ebml.REFERENCE_BLOCK, ebml.REFERENCE_PRIORITY, ebml.DISCARD_PADDING),
    }
)
LIVE_CLUSTER = ebml.CLUSTER.to_bytes(4, "big") + b"\x01" + b"\xff" * 7 + ebml.TIMESTAMP.to_bytes(1, "big")
"""How a live cluster begins: it has no size, and its timestamp comes first."""

FIRST_BYTES = frozenset(
    element_id >> 8 * ((element_id.bit_length() - 1) // 8) for element_id in MASTERS | BUFFERED | BLOCKS | PASSED_OVER
)
"""What elements begin with."""

MAX_FOREIGN_BLOCK_BYTES = 1 << 23  # chosen: above any key frame of a camera

_MOST_BYTES = {ebml.VOID: 1 << 16, ebml.BLOCK_ADDITIONS: 1 << 16, ebml.SILENT_TRACKS: 1 << 10}  # chosen
_MOST_OF_A_NUMBER = 8  # bytes (RFC 8794, sections 7.1 to 7.3)
_MOST_OF_A_HEADER = 1 << 20  # bytes; chosen: browsers' headers have 146 to 260 (measured)


def check_size(element_id: int, size: int) -> None:
    """ValueError where an element that is read or passed over is larger than it can be; attachments may be any size."""
    most = _MOST_BYTES.get(element_id, _MOST_OF_A_HEADER if element_id >= 1 << 24 else _MOST_OF_A_NUMBER)
    if size > most and element_id != ebml.ATTACHMENTS:
        raise ValueError(f"element {element_id:#x} of {size} bytes")
