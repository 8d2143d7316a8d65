from __future__ import annotations

import sys
from fractions import Fraction

import av
import numpy as np
import pytest

from sessiontool.audio.decoder import DECODE_RATE, decode
from sessiontool.media.opus import OpusHead, joined, packet_samples

TONES_HZ = (440, 1210)


def encoded(sound: np.ndarray, *, rate: int = 128_000, frame_ms: str = "20") -> tuple[list[bytes], int]:
    """Opus packets of float samples (channels, n) at 48 kHz, and their pre-skip."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.format, encoder.bit_rate = 48_000, "flt", rate
    encoder.layout = "stereo" if len(sound) == 2 else "mono"
    encoder.options = {"frame_duration": frame_ms}
    encoder.time_base = Fraction(1, 48_000)
    encoder.open()
    size, packets = encoder.frame_size, []
    for at in range(0, sound.shape[1] - size + 1, size):
        interleaved = np.ascontiguousarray(sound[:, at : at + size].T.reshape(1, -1))
        frame = av.AudioFrame.from_ndarray(interleaved, "flt", encoder.layout.name)
        frame.sample_rate, frame.pts = 48_000, at
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    packets += [bytes(packet) for packet in encoder.encode(None)]
    return packets, int.from_bytes((encoder.extradata or b"")[10:12], "little")


def tones(seconds: float, channels: int = 2) -> np.ndarray:
    """A tone a channel, each fading with a period of its own, so that no two places sound alike."""
    t = np.arange(round(seconds * 48_000)) / 48_000
    rows = [
        0.3 * np.sin(2 * np.pi * hz * t) * np.cos(2 * np.pi * t / (7 + k)) for k, hz in enumerate(TONES_HZ[:channels])
    ]
    return np.array(rows, np.float32)


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples**2)))


def collected(packets: list[bytes], channels: int, pre_skip: int) -> np.ndarray:
    blocks = list(decode(packets, OpusHead(channels, pre_skip), np.copy))
    return np.concatenate(blocks, axis=1) if blocks else np.zeros((channels, 0), np.float32)


@pytest.mark.parametrize(("channels", "frame_ms"), [(2, "20"), (1, "20"), (2, "60"), (2, "2.5")])
def test_sample_n_of_the_decode_is_sample_3n_of_the_sound(channels: int, frame_ms: str) -> None:
    sound = tones(65, channels)  # several runs of packets, with seams between them
    packets, pre_skip = encoded(sound, frame_ms=frame_ms)
    found = collected(packets, channels, pre_skip)
    assert found.shape == (channels, -(-(sum(map(packet_samples, packets)) - pre_skip) // 3))
    assert found.dtype == np.float32
    wanted = sound[:, ::3][:, : found.shape[1]]
    off = found[:, 800 : wanted.shape[1] - 800] - wanted[:, 800:-800]
    assert rms(off) < 0.05 * rms(wanted), "half a sample of delay would give ten times as much"


def test_a_pre_skip_that_is_no_multiple_of_three_moves_the_grid_with_it() -> None:
    sound = tones(30)
    packets, pre_skip = encoded(sound)
    moved = collected(packets, 2, pre_skip + 100)
    wanted = sound[:, 100::3]
    off = moved[:, 800:-800] - wanted[:, 800 : moved.shape[1] - 800]
    assert rms(off) < 0.05 * rms(wanted)


def test_what_is_above_the_speech_band_does_not_fold_into_it() -> None:
    t = np.arange(5 * 48_000) / 48_000
    packets, pre_skip = encoded(np.array([0.3 * np.sin(2 * np.pi * 15_000 * t)] * 2, np.float32))
    found = collected(packets, 2, pre_skip)[:, 800:-800]
    assert rms(found) < 0.3 / np.sqrt(2) / 20


@pytest.mark.parametrize("place", [0, 40, 999, 1000, 1001, -1])
def test_a_damaged_packet_is_silence_of_its_own_length(place: int) -> None:
    packets, pre_skip = encoded(tones(30))
    whole = collected(packets, 2, pre_skip)
    damaged = list(packets)
    damaged[place] = packets[place][:1] + b"\x00" * 3  # too short for what it must hold
    found = collected(damaged, 2, pre_skip)
    assert found.shape == whole.shape
    at = (range(len(packets))[place] * 960 - pre_skip) // 3
    same = np.ones(whole.shape[1], bool)
    same[max(0, at - 10) : at + 320 + 3200] = False  # what is predicted from it takes a while to recover
    assert np.abs(found - whole)[:, same].max() < 0.02


def test_where_all_is_damaged_nothing_is_heard_of_what_was_decoded_before() -> None:
    packets, pre_skip = encoded(tones(60))
    good = len(packets) // 3
    found = collected([*packets[:good], *(packet[:1] + b"\xff" * 3 for packet in packets[good:])], 2, pre_skip)
    assert rms(found[:, :200_000]) > 0.1
    assert not found[:, (good * 960 - pre_skip) // 3 + 16_000 :].any()


def test_rubbish_and_empty_packets_do_not_end_the_decode() -> None:
    packets, pre_skip = encoded(tones(5))
    rubbish = [*packets[:50], b"", b"\x03", bytes(range(256)), b"\xff" * 40, *packets[50:]]
    lengths = sum(map(packet_samples, rubbish))
    assert collected(rubbish, 2, pre_skip).shape[1] == -(-(lengths - pre_skip) // 3)


def test_nothing_gives_nothing() -> None:
    assert list(decode([], OpusHead(2, 312), np.copy)) == []
    packets, _ = encoded(tones(0.1))
    assert collected(packets, 2, 10**9).shape[1] == 0


def test_packets_are_taken_as_they_are_needed() -> None:
    packets, pre_skip = encoded(tones(10))
    taken = 0

    def counted() -> object:
        nonlocal taken
        for _ in range(100):
            for packet in packets:
                taken += 1
                yield packet

    blocks = decode(counted(), OpusHead(2, pre_skip), np.copy)  # type: ignore[arg-type]
    first = next(iter(blocks))
    assert first.shape[1] <= 31 * DECODE_RATE
    assert taken < 30 * len(packets), "minutes may be under way, not the whole recording"


def test_blocks_overlap_by_their_margins() -> None:
    packets, pre_skip = encoded(tones(25))
    whole = collected(packets, 2, pre_skip)
    edged, at = np.pad(whole, ((0, 0), (200, 200))), 0
    for block in decode(packets, OpusHead(2, pre_skip), np.copy, margin=200):
        inside = slice(200 if not at else 0, -200)  # before the first sample is what the pre-skip leaves out
        assert np.abs(block[:, inside] - edged[:, at : at + block.shape[1]][:, inside]).max() < 3e-3
        at += block.shape[1] - 400
    assert at == whole.shape[1]


def test_packets_in_one_decode_to_the_same_sound() -> None:
    packets, pre_skip = encoded(tones(3))
    one_by_one = collected(packets, 2, pre_skip)
    for count in (2, 3, 6):
        groups = [joined(packets[k : k + count]) for k in range(0, len(packets), count)]
        assert [packet_samples(group) for group in groups[:-1]] == [960 * count] * (len(groups) - 1)
        assert np.array_equal(collected(groups, 2, pre_skip), one_by_one)


def test_decoding_leaves_the_interpreters_pace_alone() -> None:
    packets, pre_skip = encoded(tones(1))
    usual = sys.getswitchinterval()
    assert [sys.getswitchinterval() for _ in decode(packets, OpusHead(2, pre_skip), np.copy)] == [usual]
