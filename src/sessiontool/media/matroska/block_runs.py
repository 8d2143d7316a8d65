"""The fast way through a run of ordinary SimpleBlocks (RFC 9559, section 10.2), and their packets as columns."""

from __future__ import annotations

import struct
from collections import Counter
from itertools import islice, pairwise
from typing import TYPE_CHECKING

from msgspec import Struct

from ..opus import SAMPLES_PER_MS
from .lacing import LACING_FLAGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SHORT_BLOCK = struct.Struct(">BHBhB")  # id, two-byte size, track, relative time, flags
_LONG_BLOCK = struct.Struct(">BIBhB")  # the same with a four-byte size, as Firefox has it
_BLOCK_HEAD = struct.Struct(">BhB")  # track, relative time, flags


class Blocks(Struct, frozen=True):
    """A run of blocks from `start` to `end` in a buffer: their packets, times in ms, and bytes of their heads."""

    start: int
    end: int
    payloads: list[bytes]
    times_ms: list[int]
    head_bytes: int

    def cut(self, buf: bytes, count: int) -> Blocks:
        """The first `count` of them."""
        end, heads = self.start, 0
        for at, body, end in islice(places(buf, self), count):  # noqa: B007 - the last end is that of them all
            heads += body - at
        return Blocks(self.start, end, self.payloads[:count], self.times_ms[:count], heads)

    def is_odd(self, durations: Sequence[int]) -> bool:
        """Whether there is time for one packet more, or nearly, by the times of the blocks, or for one less."""
        length = 2 * sum(durations) - durations[-1]
        passed = 2 * SAMPLES_PER_MS * (self.times_ms[-1] - self.times_ms[0])
        return not length - 3 * durations[-1] <= passed <= length

    def without_overlong(self, durations: Sequence[int]) -> list[int]:
        """The durations, 0 for packets that would last longer than all others, and than the time until the next one.

        Damage in a packet's first bytes (RFC 6716, section 3.1) may make it any other kind.
        """
        (usual, _), *_ = Counter(durations).most_common(1)
        steps_ms = [after - time for time, after in pairwise(self.times_ms)]
        overlong = (
            length > usual and 2 * length > 3 * SAMPLES_PER_MS * step_ms
            for length, step_ms in zip(durations, [*steps_ms, durations[-1]], strict=True)
        )
        return [0 if is_overlong else length for length, is_overlong in zip(durations, overlong, strict=True)]

    def odd_steps(self, durations: Sequence[int]) -> Iterator[int]:
        """The indexes of packets after which there is such a time, or an earlier one."""
        steps = zip(self.times_ms, self.times_ms[1:], durations, strict=False)
        for at, (time_ms, after_ms, length) in enumerate(steps):
            if not 0 <= 2 * SAMPLES_PER_MS * (after_ms - time_ms) <= 3 * length:
                yield at


def read_blocks(buf: bytes, pos: int, number: int, base_ms: int, most_bytes: int) -> Blocks:
    """The blocks of track `number` from `pos` on whose packets are of `most_bytes` or less.

    Stops before whatever is no SimpleBlock of that track without lacing, or not whole.
    """
    start_at, shorts, longs = pos, 0, 0
    payloads: list[bytes] = []
    times_ms: list[int] = []
    add_payload, add_time = payloads.append, times_ms.append
    unpack, unpack_long, unpack_short = _SHORT_BLOCK.unpack_from, _LONG_BLOCK.unpack_from, _BLOCK_HEAD.unpack_from
    marked, end = number | 0x80, len(buf)
    last_header, most, most_long = end - _LONG_BLOCK.size, 0x4004 + most_bytes, 0x10000004 + most_bytes
    while pos <= last_header:
        element_id, size, track, relative_ms, flags = unpack(buf, pos)
        start, after = pos + 7, pos + size - 0x3FFD
        if size > most:
            if size < 0x8000:
                break
            # A size of one byte: what follows is a byte earlier.
            track, relative_ms, flags = unpack_short(buf, pos + 2)
            start, after = pos + 6, pos + (size >> 8) - 0x7E
            shorts += 1
        elif size == 0x1000:  # the first half of a size of four bytes
            element_id, size, track, relative_ms, flags = unpack_long(buf, pos)
            start, after = pos + 9, pos + size - 0x0FFFFFFB
            if size > most_long:
                break
            longs += 1
        if element_id != 0xA3 or track != marked or flags & LACING_FLAGS or not start < after <= end:
            shorts -= size >= 0x8000 and start == pos + 6
            longs -= start == pos + 9
            break
        add_payload(buf[start:after])
        add_time(base_ms + relative_ms)
        pos = after
    return Blocks(start_at, pos, payloads, times_ms, 7 * len(payloads) - shorts + 2 * longs)


def head_bytes_at(buf: bytes, at: int) -> int:
    """Bytes of the SimpleBlock at `at` before its payload: id, size in one of three forms, and four more."""
    size_at = buf[at + 1]
    return 6 if size_at & 0x80 else 9 if size_at == 0x10 else 7


def places(buf: bytes, blocks: Blocks) -> Iterator[tuple[int, int, int]]:
    """Of each block where it begins, where its payload does, and where it ends."""
    at = blocks.start
    for payload in blocks.payloads:
        body = at + head_bytes_at(buf, at)
        yield at, body, body + len(payload)
        at = body + len(payload)
