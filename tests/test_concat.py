"""Joining: every packet goes out byte for byte and in order, and silence stands where the timeline says."""

from __future__ import annotations

import io
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from recordings import chrome, chunk_ref, payloads, read_pairs, recorded_chunks, split

from sessiontool.concat import Remuxer
from sessiontool.documents.models import SessionDocument
from sessiontool.media.matroska.demuxer import WebmDemuxer
from sessiontool.media.opus import OpusHead, silent_packet
from sessiontool.media.packets import PacketRun
from sessiontool.progress import Silent
from sessiontool.recording.assemble import assemble
from sessiontool.recording.gap_filling import Pause

if TYPE_CHECKING:
    from collections.abc import Sequence

STEREO, MONO = OpusHead(2, 0), OpusHead(1, 0)
SILENCE = {channels: silent_packet(channels) for channels in (1, 2)}


def run_of(packets: Sequence[bytes], first_ms: int = 0, *, after_break: bool = False) -> PacketRun:
    """Packets of 20 ms, one after another."""
    times_ms = [first_ms + index * 20 for index in range(len(packets))]
    return PacketRun(0, True, False, after_break, list(packets), times_ms, [960] * len(packets))


def finished(joiner: Remuxer) -> tuple[bytes, list[bytes]]:
    """The joined file, and its packets as our reader finds them at the times that a file of ours must have."""
    out = io.BytesIO()
    joiner.finish(out, writing_app="test", track_uid=1)
    runs = WebmDemuxer().feed(out.getvalue())
    durations = [samples for run in runs for samples in run.durations]
    starts = list(accumulate(durations, initial=0))
    assert [time_ms for _, time_ms in read_pairs(runs)] == [start // 48 for start in starts[:-1]]
    assert starts[-1] == joiner.samples
    return out.getvalue(), [payload for payload, _ in read_pairs(runs)]


def test_one_part_goes_out_as_it_came_in() -> None:
    packets = payloads(40, toc=0xFC)
    joiner = Remuxer(io.BytesIO())
    joiner.begin_part("0", STEREO, 0)
    joiner.add(run_of(packets))
    joiner.end_part()
    assert finished(joiner)[1] == packets
    assert (joiner.recorded_packets, joiner.silent_packets) == (40, 0)
    assert [span.kind for span in joiner.timeline().spans] == ["recorded"]


@given(
    cuts=st.lists(st.integers(0, 120), max_size=20),
    gaps=st.dictionaries(st.integers(1, 119), st.integers(0, 4000), max_size=5),
    breaks=st.sets(st.integers(1, 119), max_size=3),
)
@settings(deadline=None, max_examples=60)
def test_what_goes_out_is_what_came_in_and_silence_that_the_timeline_names(
    cuts: list[int], gaps: dict[int, int], breaks: set[int]
) -> None:
    packets = payloads(120, toc=0xFC)
    times_ms = [index * 20 + late for index, late in enumerate(accumulate(gaps.get(i, 0) for i in range(120)))]
    joiner = Remuxer(io.BytesIO())
    joiner.begin_part("0", STEREO, 0)
    places = sorted({0, *cuts, *breaks, 120})
    for start, end in pairwise(places):
        run = PacketRun(0, True, False, start in breaks, packets[start:end], times_ms[start:end], [960] * (end - start))
        joiner.add(run)
    joiner.end_part()
    _, output = finished(joiner)
    assert [packet for packet in output if packet != SILENCE[2]] == packets
    assert output.count(SILENCE[2]) == joiner.silent_packets
    assert joiner.recorded_packets == 120
    silent = [index for index, packet in enumerate(output) if packet == SILENCE[2]]
    spans = [span for span in joiner.timeline().spans if span.kind == "silence"]
    assert silent == [i for span in spans for i in range(span.output_start // 960, span.output_end // 960)]
    assert {span.cause for span in spans} <= {"starved", "lost"}
    assert all((span.output_start // 960) in silent for span in spans)


def test_parts_follow_one_another_at_their_distance() -> None:
    first, second = payloads(50, toc=0xFC, seed=1), payloads(50, toc=0xFC, seed=2)
    joiner = Remuxer(io.BytesIO())
    assert joiner.begin_part("0", STEREO, 1_000_000) == (0, 0)
    joiner.add(run_of(first))
    joiner.end_part()
    assert joiner.begin_part("1", STEREO, 2_500_000) == (25, 500_000)
    joiner.add(run_of(second))
    joiner.end_part(lost_ms=200)
    assert finished(joiner)[1] == [*first, *[SILENCE[2]] * 25, *second, *[SILENCE[2]] * 10]
    assert joiner.silent_packets == 35


def test_a_mono_part_among_stereo_ones_makes_a_stereo_file() -> None:
    mono, stereo = payloads(30, toc=0xF8), payloads(30, toc=0xFC)
    for parts in ([(MONO, mono), (STEREO, stereo)], [(STEREO, stereo), (MONO, mono)]):
        joiner = Remuxer(io.BytesIO())
        for number, (head, packets) in enumerate(parts):
            joiner.begin_part(str(number), head, number * 1_000_000)
            joiner.add(run_of(packets))
            joiner.end_part()
        assert joiner.head == STEREO
        _, output = finished(joiner)
        silent = SILENCE[parts[1][0].channels]  # before the second part, as it is
        assert output == [*parts[0][1], *[silent] * 20, *parts[1][1]]


def test_a_kept_pause_is_silence_and_a_closed_one_is_not() -> None:
    packets = payloads(100, toc=0xFC)
    for keep, silent in ((True, 250), (False, 0)):
        joiner = Remuxer(io.BytesIO(), keep_pauses=keep)
        joiner.begin_part("0", STEREO, 0, [Pause(1_000_000, 6_000_000)])
        joiner.add(run_of(packets))
        joiner.end_part()
        assert finished(joiner)[1] == [*packets[:50], *[SILENCE[2]] * silent, *packets[50:]]


def test_a_clock_that_jumps_is_noted_with_its_place() -> None:
    packets = payloads(60, toc=0xFC)
    joiner = Remuxer(io.BytesIO())
    joiner.begin_part("0", STEREO, 0)
    joiner.add(run_of(packets[:30], 60_000))
    joiner.add(run_of(packets[30:]))
    joiner.end_part()
    assert finished(joiner)[1][-60:] == packets
    assert joiner.clock_jumps[-1] == joiner.samples - 30 * 960


def test_a_minute_at_most_is_held_back() -> None:
    packets = payloads(2000, toc=0xFC)
    joiner = Remuxer(io.BytesIO())
    joiner.begin_part("0", STEREO, 0)
    for start in range(0, 2000, 10):
        joiner.add(run_of(packets[start : start + 10], start * 20 + (300 if start >= 1000 else 0)))
        assert start + 10 - joiner.recorded_packets < 1024, "all of a long recording would be too much to hold"


@pytest.mark.parametrize(("after_break", "cause"), [(True, "lost"), (False, "suspended")])
def test_why_time_passed_is_said_of_the_hole_in_front_of_a_run(after_break: bool, cause: str) -> None:
    packets = payloads(60, toc=0xFC)
    joiner = Remuxer(io.BytesIO())
    joiner.begin_part("0", STEREO, 0)
    joiner.add(run_of(packets[:30]))
    behind = replace(run_of(packets[30:40], 5600), after_break=after_break, suspended=not after_break)
    joiner.add(behind)
    joiner.add(run_of(packets[40:], 6000))
    joiner.end_part()
    silence = [SILENCE[2]] * 260
    assert finished(joiner)[1] == [*packets[:30], *silence[:250], *packets[30:40], *silence[250:], *packets[40:]]
    assert [span.cause for span in joiner.timeline().spans if span.kind == "silence"] == [cause, "starved"]


def test_what_is_decoded_is_the_recording_with_silence_in_it() -> None:
    chunks = recorded_chunks("chrome-1s")[:6]
    data_of = {chunk_ref(seq, len(data)): data for seq, data in enumerate(chunks) if seq != 3}
    joiner, _ = assemble([*data_of], SessionDocument(), data_of.__getitem__, lambda: Remuxer(io.BytesIO()), Silent())
    before = sum(duration for run in WebmDemuxer().feed(b"".join(chunks[:3])) for duration in run.durations)
    data, _ = finished(joiner)
    with av.open(io.BytesIO(data), "r") as container:
        sound = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    assert sound.shape[1] == joiner.samples
    (hole,) = [span for span in joiner.timeline().spans if span.kind == "silence"]
    assert hole.cause == "lost"
    assert hole.output_start == before
    assert hole.output_end - hole.output_start == pytest.approx(48_000 + 2880, abs=2880)
    inside = sound[:, hole.output_start + 4800 : hole.output_end - 4800]
    assert np.abs(inside).max() < 1e-3 < np.abs(sound).max()


def test_the_times_of_chrome_alone_make_no_hole() -> None:
    whole = chrome(200, cluster_packets=84)
    reader, joiner = WebmDemuxer(), Remuxer(io.BytesIO())
    joiner.begin_part("0", STEREO, 0)
    for piece in split(whole.data, range(0, len(whole.data), 777)):
        for run in reader.feed(piece):
            joiner.add(run)
    joiner.end_part()
    assert finished(joiner)[1] == [block.payload for block in whole.blocks]
    assert joiner.samples == 200 * 2880
