"""Undamaged recordings for the random judge: their blobs, and where in the bytes every packet and its bounds lie.

The parsers are the judge's own, share no code with what is judged, and read whole recordings only: anything out of
order is an assertion.  WebM after RFC 9559, Ogg after RFC 3533 and RFC 7845, fragmented MP4 after ISO/IEC 14496-12.
Offsets count in a recording's bytes, that is all its blobs one after another.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Range = tuple[int, int]

_FRAMES_MS = (10, 20, 40, 60) * 3 + (10, 20) * 2 + (2.5, 5, 10, 20) * 4


@dataclass(frozen=True, slots=True)
class Packet:
    """One recorded packet: its payload, and the time that the container gives it, in milliseconds.

    `needs` are the ranges of bytes without which nobody can tell where it begins and ends, the payload's own included,
    in order.  `optional` is how many bytes at the start of the first may be gone where a blob begins behind them.
    `body` are the ranges of the payload.  `clock` is what gives its time: cluster Timestamp, page header or `tfdt`.
    """

    payload: bytes
    time_ms: float
    needs: tuple[Range, ...]
    body: tuple[Range, ...]
    clock: Range
    optional: int = 0

    @property
    def outer(self) -> Range:
        return self.needs[0][0], self.needs[-1][1]

    @property
    def length_ms(self) -> float:
        """How long it sounds (RFC 6716, section 3.1)."""
        code = self.payload[0] & 3
        frames = self.payload[1] & 63 if code == 3 and len(self.payload) > 1 else (1, 2, 2, 0)[code]
        return _FRAMES_MS[self.payload[0] >> 3] * frames


def _largest_step_ms(packets: Sequence[Packet]) -> float:
    """By how much the time of a packet is at most off from the end of the one before."""
    return max((abs(b.time_ms - a.time_ms - a.length_ms) for a, b in pairwise(packets)), default=0.0)


@dataclass(slots=True)
class Parsed:
    """What a parser found.  `spots` are the places of heads by what is in them, for faults that hit one of them."""

    packets: list[Packet] = field(default_factory=list)
    spots: defaultdict[str, list[Range]] = field(default_factory=lambda: defaultdict(list))


@dataclass(frozen=True, eq=False)
class Recording:
    """One recorder run as it was handed over; `part` is what session.json says of it.

    `cut_from` has the same packets in other chunks.
    """

    name: str
    family: str
    blobs: tuple[bytes, ...]
    part: dict[str, Any]
    parsed: Parsed
    cut_from: Recording | None = None

    @property
    def packets(self) -> list[Packet]:
        return self.parsed.packets

    @property
    def extension(self) -> str:
        return {"ogg": "ogg", "mp4": "mp4"}.get(self.family, "webm")

    def starts(self) -> list[int]:
        """Where each blob begins, and where the last one ends."""
        return [0, *accumulate(map(len, self.blobs))]

    def spots_within(self, kind: str, start: int, end: int) -> list[Range]:
        spots = self.parsed.spots[kind]
        return [spot for spot in spots[bisect_left(spots, (start, 0)) : bisect_left(spots, (end, 0))] if spot[1] <= end]

    def is_payload(self, start: int, end: int) -> bool:
        """Whether these bytes are sound alone."""
        bodies = self.bodies
        index = bisect_left(bodies, (start + 1, 0)) - 1
        while start < end:
            if index < 0 or index >= len(bodies) or not bodies[index][0] <= start < bodies[index][1]:
                return False
            start, index = bodies[index][1], index + 1
        return True

    def is_harmless(self, place: int, value: int) -> bool:
        """Whether another value of the byte at `place` leaves every packet as it is, within 20 ms of its time.

        With checksums nothing is harmless.
        """
        if self.family == "ogg":
            return False
        data = bytearray(b"".join(self.blobs))
        data[place] = value
        try:
            packets = _PARSERS[self.family](bytes(data)).packets
        except (AssertionError, IndexError, StopIteration, struct.error, ZeroDivisionError):
            return False
        return len(packets) == len(self.packets) and all(
            one.payload == other.payload and abs(one.time_ms - other.time_ms) <= 20
            for one, other in zip(packets, self.packets, strict=True)
        )

    def takes(self, index: int, blob: bytes) -> bool:
        """Whether the recording is one as well with another blob in the place of blob `index`: nothing shows that.

        All of it can be read, time goes on as steadily as it does, and the blob has packets of a kind that others have.
        """
        data = b"".join((*self.blobs[:index], blob, *self.blobs[index + 1 :]))
        try:
            packets = _PARSERS[self.family](data).packets
        except (AssertionError, IndexError, StopIteration, struct.error, ZeroDivisionError):
            return False
        start = self.starts()[index]
        kinds: tuple[set[int], set[int]] = set(), set()
        for packet in packets:
            kinds[start <= packet.outer[0] < start + len(blob)].add(packet.payload[0] >> 2)
        return bool(kinds[0] & kinds[1]) and _largest_step_ms(packets) <= max(20.0, _largest_step_ms(self.packets))

    @cached_property
    def outer_starts(self) -> list[int]:
        """Where each packet's first needed byte lies."""
        return [packet.outer[0] for packet in self.packets]

    @cached_property
    def bodies(self) -> list[Range]:
        """Where payloads lie, in order."""
        return [body for packet in self.packets for body in packet.body]


def make_recording(name: str, family: str, blobs: Sequence[bytes], part: dict[str, Any]) -> Recording:
    data = b"".join(blobs)
    recording = Recording(name, family, tuple(blobs), part, _PARSERS[family](data))
    assert recording.packets, f"{name} has no packets"
    return recording


# -- WebM

_MASTERS = {0x18538067: "Segment", 0x1F43B675: "Cluster"}
_TIMESTAMP, _SIMPLE_BLOCK = 0xE7, 0xA3


def parse_webm(data: bytes) -> Parsed:
    """The SimpleBlocks of a recording with one track; also of a finished file with known sizes."""
    found, at, cluster_ms, clock = Parsed(), 0, 0, (0, 0)
    while at < len(data):
        id_length = 9 - data[at].bit_length()
        element_id = int.from_bytes(data[at : at + id_length], "big")
        size_at = at + id_length
        body = size_at + 9 - data[size_at].bit_length()
        size = int.from_bytes(data[size_at:body], "big") - (1 << 7 * (body - size_at))
        found.spots["length"].append((size_at, body))
        if element_id in _MASTERS:
            at = body
            continue
        end = body + size
        assert end <= len(data), f"the element at byte {at} has no end"
        if element_id == _TIMESTAMP:
            cluster_ms, clock = int.from_bytes(data[body:end], "big"), (at, end)
            found.spots["cluster-time"].append((body, end))
        elif element_id == _SIMPLE_BLOCK:
            relative_ms = struct.unpack_from(">h", data, body + 1)[0]
            assert data[body] & 0x80, f"the block at byte {at} is of a track above 127"
            assert not data[body + 3] & 6, f"the block at byte {at} is laced"
            payload = data[body + 4 : end]
            found.packets.append(
                Packet(payload, cluster_ms + relative_ms, ((at, end),), ((body + 4, end),), clock, id_length)
            )
            found.spots["block-head"].append((at, body + 4))
        else:
            assert id_length == 4 or element_id == 0xEC, f"element {element_id:#x} at byte {at}"
        at = end
    return found


# -- Ogg

_PAGE_HEAD = struct.Struct("<4sBBqIIIB")
_CONTINUED, _LAST = 1, 4


def parse_ogg(data: bytes) -> Parsed:
    """The packets of a recording with one stream.

    What bounds a packet is the page's capture pattern and its segment table: the fields between only number and date
    it.
    """
    found, at = Parsed(), 0
    open_needs: list[Range] = []
    open_body: list[Range] = []
    count = 0
    while at < len(data):
        magic, _, flags, granule, _, _, _, segments = _PAGE_HEAD.unpack_from(data, at)
        table, body = at + 27, at + 27 + segments
        assert magic == b"OggS", f"no page at byte {at}"
        assert bool(flags & _CONTINUED) == bool(open_body), f"the page at byte {at} does not go on with the one before"
        found.spots["page-head"].append((at, table))
        found.spots["granule"].append((at + 6, at + 14))
        found.spots["segment-table"].append((table, body))
        head = [(at, at + 5), (table - 1, body)]
        ended: list[tuple[tuple[Range, ...], tuple[Range, ...]]] = []
        start = body
        for length, run in _laces(data[table:body]):
            open_needs = [*open_needs, *head, (start, start + length)]
            open_body = [*open_body, (start, start + length)]
            start += length
            if run < 255:
                ended.append((tuple(open_needs), tuple(open_body)))
                open_needs, open_body = [], []
        payloads = [b"".join(data[a:b] for a, b in pieces) for _, pieces in ended]
        if count >= 2:
            _add_page(found, ended, payloads, None if flags & _LAST else granule, (at, table))
        count += len(ended)
        at = start
    return found


def _laces(table: bytes) -> Iterator[tuple[int, int]]:
    """The lengths of a page's packets or pieces of one, each with its last lacing value."""
    length = 0
    for index, value in enumerate(table):
        length += value
        if value < 255 or index == len(table) - 1:
            yield length, value
            length = 0


def _add_page(
    found: Parsed,
    ended: Sequence[tuple[tuple[Range, ...], tuple[Range, ...]]],
    payloads: Sequence[bytes],
    granule: int | None,
    clock: Range,
) -> None:
    """The packets of a page, which end at `granule`; None: they begin where the page before ends (RFC 7845, 4.4)."""
    packets = [Packet(payload, 0, needs, body, clock) for (needs, body), payload in zip(ended, payloads, strict=True)]
    if granule is None:
        at_ms = found.packets[-1].time_ms + found.packets[-1].length_ms
    else:
        at_ms = granule / 48 - sum(packet.length_ms for packet in packets)
    for packet in packets:
        found.packets.append(replace(packet, time_ms=at_ms))
        at_ms += packet.length_ms


# -- MP4


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int, int]]:
    """Boxes as kind, offset, start of the body, end."""
    while start < end:
        size, kind = struct.unpack_from(">I4s", data, start)
        assert 8 <= size <= end - start, f"box of {size} bytes at byte {start}"
        yield kind, start, start + 8, start + size
        start += size


def _find(data: bytes, start: int, end: int, *path: bytes) -> tuple[int, int]:
    for kind in path:
        start, end = next((body, stop) for found, _, body, stop in _boxes(data, start, end) if found == kind)
    return start, end


def parse_mp4(data: bytes) -> Parsed:
    """The samples of a fragmented file with one track, as Chrome writes it: a `moof` with one `trun`, then `mdat`."""
    found, timescale = Parsed(), 0
    pending: list[tuple[int, int, float, int, Range]] = []
    fixed: tuple[Range, ...] = ()
    for kind, at, body, end in _boxes(data, 0, len(data)):
        found.spots["length"].append((at, at + 4))
        if kind == b"moov":
            mdhd, _ = _find(data, body, end, b"trak", b"mdia", b"mdhd")
            timescale = struct.unpack_from(">I", data, mdhd + (20 if data[mdhd] == 1 else 12))[0]
        elif kind == b"moof":
            pending, fixed = _moof(found, data, at, end, timescale)
        elif kind == b"mdat":
            found.spots["mdat-size"].append((at, at + 4))
            for start, size, time_ms, table_end, clock in pending:
                needs = (*fixed[:-1], (fixed[-1][0], table_end), (at, body), (start, start + size))
                found.packets.append(
                    Packet(data[start : start + size], time_ms, needs, ((start, start + size),), clock)
                )
            pending = []
    return found


def _moof(
    found: Parsed, data: bytes, at: int, end: int, timescale: int
) -> tuple[list[tuple[int, int, float, int, Range]], tuple[Range, ...]]:
    """A fragment's samples (start, size, time, end of the entry, clock), and the heads that all of them need."""
    traf, traf_end = _find(data, at + 8, end, b"traf")
    tfdt, tfdt_end = _find(data, traf, traf_end, b"tfdt")
    trun, trun_end = _find(data, traf, traf_end, b"trun")
    tfhd, tfhd_end = _find(data, traf, traf_end, b"tfhd")
    flags = struct.unpack_from(">I", data, trun)[0] & 0xFFFFFF
    count, offset = struct.unpack_from(">Ii", data, trun + 4)
    assert flags == 0x301, f"a trun with the flags {flags:#x} at byte {trun}"
    assert trun_end == trun + 12 + 8 * count, f"a trun of another length at byte {trun}"
    wide = data[tfdt] == 1
    time = int.from_bytes(data[tfdt + 4 : tfdt + (12 if wide else 8)], "big")
    found.spots["tfdt"].append((tfdt + 4, tfdt_end))
    found.spots["trun"].append((trun - 8, trun_end))
    found.spots["length"] += [(traf - 8, traf - 4), (tfhd - 8, tfhd - 4), (tfdt - 8, tfdt - 4), (trun - 8, trun - 4)]
    samples, start = [], at + offset
    for index in range(count):
        entry = trun + 12 + 8 * index
        duration, size = struct.unpack_from(">II", data, entry)
        samples.append((start, size, time * 1000 / timescale, entry + 8, (tfdt - 8, tfdt_end)))
        start, time = start + size, time + duration
    return samples, ((at, at + 8), (traf - 8, traf), (tfhd - 8, tfhd_end), (trun - 8, trun))


def check_order(recording: Recording) -> None:
    """Packets follow one another in the bytes and in time."""
    for one, other in pairwise(recording.packets):
        assert one.outer[1] <= other.outer[1], f"{recording.name}: packets overlap"
        assert one.time_ms <= other.time_ms, f"{recording.name}: time runs back"


_PARSERS = {"chrome": parse_webm, "firefox": parse_webm, "ogg": parse_ogg, "mp4": parse_mp4}
