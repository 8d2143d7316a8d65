"""How an Ogg stream begins (RFC 3533, section 6; RFC 7845, section 5.1): before it is read."""

from __future__ import annotations

_FLAGS_AT, _NUMBER_AT = 5, 18  # bytes of a page (RFC 3533, section 6)
_FIRST = 2  # flag of a stream's first page (RFC 3533, section 6)
_PACKET_AT = 28  # byte of a page, after a segment table of one (RFC 3533, section 6)


def begins_ogg(data: bytes) -> bool:
    """Whether `data` begins with a stream's first page: by two of its flag, number and packet: one may be damaged."""
    if not data.startswith(b"OggS") or len(data) < _PACKET_AT:
        return False
    is_first, is_zero = bool(data[_FLAGS_AT] & _FIRST), not any(data[_NUMBER_AT : _NUMBER_AT + 4])
    return is_first + is_zero + data.startswith(b"OpusHead", _PACKET_AT) > 1
