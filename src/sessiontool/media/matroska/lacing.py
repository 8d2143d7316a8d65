"""Several packets in one block, as mkvmerge puts eight of them (RFC 9559, section 10.3): what they are.

No browser writes such blocks, so a wrong bit in the flags of an ordinary one must not look like them: all sizes have to
add up, and every packet has to keep Opus's rules and to last as long as the first one.
"""

from __future__ import annotations

from ..opus import is_opus, packet_samples

LACING_FLAGS = 0x06  # flags of a block, by definition (RFC 9559, section 10.2)
_XIPH, _FIXED = 0x02, 0x04  # flags of a block, by definition; both: sizes as EBML has them
_HEAD_BYTES = 4  # track number, relative time, flags, by definition
_MOST_SIZE_BYTES = 8  # of a size, by definition (RFC 8794, section 4)
MOST_LACED_BYTES = 1 << 16
"""The largest block with lacing (chosen: a second at the highest rate of Opus, 510 kbit/s)."""

_MOST = 64  # packets; chosen: eight times as many as mkvmerge puts in a block
_FEWEST = 2  # packets; chosen: one alone needs no lacing, and proves nothing


def laced_packets(block: bytes) -> list[bytes]:
    """The packets of a whole block with lacing, from its track number on; ValueError where they are no Opus."""
    sizes, start = _sizes(block)
    packets = []
    for size in sizes:
        packets.append(block[start : start + size])
        start += size
    lengths = {packet_samples(packet) for packet in packets}
    if start != len(block) or len(packets) < _FEWEST or len(lengths) > 1 or not all(map(is_opus, packets)):
        raise ValueError("laced block")
    return packets


def _sizes(block: bytes) -> tuple[list[int], int]:
    """The bytes of each packet, and where the first one begins."""
    lacing, at = block[_HEAD_BYTES - 1] & LACING_FLAGS, _HEAD_BYTES + 1
    others = block[_HEAD_BYTES]  # packets before the last one
    if others >= _MOST:
        raise ValueError("laced block")
    if lacing == _FIXED:
        return [(len(block) - at) // (others + 1)] * (others + 1), at
    sizes: list[int] = []
    for _ in range(others):
        size, at = _xiph_size(block, at) if lacing == _XIPH else _ebml_size(block, at, sizes)
        sizes.append(size)
    last = len(block) - at - sum(sizes)
    if last < 0:
        raise ValueError("laced block")
    return [*sizes, last], at


def _xiph_size(block: bytes, at: int) -> tuple[int, int]:
    """A size as a sum of bytes, of which the last one is below 255; and where the next one is."""
    size = 0
    while block[at : at + 1] == b"\xff":
        size, at = size + 255, at + 1
    if at >= len(block):
        raise ValueError("laced block")
    return size + block[at], at + 1


def _ebml_size(block: bytes, at: int, before: list[int]) -> tuple[int, int]:
    """A size as EBML has it, after the first one as its difference to the one before; and where the next one is."""
    length = 9 - block[at].bit_length() if at < len(block) else 9
    after = at + length
    if length > _MOST_SIZE_BYTES or after > len(block):
        raise ValueError("laced block")
    size = int.from_bytes(block[at:after], "big") ^ (1 << 7 * length)
    if before:
        size += before[-1] - (1 << 7 * length - 1) + 1
    if size < 0:
        raise ValueError("laced block")
    return size, after
