"""Ogg recordings for tests, made page by page; the checksum is computed bit by bit, as RFC 3533 describes it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import recordings

if TYPE_CHECKING:
    from collections.abc import Sequence

CONTINUED, FIRST, LAST = 1, 2, 4
NO_GRANULE = -1
STREAM = 0x1234ABCD


def crc(data: bytes) -> int:
    register = 0
    for byte in data:
        register ^= byte << 24
        for _ in range(8):
            register = (register << 1 ^ (0x04C11DB7 if register >> 31 else 0)) & 0xFFFFFFFF
    return register


def raw_page(lacing: bytes, body: bytes, *, number: int, granule: int, flags: int = 0, stream: int = STREAM) -> bytes:
    head = b"OggS" + struct.pack("<BBqII", 0, flags, granule, stream, number)
    rest = bytes([len(lacing)]) + lacing + body
    return head + struct.pack("<I", crc(head + bytes(4) + rest)) + rest


def lace(*sizes: int) -> bytes:
    """The segment table of packets that end on the page."""
    return b"".join(b"\xff" * (size // 255) + bytes([size % 255]) for size in sizes)


def page(*packets: bytes, number: int, granule: int, flags: int = 0, stream: int = STREAM) -> bytes:
    lacing = lace(*map(len, packets))
    return raw_page(lacing, b"".join(packets), number=number, granule=granule, flags=flags, stream=stream)


def tags(vendor: bytes = b"libopus", *comments: bytes) -> bytes:
    strings = [struct.pack("<I", len(text)) + text for text in (vendor, *comments)]
    return b"OpusTags" + strings[0] + struct.pack("<I", len(comments)) + b"".join(strings[1:])


def headers(*, stream: int = STREAM, channels: int = 2, pre_skip: int = 312, comments: Sequence[bytes] = ()) -> bytes:
    head = page(recordings.opus_head(channels, pre_skip), number=0, granule=0, flags=FIRST, stream=stream)
    return head + page(tags(b"libopus", *comments), number=1, granule=0, stream=stream)


def stereo(count: int, seed: int = 1) -> list[bytes]:
    """Packets of 20 ms."""
    return recordings.payloads(count, toc=0xFC, seed=seed)


@dataclass(frozen=True, slots=True)
class Made:
    """A recording, and of each page of sound: where it begins and ends, and its packets with their times."""

    data: bytes
    pages: tuple[tuple[int, int, tuple[tuple[bytes, int], ...]], ...]

    @property
    def packets(self) -> list[tuple[bytes, int]]:
        return [packet for _, _, packets in self.pages for packet in packets]

    def outside(self, start: int, end: int) -> list[tuple[bytes, int]]:
        """The packets of the pages that do not overlap with the bytes `start` to `end`."""
        return [p for first, last, packets in self.pages if last <= start or first >= end for p in packets]

    def touched(self, start: int, end: int) -> set[bytes]:
        """The packets that overlap with the bytes `start` to `end`."""
        places = {packet: self.data.index(packet) for packet, _ in self.packets}
        return {packet for packet, at in places.items() if at < end and start < at + len(packet)}

    def table_of(self, at: int) -> tuple[int, int]:
        """Where the page that holds the byte `at` counts its segments, and where its first packet begins."""
        (start,) = [first for first, last, _ in self.pages if first <= at < last]
        return start + 26, start + 27 + self.data[start + 26]

    def bounded_by(self, at: int) -> set[bytes]:
        """The packet of which the byte `at` says how long it is (none of these packets has 255 bytes)."""
        (page,) = [one for one in self.pages if one[0] <= at < one[1]]
        place = at - page[0] - 27
        return {page[2][place][0]} if 0 <= place < len(page[2]) else set()


def made(pages: int = 5, per_page: int = 3, *, seed: int = 1, stream: int = STREAM) -> Made:
    """A short recording as Firefox makes it: a page holds a few packets, the last one is marked."""
    data = bytearray(headers(stream=stream))
    payloads = stereo(pages * per_page, seed)
    found = []
    for index in range(pages):
        packets = payloads[index * per_page : (index + 1) * per_page]
        granule = (index + 1) * per_page * 960
        flags = LAST if index == pages - 1 else 0
        start = len(data)
        data += page(*packets, number=index + 2, granule=granule, flags=flags, stream=stream)
        times = (20 * (index * per_page + place) for place in range(per_page))
        found.append((start, len(data), tuple(zip(packets, times, strict=False))))
    return Made(bytes(data), tuple(found))
