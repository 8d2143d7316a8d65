"""Packets that go: which ones, what is in their place, and that it is silent whatever was before it."""

from __future__ import annotations

from itertools import product

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import payloads, recorded

from sessiontool.audio.silence import loudest_db
from sessiontool.media.opus import (
    OpusHead,
    carries_copy,
    is_opus,
    is_silence,
    packet_samples,
    silence_like,
    silent_packet,
)
from sessiontool.sessions.redaction.packet_cuts import Cut, KeptCount, Wanted, find_cuts
from sessiontool.sessions.redaction.silencing import silencing_of
from sessiontool.sessions.redaction.without import without

STEREO = OpusHead(2, 0)
OVERLAP = silencing_of(STEREO).overlap

SILK_AND_HYBRID, CELT = range(16), range(16, 32)


def packet_of(configuration: int, stereo: bool, code: int, count: int) -> bytes:
    head = configuration << 3 | stereo << 2 | code
    return bytes([head]) + (bytes([count]) + bytes(count) if code == 3 else bytes(2 if code == 1 else 3))


@pytest.mark.parametrize("configuration", range(32))
def test_silence_lasts_as_long_as_what_it_replaces(configuration: int) -> None:
    for stereo, (code, count) in product((False, True), ((0, 1), (1, 2), (2, 2), *((3, n) for n in range(1, 49)))):
        packet = packet_of(configuration, stereo, code, count)
        if not packet_samples(packet):
            continue
        silence = silence_like(packet)
        assert packet_samples(silence) == packet_samples(packet)
        assert is_opus(silence)
        assert is_silence(silence)
        assert silence[0] & 4 == packet[0] & 4
        if configuration in CELT:
            assert silence[0] >> 3 == configuration


def test_filler_is_its_own_silence() -> None:
    assert [silence_like(silent_packet(channels)) for channels in (1, 2)] == [silent_packet(1), silent_packet(2)]


@pytest.mark.parametrize("session", ["chrome-1s", "chrome-24k", "chrome-mono", "firefox-pause"])
def test_it_is_silent_after_real_sound(session: str) -> None:
    packets = [block.payload for block in recorded(session).blocks][:120]
    channels = 1 if session == "chrome-mono" else 2
    head = OpusHead(channels, 0)
    cuts = [Cut(first, first + 9, 0, 0) for first in range(20, 110, 15)]
    starts = [0]
    for packet in packets:
        starts.append(starts[-1] + packet_samples(packet))
    stretches = [(starts[cut.first] + 480, starts[cut.after]) for cut in cuts]
    found = dict(loudest_db(without(packets, head, cuts), head, stretches))
    assert len(found) == len(cuts)
    assert max(found.values()) < -70
    assert max(dict(loudest_db(packets, head, stretches)).values()) > -60  # they did hold sound


def encoded(channels: int, bit_rate: int, packet_ms: int, **options: str) -> list[bytes]:
    """Noisy tones as libopus encodes them for speech."""
    encoder = av.CodecContext.create("libopus", "w")
    layout = "stereo" if channels == 2 else "mono"
    encoder.sample_rate, encoder.format, encoder.layout, encoder.bit_rate = 48_000, "flt", layout, bit_rate
    encoder.options = {"frame_duration": str(packet_ms), "application": "voip", **options}
    samples = 48 * packet_ms
    packets: list[bytes] = []
    at = np.arange(80 * samples) / 48_000
    noise = 0.05 * np.random.default_rng(1).standard_normal(len(at))
    sound = (0.3 * np.sin(2 * np.pi * 180 * at) * (1 + np.sin(2 * np.pi * 3 * at)) + noise).astype(np.float32)
    for piece in sound.reshape(80, samples):
        frame = av.AudioFrame.from_ndarray(np.repeat(piece, channels).reshape(1, -1), format="flt", layout=layout)
        frame.sample_rate = 48_000
        packets += map(bytes, encoder.encode(frame))
    return packets


@pytest.mark.parametrize(("channels", "bit_rate", "packet_ms"), [(1, 32_000, 20), (2, 32_000, 20), (1, 20_000, 60)])
def test_a_copy_of_the_packet_before_is_seen(channels: int, bit_rate: int, packet_ms: int) -> None:
    plain = encoded(channels, bit_rate, packet_ms)
    with_copies = encoded(channels, bit_rate, packet_ms, fec="1", packet_loss="20")
    assert {packet[0] >> 3 for packet in (*plain, *with_copies)} <= set(SILK_AND_HYBRID)
    assert not any(map(carries_copy, plain))
    assert sum(map(carries_copy, with_copies)) > len(with_copies) / 2
    first = next(n for n in range(20, 60) if carries_copy(with_copies[n]) and carries_copy(with_copies[n + 1]))
    samples = 48 * packet_ms
    inside = ((first - 2) * samples + OVERLAP, first * samples - OVERLAP)  # the two packets before it
    (cut,) = find_cuts(with_copies, STEREO, [Wanted(inside)])
    assert (cut.first, cut.after) == (first - 2, first + 1)
    (cut,) = find_cuts(plain, STEREO, [Wanted(inside)])
    assert (cut.first, cut.after) == (first - 2, first)


def test_no_copy_is_in_celt_nor_in_half_a_packet() -> None:
    assert not any(carries_copy(packet) for packet in payloads(50, toc=0xFF))
    assert carries_copy(b"\x0b")
    assert carries_copy(b"\x0a\xff")
    assert not carries_copy(b"")


def test_places_are_summed_over_packets_of_any_length() -> None:
    packets = [*payloads(3, toc=0xFF), *[silent_packet(2)] * 5, *payloads(3, toc=0xFF)]  # 60 ms, 20 ms, 60 ms
    (cut,) = find_cuts(packets, OpusHead(2, 312), [Wanted((48 * 300, 48 * 310))])
    assert (cut.first, cut.after) == (8, 9)
    assert (cut.start, cut.end) == (48 * 280 - 312, 48 * 340 - 312)
    assert find_cuts(packets, STEREO, []) == []
    assert find_cuts(packets, STEREO, [Wanted((48 * 10_000, 48 * 11_000))]) == []
    (everything,) = find_cuts(packets, OpusHead(2, 312), [Wanted((-5, 1 << 40))])
    assert (everything.first, everything.after, everything.start) == (0, 11, 0)


@given(st.sets(st.integers(0, 30), min_size=2, max_size=6), st.integers(1, 12))
def test_what_is_kept_is_counted_alike_however_it_comes(places: set[int], piece: int) -> None:
    packets = payloads(30, toc=0xFC)
    edges = sorted(places)[: len(places) // 2 * 2]
    cuts = [Cut(first, after, 0, 0) for first, after in zip(edges[::2], edges[1::2], strict=True)]
    at_once, in_pieces = KeptCount(cuts, STEREO), KeptCount(cuts, STEREO)
    at_once.take(packets)
    for at in range(0, 30, piece):
        in_pieces.take(packets[at : at + piece])
    found = at_once.end()
    assert found == in_pieces.end()
    assert at_once.loud == in_pieces.loud == [n for cut in cuts for n in range(cut.first, min(cut.after, 30))]
    assert sum(one.packets for one in found) == 30 - len(at_once.loud)
    assert len(found) == len(cuts) + 1
