"""Boxes at the top level of an MP4 (ISO/IEC 14496-12): what a recording of that kind begins with."""

from __future__ import annotations

PASSED = frozenset(
    {
        *(b"ftyp", b"styp", b"mdat", b"free", b"skip", b"wide", b"sidx", b"ssix", b"emsg", b"prft", b"pdin"),
        *(b"mfra", b"uuid", b"meta", b"udta"),
    }
)
MAX_BUFFERED_BYTES = {b"moov": 1 << 24, b"moof": 1 << 20}
"""Bytes of the boxes that are read whole, at most (chosen: an index of 24 hours, and far above recorders'
fragments); those of `PASSED` stream by."""


def begins_mp4(data: bytes) -> bool:
    """Whether `data` begins with a box that may be at the top level of an MP4."""
    return data[4:8] in PASSED | MAX_BUFFERED_BYTES.keys()
