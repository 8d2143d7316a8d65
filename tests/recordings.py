"""Recordings for tests, made byte by byte and read by a strict walk: neither shares code with what is tested.

`chrome` and `firefox` make live WebM as the two browsers write it, small; `walk` lists the blocks of any whole live
recording, also of a real one, with the places of their elements.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from sessiontool.model import ChunkRef, StoredObject

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sessiontool.media.packets import Demuxer, PacketRun

SESSIONS = Path(__file__).parent / "data" / "sessions"
LIVE_CLUSTER = bytes.fromhex("1f43b675 01ffffffffffffff")
CHROME_TOC, FIREFOX_TOC = 0xFF, 0xFC


@dataclass(frozen=True, slots=True)
class Block:
    """One packet of a recording; its element, from the id on, is the stream's bytes `offset` to `end`."""

    payload: bytes
    time_ms: int
    offset: int
    end: int


@dataclass(frozen=True, slots=True)
class Live:
    """A live recording: its bytes and its blocks."""

    data: bytes
    blocks: tuple[Block, ...]

    def ending_by(self, end: int) -> list[tuple[bytes, int]]:
        return pairs(block for block in self.blocks if block.end <= end)

    def beginning_from(self, start: int) -> list[tuple[bytes, int]]:
        return pairs(block for block in self.blocks if block.offset >= start)

    @property
    def header(self) -> bytes:
        return self.data[: self.data.index(LIVE_CLUSTER)]


def pairs(blocks: Iterable[Block]) -> list[tuple[bytes, int]]:
    """Packets and their times, as `read_pairs` gives them."""
    return [(block.payload, block.time_ms) for block in blocks]


def read_pairs(runs: Iterable[PacketRun]) -> list[tuple[bytes, int]]:
    """Packets and their times, as a reader gave them."""
    return [pair for run in runs for pair in zip(run.payloads, run.times_ms, strict=True)]


def alike(runs: Iterable[PacketRun]) -> list[tuple[int, bool, bool, bytes, int, int]]:
    """Every packet with all that is said of it; a break belongs to the first of a run."""
    return [
        (run.recording, run.placed, run.after_break and not index, *packet)
        for run in runs
        for index, packet in enumerate(zip(run.payloads, run.times_ms, run.durations, strict=True))
    ]


def assert_all_counted(reader: Demuxer, runs: Sequence[PacketRun]) -> None:
    """Every byte fed is counted once, and those counted as packets are the packets' bytes."""
    accounts, damages, asides = reader.ledger.accounts, reader.ledger.damages, reader.ledger.asides
    assert [account.unaccounted_bytes for account in accounts] == [0] * len(accounts)
    for account in accounts:
        counted = account.payload_bytes, account.structure_bytes, account.damaged_bytes, account.set_aside_bytes
        assert min(counted) >= 0, account
    assert sum(account.payload_bytes for account in accounts) == sum(len(p) for run in runs for p in run.payloads)
    assert sum(account.damaged_bytes for account in accounts) == sum(damage.length_bytes for damage in damages)
    assert sum(account.set_aside_bytes for account in accounts) == sum(aside.length_bytes for aside in asides)
    size = sum(account.size_bytes for account in accounts)
    places = [(one.offset, one.length_bytes) for one in damages] + [(one.offset, one.length_bytes) for one in asides]
    assert all(0 <= offset <= offset + length <= size for offset, length in places)
    spans = sorted((damage.offset, damage.offset + damage.length_bytes) for damage in damages if damage.length_bytes)
    assert all(before[1] <= after[0] for before, after in pairwise(spans)), "damages overlap"
    for run in runs:
        assert len(run.payloads) == len(run.times_ms) == len(run.durations) > 0
        assert sorted(set(run.bases)) == run.bases
        assert all(0 <= base < len(run.payloads) for base in run.bases)


def master(element_id: str, *children: bytes, size_length: int = 1) -> bytes:
    """An element from its id in hex and the bytes in it; its size is written in `size_length` bytes."""
    body = b"".join(children)
    return bytes.fromhex(element_id) + ((1 << 7 * size_length) + len(body)).to_bytes(size_length, "big") + body


def uint(element_id: str, value: int, length: int = 1) -> bytes:
    return master(element_id, value.to_bytes(length, "big"))


def opus_head(channels: int, pre_skip: int) -> bytes:
    return b"OpusHead" + struct.pack("<BBHIhB", 1, channels, pre_skip, 48_000, 0, 0)


def ebml_header(doc_type: bytes = b"webm") -> bytes:
    return master("1a45dfa3", uint("4286", 1), master("4282", doc_type), uint("4287", 4), uint("4285", 2))


def track_entry(
    number: int = 1, codec: bytes = b"A_OPUS", *, kind: int = 2, private: bytes | None = None, more: bytes = b""
) -> bytes:
    private = opus_head(2, 0) if private is None else private
    return master(
        "ae",
        *(uint("d7", number, 2 if number > 255 else 1), uint("73c5", 99), uint("83", kind), master("86", codec)),
        *(master("63a2", private), more, master("e1", master("b5", struct.pack(">f", 48_000)), uint("9f", 2))),
        size_length=2,
    )


def live_header(*entries: bytes, scale_ns: int = 1_000_000, doc_type: bytes = b"webm", app: bytes = b"Chrome") -> bytes:
    info = master("1549a966", uint("2ad7b1", scale_ns, 4), master("4d80", app), master("5741", app))
    tracks = master("1654ae6b", *(entries or (track_entry(),)), size_length=2)
    return ebml_header(doc_type) + bytes.fromhex("18538067 01ffffffffffffff") + info + tracks


def cluster(time_ms: int, *blocks: bytes) -> bytes:
    """A cluster of unknown size, its timestamp in the fewest bytes."""
    return LIVE_CLUSTER + uint("e7", time_ms, max(1, (time_ms.bit_length() + 7) // 8)) + b"".join(blocks)


def simple_block(
    payload: bytes, relative_ms: int = 0, *, track: int = 1, flags: int = 0x80, size_length: int = 2
) -> bytes:
    return master("a3", struct.pack(">BhB", 0x80 | track, relative_ms, flags), payload, size_length=size_length)


def payloads(count: int, *, toc: int, sizes: tuple[int, int] = (8, 40), seed: int = 1) -> list[bytes]:
    """Different packets of the kind `toc`, of random bytes; code 3 packets hold three frames."""
    rng = Random(seed)
    return [_payload(rng.randbytes(rng.randint(*sizes) - 1), toc) for _ in range(count)]


def _payload(rest: bytes, toc: int) -> bytes:
    """A packet that keeps the rules of RFC 6716, section 3.4."""
    if toc & 3 == 3:
        rest = rest.ljust(3, b"\0")
        third = min((len(rest) - 3) // 3, 251)
        rest = bytes([0x83, third, third]) + rest[3:]
    return bytes([toc]) + rest


def with_silence(packets: list[bytes], quiet: range, silent: bytes) -> list[bytes]:
    """The packets, those at the places `quiet` digital silence."""
    return [silent if index in quiet else packet for index, packet in enumerate(packets)]


def chrome(
    count: int = 30,
    *,
    cluster_packets: int = 8,
    seed: int = 1,
    sizes: tuple[int, int] = (8, 40),
    quiet: range = range(0),
) -> Live:
    """Packets of 60 ms whose times jitter, blocks with sizes of two bytes, clusters of `cluster_packets`."""
    rng = Random(seed)
    data = bytearray(live_header())
    blocks, cluster_ms = [], 0
    packets = with_silence(payloads(count, toc=CHROME_TOC, sizes=sizes, seed=seed), quiet, b"\xff\x03\xfe\xfe\xfe")
    for index, payload in enumerate(packets):
        time_ms = index * 60 + (rng.randint(-4, 4) if index else 0)
        if index % cluster_packets == 0:
            data += cluster(cluster_ms := time_ms)
        element = simple_block(payload, time_ms - cluster_ms)
        blocks.append(Block(payload, time_ms, len(data), len(data) + len(element)))
        data += element
    return Live(bytes(data), tuple(blocks))


def firefox(
    count: int = 60,
    *,
    cluster_packets: int = 16,
    seed: int = 2,
    sizes: tuple[int, int] = (8, 40),
    quiet: range = range(0),
) -> Live:
    """Packets of 20 ms from 6 ms on, track 2, blocks with sizes of four bytes, an empty SeekHead in eight."""
    entry = track_entry(2, private=opus_head(2, 312), more=uint("56aa", 6_500_000, 4))
    header = live_header(entry, app=b"QTwritingAppLibWebM-0.0.1")
    at = header.index(bytes.fromhex("1549a966"))
    data = bytearray(header[:at] + master("114d9b74", size_length=8) + header[at:])
    blocks, cluster_ms = [], 0
    packets = with_silence(payloads(count, toc=FIREFOX_TOC, sizes=sizes, seed=seed), quiet, b"\xfc\xff\xfe")
    for index, payload in enumerate(packets):
        time_ms = index * 20 + 6
        if index % cluster_packets == 0:
            data += cluster(cluster_ms := time_ms)
        element = simple_block(payload, time_ms - cluster_ms, track=2, flags=0, size_length=4)
        blocks.append(Block(payload, time_ms, len(data), len(data) + len(element)))
        data += element
    return Live(bytes(data), tuple(blocks))


def recorded_chunks(session_id: str, part: str = "000") -> list[bytes]:
    """The blobs of a real recording, in order."""
    return [path.read_bytes() for path in sorted((SESSIONS / session_id / "chunks" / part).iterdir())]


def recorded(session_id: str, part: str = "000") -> Live:
    """A real recording of one part, whole."""
    data = b"".join(recorded_chunks(session_id, part))
    return Live(data, tuple(walk(data)))


_MASTERS = {0x18538067, 0x1F43B675}


def walk(data: bytes) -> Iterable[Block]:
    """The SimpleBlocks of a whole live recording; anything out of order is an error."""
    at, cluster_ms = 0, 0
    while at < len(data):
        id_length = 9 - data[at].bit_length()
        element_id = int.from_bytes(data[at : at + id_length], "big")
        size_at = at + id_length
        body = size_at + 9 - data[size_at].bit_length()
        size = int.from_bytes(data[size_at:body], "big") - (1 << 7 * (body - size_at))
        if element_id in _MASTERS:
            at = body
            continue
        if element_id == 0xE7:
            cluster_ms = int.from_bytes(data[body : body + size], "big")
        elif element_id == 0xA3:
            relative_ms = struct.unpack_from(">h", data, body + 1)[0]
            yield Block(data[body + 4 : body + size], cluster_ms + relative_ms, at, body + size)
        else:
            assert id_length == 4, f"element {element_id:#x} at byte {at}"
        at = body + size
    assert at == len(data), "the recording ends inside an element"


def split(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    """`data` in pieces, cut at `cuts` (any order, more than once, beyond the end)."""
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


def chunk_ref(seq: int, size_bytes: int = 0, part: str = "0") -> ChunkRef:
    """A chunk as a store lists it."""
    return ChunkRef(StoredObject(f"s/chunks/{part}/{seq}.webm", size_bytes, "tag"), part, seq)


def blobs(whole: Live, packets: int, *, lead: int = 1, inside: int = 1) -> list[bytes]:
    """The recording in blobs of so many packets, as Chrome cuts them.

    Each begins `inside` bytes into an element, and with `lead` packets of the cluster before.
    """
    cuts = [whole.blocks[index - lead].offset + inside for index in range(packets, len(whole.blocks), packets)]
    return split(whole.data, cuts)
