"""Opus packets from outside: their length by the table of RFC 6716 and by a decoder, OpusHead, silence."""

from __future__ import annotations

import struct
from itertools import product

import av
import numpy as np
import pytest
from av.audio.codeccontext import AudioCodecContext
from hypothesis import given
from hypothesis import strategies as st
from recordings import recorded

from sessiontool.errors import RecordingError
from sessiontool.media.opus import (
    MAX_PACKET_SAMPLES,
    SILENT_PACKET_SAMPLES,
    OpusHead,
    PacketSamples,
    is_opus,
    most_bytes,
    packet_samples,
    silent_packet,
)

# RFC 6716, table 2: configurations, and the lengths of their frames in ms.
TABLE = (
    ("silk nb", range(4), (10, 20, 40, 60)),
    ("silk mb", range(4, 8), (10, 20, 40, 60)),
    ("silk wb", range(8, 12), (10, 20, 40, 60)),
    ("hybrid swb", range(12, 14), (10, 20)),
    ("hybrid fb", range(14, 16), (10, 20)),
    ("celt nb", range(16, 20), (2.5, 5, 10, 20)),
    ("celt wb", range(20, 24), (2.5, 5, 10, 20)),
    ("celt swb", range(24, 28), (2.5, 5, 10, 20)),
    ("celt fb", range(28, 32), (2.5, 5, 10, 20)),
)
FRAME_MS = {
    config: frame_ms for _, configs, lengths in TABLE for config, frame_ms in zip(configs, lengths, strict=True)
}


def toc_byte(config: int, *, stereo: bool, code: int) -> int:
    return config << 3 | stereo << 2 | code


@pytest.mark.parametrize("code", [0, 1, 2])
def test_a_packet_of_one_or_two_frames_lasts_as_long_as_they(code: int) -> None:
    for config, stereo in product(range(32), (False, True)):
        expected = FRAME_MS[config] * 48 * (2 if code else 1)
        packet = bytes([toc_byte(config, stereo=stereo, code=code)]) + bytes(20)
        assert packet_samples(packet) == expected, f"configuration {config}"


def test_a_packet_of_code_3_counts_its_frames() -> None:
    for config, count, flags in product(range(32), range(64), (0, 0x40, 0x80, 0xC0)):
        length = FRAME_MS[config] * 48 * count
        expected = length if length <= 120 * 48 else 0
        assert packet_samples(bytes([toc_byte(config, stereo=True, code=3), flags | count])) == expected


@pytest.mark.parametrize("packet", [b"", b"\xff", b"\xff\x80", b"\xff\x07"], ids=["none", "no count", "0", "140 ms"])
def test_what_is_no_packet_lasts_no_time(packet: bytes) -> None:
    assert packet_samples(packet) == 0


@given(st.binary(min_size=1, max_size=8))
def test_the_first_two_bytes_are_enough(packet: bytes) -> None:
    samples = PacketSamples()
    assert samples[packet[:2]] == samples[packet[:2]] == packet_samples(packet)
    assert 0 <= packet_samples(packet) <= MAX_PACKET_SAMPLES


def decoder(channels: int) -> AudioCodecContext:
    """A decoder that is told of no pre-skip, so that it gives all that a packet holds."""
    context = av.CodecContext.create("libopus", "r")
    assert isinstance(context, AudioCodecContext)
    context.sample_rate = 48_000
    context.layout = "stereo" if channels == 2 else "mono"
    context.extradata = OpusHead(channels, pre_skip=0).to_bytes()
    return context


def decoded_samples(packet: bytes, channels: int = 2) -> int:
    return sum(frame.samples for frame in decoder(channels).decode(av.Packet(packet)))


@pytest.mark.parametrize("code", range(4))
def test_a_decoder_finds_every_kind_of_packet_as_long(code: int) -> None:
    # Frames of no bytes are lost ones, which a decoder fills in.
    bodies = {0: (b"",), 1: (b"",), 2: (b"\0",), 3: (b"\1", b"\2", b"\3", b"\6")}
    for config, stereo, body in product(range(32), (False, True), bodies[code]):
        packet = bytes([toc_byte(config, stereo=stereo, code=code)]) + body
        if samples := packet_samples(packet):
            assert decoded_samples(packet) == samples, packet.hex()


@pytest.mark.parametrize("channels", [1, 2])
def test_silence_is_silent_for_20_ms(channels: int) -> None:
    (frame,) = decoder(channels).decode(av.Packet(silent_packet(channels)))
    assert frame.samples == SILENT_PACKET_SAMPLES == packet_samples(silent_packet(channels)) == 20 * 48
    assert not np.any(frame.to_ndarray())
    assert bool(silent_packet(channels)[0] & 4) == (channels == 2)


@given(st.sampled_from([1, 2]), st.integers(0, 65535), st.integers(0, 2**32 - 1), st.integers(-32768, 32767))
def test_an_opus_head_reads_back(channels: int, pre_skip: int, rate_hz: int, gain: int) -> None:
    head = OpusHead(channels, pre_skip, rate_hz, gain)
    assert OpusHead.parse(head.to_bytes()) == head
    assert len(head.to_bytes()) == 19


def test_firefoxs_opus_head_is_understood() -> None:
    written = bytes.fromhex("4f707573486561640102380180bb0000000000")
    assert OpusHead.parse(written) == OpusHead(channels=2, pre_skip=312)
    assert OpusHead(channels=2, pre_skip=312).to_bytes() == written


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda head: b"", "0 bytes"),
        (lambda head: head[:18], "18 bytes"),
        (lambda head: b"OpusTags" + head[8:], "no valid OpusHead"),
        (lambda head: head[:8] + b"\x10" + head[9:], "version 16"),
        (lambda head: head[:9] + b"\0" + head[10:], "0 channels"),
        (lambda head: head[:9] + b"\6" + head[10:18] + b"\1" + bytes(8), "6 channels, mapping family 1"),
    ],
)
def test_other_opus_heads_are_refused_by_name(change: object, told: str) -> None:
    assert callable(change)
    with pytest.raises(RecordingError, match=told) as refusal:
        OpusHead.parse(change(OpusHead(2, 312).to_bytes()))
    assert refusal.value.hint


def test_a_minor_version_is_read_as_version_1() -> None:
    head = bytearray(OpusHead(2, 312).to_bytes())
    head[8] = 2  # RFC 7845: below 16 all versions are compatible
    assert OpusHead.parse(bytes(head)) == OpusHead(2, 312)
    assert struct.unpack_from("<H", head, 10) == (312,)


# -- the rules of RFC 6716, section 3.4


def packed(code: int, *frames: int, padding: int = 0, differ: bool = True) -> bytes:
    """A packet of 20 ms frames of these sizes; of code 3 with lengths of its own (`differ`) or of one size."""

    def length(size: int) -> bytes:
        return bytes([size]) if size < 252 else bytes([252 | size & 3, (size - (252 | size & 3)) // 4])

    toc = bytes([0xFC | code])
    body = bytes(sum(frames))
    if code < 2:
        return toc + body
    if code == 2:
        return toc + length(frames[0]) + body
    counts = bytes([len(frames) | (0x80 if differ else 0) | (0x40 if padding else 0)])
    pads = b"\xff" * ((padding - 1) // 254) + bytes([(padding - 1) % 254 + 1]) if padding else b""
    return toc + counts + pads + (b"".join(map(length, frames[:-1])) if differ else b"") + body + bytes(padding)


@pytest.mark.parametrize(
    "packet",
    [
        *(packed(0, 0), packed(0, 1275), packed(1, 0, 0), packed(1, 1275, 1275)),
        *(packed(2, 0, 1275), packed(2, 252, 7), packed(2, 1275, 1275), packed(3, 0)),
        *(packed(3, 5, 300, 0), packed(3, 1275, 1275, 1275), packed(3, 9, 9, 9, differ=False)),
        *(packed(3, 9, 9, padding=1), packed(3, 9, 9, padding=254), packed(3, 9, 9, differ=False, padding=600)),
        *(silent_packet(1), silent_packet(2), packed(3, *[10] * 6)),
    ],
)
def test_a_packet_that_keeps_the_rules_is_one(packet: bytes) -> None:
    assert is_opus(packet)
    assert len(packet) <= most_bytes(packet[:2])


@pytest.mark.parametrize(
    ("rule", "packet"),
    [
        ("R1", b""),
        ("R2", packed(0, 1276)),
        ("R2", packed(1, 1276, 1276)),
        ("R2", packed(2, 0, 1276)),
        ("R2", packed(3, 9, 1276)),
        ("R2", packed(3, 1276, 1276, differ=False)),
        ("R3", packed(1, 9, 8)),
        ("R4", packed(2, 200, 0)[:-1]),
        ("R4", b"\xfe"),
        ("R4", b"\xfe\xff"),
        ("R5", b"\xff"),
        ("R5", b"\xff\x80"),
        ("R5", packed(3, *[10] * 7)),
        ("R6", packed(3, 9, 9, 8, differ=False)),
        ("R6", packed(3, 9, 9, differ=False, padding=300)[:200]),
        ("R6", b"\xff\x43"),
        ("R7", packed(3, 200, 200, 0)[:-1]),
        ("R7", b"\xff\x83\xfe"),
        ("R7", packed(3, 9, 9, padding=200)[:30]),
    ],
)
def test_a_packet_that_breaks_a_rule_is_none(rule: str, packet: bytes) -> None:
    assert not is_opus(packet), rule


@given(st.binary(max_size=80))
def test_what_keeps_the_rules_has_a_length_and_is_not_too_long(packet: bytes) -> None:
    if is_opus(packet):
        assert 0 < packet_samples(packet) <= MAX_PACKET_SAMPLES
        assert len(packet) <= most_bytes(packet[:2])


def test_no_packet_of_a_real_recording_breaks_a_rule() -> None:
    for name in ("chrome-1s", "chrome-24k", "firefox-pause"):
        assert all(is_opus(block.payload) for block in recorded(name).blocks)
