"""MP4 recordings for tests, made box by box."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

import recordings

if TYPE_CHECKING:
    from collections.abc import Sequence

TIMESCALE = 48_000
DURATION = 2880


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


def full(kind: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def u32(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


FTYP = box(b"ftyp", b"isom", u32(512), b"isomiso6")


def dops(channels: int = 2, pre_skip: int = 3840, gain: int = 0, *, version: int = 0, family: int = 0) -> bytes:
    return box(b"dOps", struct.pack(">BBHIhB", version, channels, pre_skip, 48_000, gain, family))


def sample_entry(codec: bytes = b"Opus", specific: bytes | None = None) -> bytes:
    sound = bytes(6) + b"\0\1" + bytes(8) + struct.pack(">HHII", 2, 16, 0, 48_000 << 16)
    return box(codec, sound, dops() if specific is None else specific)


def edit_list(*media_times: int, version: int = 0) -> bytes:
    layout = ">Qqi" if version else ">Iii"
    rows = b"".join(struct.pack(layout, 0, time, 1 << 16) for time in media_times)
    return box(b"edts", full(b"elst", u32(len(media_times)), rows, version=version))


def trak(
    number: int = 1,
    entry: bytes | None = None,
    *,
    handler: bytes = b"soun",
    name: bytes = b"Recorder",
    timescale: int = TIMESCALE,
    edits: bytes = b"",
    table: bytes = b"",
) -> bytes:
    stbl = box(b"stbl", full(b"stsd", u32(1), sample_entry() if entry is None else entry), table)
    media = (
        full(b"mdhd", u32(0, 0, timescale, 0), bytes(4)),
        full(b"hdlr", u32(0), handler, bytes(12), name, b"\0"),
        box(b"minf", stbl),
    )
    return box(b"trak", full(b"tkhd", u32(0, 0, number), bytes(68)), edits, box(b"mdia", *media))


def moov(*traks: bytes, extends: bytes = b"") -> bytes:
    return box(b"moov", full(b"mvhd", bytes(96)), *(traks or (trak(),)), box(b"mvex", extends))


def moof(number: int, *trafs: bytes) -> bytes:
    return box(b"moof", full(b"mfhd", u32(number)), *trafs)


def fragment(
    packets: Sequence[bytes], number: int, time: int, *, durations: Sequence[int] = (), track: int = 1
) -> bytes:
    """A `moof` and its `mdat` as Chrome writes them."""
    durations = durations or [DURATION] * len(packets)
    rows = b"".join(u32(duration, len(packet)) for duration, packet in zip(durations, packets, strict=True))

    def made(data_offset: int) -> bytes:
        head = full(b"tfhd", u32(track, 0x2000000), flags=0x20020), full(b"tfdt", struct.pack(">Q", time), version=1)
        run = full(b"trun", u32(len(packets), data_offset), rows, version=1, flags=0x301)
        return moof(number, box(b"traf", *head, run))

    return made(len(made(0)) + 8) + box(b"mdat", *packets)


def chrome_packets(count: int, seed: int = 1) -> list[bytes]:
    """Packets of 60 ms."""
    return recordings.payloads(count, toc=0xFF, seed=seed)


@dataclass(frozen=True, slots=True)
class Fragment:
    """Where a fragment begins, where its sound does, and its packets: bytes, time, and where they end."""

    start: int
    sound: int
    packets: tuple[tuple[bytes, int, int], ...]

    @property
    def end(self) -> int:
        return self.packets[-1][2]

    @property
    def pairs(self) -> list[tuple[bytes, int]]:
        return [(payload, time_ms) for payload, time_ms, _ in self.packets]


@dataclass(frozen=True, slots=True)
class Made:
    header: bytes
    data: bytes
    fragments: tuple[Fragment, ...]

    @property
    def pairs(self) -> list[tuple[bytes, int]]:
        return [pair for one in self.fragments for pair in one.pairs]

    def ending_by(self, end: int) -> list[tuple[bytes, int]]:
        return [(payload, time) for one in self.fragments for payload, time, at in one.packets if at <= end]

    def outside(self, start: int, end: int) -> list[tuple[bytes, int]]:
        """The packets of the fragments that do not overlap with the bytes `start` to `end`."""
        return [pair for one in self.fragments if one.end <= start or one.start >= end for pair in one.pairs]


def made(fragments: int = 5, per_fragment: int = 3, *, header: bytes | None = None) -> Made:
    """A short recording as Chrome makes it; the clock runs unevenly."""
    header = FTYP + moov() if header is None else header
    data, found = bytearray(header), []
    packets = chrome_packets(fragments * per_fragment)
    time = 0
    for index in range(fragments):
        mine = packets[index * per_fragment : (index + 1) * per_fragment]
        durations = [DURATION + 13 * (place - 1) for place in range(per_fragment)]
        start = len(data)
        data += fragment(mine, index + 1, time, durations=durations)
        sound = len(data) - sum(map(len, mine))
        ends = [sound + end for end in accumulate(map(len, mine))]
        times = [at // 48 for at in accumulate(durations, initial=time)]
        found.append(Fragment(start, sound, tuple(zip(mine, times, ends, strict=False))))
        time += sum(durations)
    return Made(header, bytes(data), tuple(found))
