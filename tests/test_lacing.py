"""Several packets in one block, as mkvmerge writes them: read like blocks of their own, also where bytes are lost."""

from __future__ import annotations

from itertools import chain, pairwise
from typing import TYPE_CHECKING

import pytest
from recordings import assert_all_counted, cluster, live_header, payloads, read_pairs, simple_block

from sessiontool.media.matroska.demuxer import WebmDemuxer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sessiontool.media.packets import PacketRun

XIPH, FIXED, EBML = 0x02, 0x04, 0x06
TOGETHER = 8  # packets in a block, as mkvmerge 74 has them
FRAME_MS = 20
PACKETS = payloads(80, toc=0x78, sizes=(40, 300))
TIMES = [(packet, FRAME_MS * n) for n, packet in enumerate(PACKETS)]


def laced(packets: Sequence[bytes], time: int, flags: int) -> bytes:
    """One block of these packets."""
    sizes = [*map(len, packets)]
    table = {
        XIPH: b"".join(b"\xff" * (size // 255) + bytes([size % 255]) for size in sizes[:-1]),
        FIXED: b"",
        EBML: (0x4000 | sizes[0]).to_bytes(2, "big")
        + b"".join((0x4000 | after - size + 0x1FFF).to_bytes(2, "big") for size, after in pairwise(sizes[:-1])),
    }[flags]
    return simple_block(bytes([len(packets) - 1]) + table + b"".join(packets), time, flags=0x80 | flags)


def blocks(flags: int, packets: Sequence[bytes], ticks_a_ms: int = 1) -> list[bytes]:
    starts = range(0, len(packets), TOGETHER)
    return [laced(packets[at : at + TOGETHER], FRAME_MS * at * ticks_a_ms, flags) for at in starts]


def read(*pieces: bytes) -> tuple[WebmDemuxer, list[PacketRun]]:
    reader = WebmDemuxer()
    runs = [*chain.from_iterable(map(reader.feed, pieces)), *reader.flush()]
    assert_all_counted(reader, runs)
    return reader, runs


@pytest.mark.parametrize("flags", [XIPH, FIXED, EBML])
@pytest.mark.parametrize("piece", [1 << 20, 100])
def test_each_packet_is_read_with_its_time(flags: int, piece: int) -> None:
    packets = [packet[:40] for packet in PACKETS] if flags == FIXED else PACKETS
    data = live_header() + cluster(0, *blocks(flags, packets))
    reader, runs = read(*(data[at : at + piece] for at in range(0, len(data), piece)))
    assert read_pairs(runs) == [(packet, FRAME_MS * n) for n, packet in enumerate(packets)]
    assert not reader.ledger.damages


@pytest.mark.parametrize("flags", [XIPH, EBML])
def test_damage_costs_the_block_that_it_is_in(flags: int) -> None:
    made_of = blocks(flags, PACKETS)
    made_of[3] = made_of[3][:2] + bytes(len(made_of[3]) - 2)
    _, runs = read(live_header() + cluster(0, *made_of))
    assert read_pairs(runs) == [*TIMES[: 3 * TOGETHER], *TIMES[4 * TOGETHER :]]


def test_without_a_header_the_unit_of_the_times_is_found() -> None:
    """Where there is sound alone mkvmerge counts samples at 48 kHz."""
    reader, runs = read(cluster(0, *blocks(XIPH, PACKETS[:32], ticks_a_ms=48)))
    assert [packet for packet, _ in read_pairs(runs)] == PACKETS[:32]
    assert all(abs(time - FRAME_MS * n) <= 1 for n, (_, time) in enumerate(read_pairs(runs)))
    assert reader.header_missing


def test_a_wrong_bit_makes_no_block_of_several_packets() -> None:
    made_of = [simple_block(packet, FRAME_MS * n) for n, packet in enumerate(PACKETS)]
    for flags in (XIPH, FIXED, EBML):
        hurt = list(made_of)
        hurt[9] = simple_block(PACKETS[9], FRAME_MS * 9, flags=0x80 | flags)
        _, runs = read(live_header() + cluster(0, *hurt))
        assert read_pairs(runs) == [*TIMES[:9], *TIMES[10:]]


def test_the_unit_of_the_times_is_that_of_the_track_in_every_piece() -> None:
    whole = live_header(scale_ns=20_833) + cluster(0, *blocks(XIPH, PACKETS[:16], ticks_a_ms=48))
    track = read(whole)[0].track
    reader = WebmDemuxer(track=track)
    runs = [*reader.feed(cluster(48_000, *blocks(XIPH, PACKETS[16:32], ticks_a_ms=48))), *reader.flush()]
    assert [packet for packet, _ in read_pairs(runs)] == PACKETS[16:32]
    assert abs(read_pairs(runs)[0][1] - 1000) <= 1
