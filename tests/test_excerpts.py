"""Excerpts of a recording: the very samples of the whole decode, whatever is cut out."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from conftest import store_of

from sessiontool.audio.decoder import decode
from sessiontool.audio.excerpts import cut
from sessiontool.media.matroska.demuxer import WebmDemuxer
from sessiontool.media.opus import OpusHead, packet_samples

if TYPE_CHECKING:
    from numpy.typing import NDArray

PRE_SKIP = 312
HEAD = OpusHead(2, PRE_SKIP)


@pytest.fixture(scope="module")
def packets() -> list[bytes]:
    chunk = store_of("demo") / "demo" / "chunks" / "000" / "000000.webm"
    return [payload for run in WebmDemuxer().feed(chunk.read_bytes()) for payload in run.payloads]


@pytest.fixture(scope="module")
def whole(packets: list[bytes]) -> NDArray[np.int16]:
    sound = np.concatenate(list(decode(packets, HEAD, np.copy)), axis=1)
    samples: NDArray[np.int16] = (np.clip(sound, -1, 1) * 32767).astype(np.int16)
    return samples


def cuts(packets: list[bytes], stretches: list[tuple[int, int]], channel: int = 1) -> dict[int, NDArray[np.int16]]:
    return {
        number: np.frombuffer(excerpt.pcm(channel), np.int16) for number, excerpt in cut(iter(packets), HEAD, stretches)
    }


@pytest.mark.parametrize("channel", [0, 1])
def test_an_excerpt_has_the_samples_of_the_whole(packets: list[bytes], whole: NDArray[np.int16], channel: int) -> None:
    chance = np.random.default_rng(1)
    total = whole.shape[1]
    starts = [0, 1, 2, total - 400, *map(int, chance.integers(0, total - 400, 20))]
    stretches = [(3 * start, 3 * int(chance.integers(start + 1, total + 1))) for start in starts]
    found = cuts(packets, stretches, channel)
    assert sorted(found) == list(range(len(stretches)))
    close = 0.01 * int(np.abs(whole).max())
    for number, (start, end) in enumerate(stretches):
        wanted = whole[channel, start // 3 : end // 3].astype(int)
        assert len(found[number]) == len(wanted)
        inside = slice(0, -2)  # the low-pass looks a sample ahead
        assert np.abs(found[number][inside] - wanted[inside]).max(initial=0) <= close, (number, start, end)


def test_what_the_recording_does_not_reach_is_shorter_or_left_out(
    packets: list[bytes], whole: NDArray[np.int16]
) -> None:
    length = sum(map(packet_samples, packets)) - PRE_SKIP
    found = cuts(packets, [(length - 4800, length + 48_000), (length + 1, length + 2)])
    assert list(found) == [0]
    assert len(found[0]) == 1600


def test_nothing_wanted_reads_nothing(packets: list[bytes]) -> None:
    unread = iter(packets)
    assert list(cut(unread, HEAD, [])) == []
    assert len(list(unread)) >= len(packets) - 1


def test_they_come_in_the_order_of_their_starts_and_hold_only_what_they_need(packets: list[bytes]) -> None:
    stretches = [(96_000, 100_000), (9_600, 19_200), (50_000, 50_001), (9_600, 90_000)]
    found = list(cut(iter(packets), HEAD, stretches))
    assert [number for number, _ in found] == [1, 3, 2, 0]
    assert all(stretches[a] <= stretches[b] for (a, _), (b, _) in pairwise(found))
    for number, excerpt in found:
        start, end = stretches[number]
        held = sum(map(packet_samples, excerpt.packets))
        assert end - start <= held <= end - start + 9600 + 2 * 2880
