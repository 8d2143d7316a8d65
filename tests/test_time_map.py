"""The times of a run as they are joined: what is decided on groups is applied to runs of any length, and marks stay."""

from __future__ import annotations

from itertools import accumulate, pairwise
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import LIVE_CLUSTER, Live, blobs, chrome, chunk_ref

from sessiontool.documents.models import ChunkEntry, PartEntry
from sessiontool.media.packets import PacketRun
from sessiontool.recording.runs import Piece, PieceStream, RecorderRun
from sessiontool.recording.time_map import measure
from sessiontool.recording.time_steps import Step, TimeMap

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CHROME = chrome(84 * 6, cluster_packets=84)
CHUNK_MS = 84 * 60
SUSPENDED_MS = 17_500  # as long as no number of chunks


def packets(count: int, *, first: int = 0, after_break: bool = False) -> PacketRun:
    """Packets that say which they are by their payload and their time."""
    numbers = range(first, first + count)
    payloads = [number.to_bytes(4, "big") for number in numbers]
    times_ms = [60 * number for number in numbers]
    return PacketRun(0, True, False, after_break, payloads, times_ms, [2880] * count, [0])


def applied(time_map: TimeMap, runs: Sequence[PacketRun]) -> list[PacketRun]:
    time_map.begin(0)
    return [made for run in runs for made in time_map.apply(run)]


steps = st.lists(
    st.builds(Step, st.integers(1, 30), st.integers(-5000, 5000), st.booleans(), st.booleans()), max_size=8
)


@given(steps=steps, cuts=st.sets(st.integers(1, 119), max_size=8), broken=st.booleans())
def test_every_packet_gets_its_steps_shift_and_the_first_its_mark(
    steps: list[Step], cuts: set[int], broken: bool
) -> None:
    time_map = TimeMap({0: steps})
    runs = [packets(b - a, first=a, after_break=broken) for a, b in pairwise(sorted({0, *cuts, 120}))]
    made = applied(time_map, runs)
    assert [payload for run in made for payload in run.payloads] == [p for run in runs for p in run.payloads]
    shifts = [step.shift_ms for step in steps for _ in range(step.count)][:120]
    shifts += [0] * (120 - len(shifts))
    assert [time for run in made for time in run.times_ms] == [60 * n + shift for n, shift in enumerate(shifts)]
    assert all(len(run.payloads) == len(run.times_ms) == len(run.durations) > 0 for run in made)

    starts = list(accumulate((step.count for step in steps), initial=0))
    first_of = list(accumulate((len(run.payloads) for run in made), initial=0))
    lost = {start for start, step in zip(starts, steps, strict=False) if step.lost and start < 120}
    lost |= {0, *cuts} if broken else set()
    stood = {start for start, step in zip(starts, steps, strict=False) if step.suspended and start < 120}
    assert {start for start, run in zip(first_of, made, strict=False) if run.after_break} == lost
    assert {start for start, run in zip(first_of, made, strict=False) if run.suspended} == stood


def test_without_steps_and_in_steps_that_change_nothing_runs_go_through_as_they_are() -> None:
    runs = [packets(30), packets(50, first=30, after_break=True)]
    assert all(a is b for a, b in zip(applied(TimeMap(), runs), runs, strict=True))
    assert all(a is b for a, b in zip(applied(TimeMap({0: [Step(200, 0)]}), runs), runs, strict=True))


def test_a_map_can_be_applied_again_and_to_each_recording_its_own() -> None:
    """A join begins anew where a later part turns out to be in doubt."""
    time_map = TimeMap({0: [Step(5, 1000, lost=True)], 1: [Step(10, -60)]})
    once = applied(time_map, [packets(10)])
    assert once == applied(time_map, [packets(10)])
    assert [run.times_ms[0] for run in once] == [1000, 300]
    time_map.begin(1)
    assert [run.times_ms[0] for run in time_map.apply(packets(10))] == [-60]
    time_map.begin(2)
    assert [run.times_ms[0] for run in time_map.apply(packets(10))] == [0]


# -- measured


def stepped(whole: Live, steps_ms: Mapping[int, int]) -> Live:
    """The recording with the timestamps of clusters moved, by number: of that one alone."""
    data = bytearray(whole.data)
    at = -1
    for number in range(max(steps_ms) + 1):
        at = data.index(LIVE_CLUSTER, at + 1)
        if step_ms := steps_ms.get(number):
            body = at + len(LIVE_CLUSTER) + 2
            size = data[body - 1] & 0x7F
            data[body : body + size] = (int.from_bytes(data[body : body + size], "big") + step_ms).to_bytes(size, "big")
    return Live(bytes(data), whole.blocks)


def noted(count: int, late_ms: Mapping[int, int]) -> PartEntry:
    """What a recorder notes of blobs of equal length; from those numbers on they come later."""
    late = [sum(ms for seq, ms in late_ms.items() if seq <= number) for number in range(count)]
    entries = [
        ChunkEntry(seq=number, emitted_ms=round(1000 + (number + 1) * CHUNK_MS + 60 + late[number]))
        for number in range(count)
    ]
    return PartEntry(part="0", start_ms=1000, chunks=entries)


class Measured:
    """A run that was measured: its findings, and the times of its packets with the map applied."""

    def __init__(self, chunks: Mapping[int, bytes], entry: PartEntry | None = None, *, lost: int | None = None) -> None:
        data_of = {chunk_ref(seq, len(data)): data for seq, data in chunks.items()}
        reasons = {} if lost is None else {lost + 1: f"chunk {lost} is missing"}
        pieces = [
            Piece(ref, lost_before=reasons.get(ref.seq, ""), lost_chunks=int(ref.seq in reasons)) for ref in data_of
        ]
        run = RecorderRun("0", "0", pieces, entry, chunk_ms=CHUNK_MS)
        self.time_map = measure(run, data_of.__getitem__)
        self.codes = [finding.code for finding in run.findings]
        self.findings = run.findings
        self.time_map.begin(0)
        stream = PieceStream(run, data_of.__getitem__)
        self.runs = [made for fed in stream for read in fed.packets for made in self.time_map.apply(read)]
        self.time_of = dict(pair for made in self.runs for pair in zip(made.payloads, made.times_ms, strict=True))

    def marks(self, name: str) -> list[bytes]:
        """The packets before which time passed."""
        return [made.payloads[0] for made in self.runs if getattr(made, name)]


def numbered(whole: Live) -> dict[int, bytes]:
    return dict(enumerate(blobs(whole, 84)))


def test_of_an_undamaged_run_nothing_is_changed() -> None:
    measured = Measured(numbered(CHROME), noted(6, {}))
    assert measured.codes == []
    assert measured.time_map.suspended_ms == 0
    assert all(not step.shift_ms for step in measured.time_map.steps[0])
    assert (measured.marks("after_break"), measured.marks("suspended")) == ([], [])
    assert measured.time_of == {block.payload: block.time_ms for block in CHROME.blocks}


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize("step_ms", [1 << 10, 1 << 13, -(1 << 11), 1 << 15])
def test_one_wrong_timestamp_is_named_with_its_chunk_and_set_right(number: int, step_ms: int) -> None:
    whole = stepped(CHROME, {number: step_ms})
    measured = Measured(numbered(whole))
    assert measured.codes == ["cluster-time-wrong"]
    assert measured.findings[0].seq == number
    assert ("late" if step_ms > 0 else "early") in measured.findings[0].message
    assert all(abs(measured.time_of[block.payload] - block.time_ms) <= 20 for block in CHROME.blocks)
    assert (measured.marks("after_break"), measured.marks("suspended")) == ([], [])


def test_a_recorder_that_slept_with_its_clock_running_stood_still_before_that_cluster() -> None:
    whole = stepped(CHROME, dict.fromkeys(range(3, 6), SUSPENDED_MS))
    measured = Measured(numbered(whole))
    assert measured.codes == ["recorder-suspended"]
    assert f"{SUSPENDED_MS / 1000:.2f} s" in measured.findings[0].message
    assert measured.marks("suspended") == [CHROME.blocks[3 * 84].payload]
    assert measured.marks("after_break") == []
    late = [measured.time_of[block.payload] - block.time_ms for block in CHROME.blocks]
    assert late == [0] * (3 * 84) + [SUSPENDED_MS] * (3 * 84)


def test_a_recorder_whose_clock_slept_too_is_betrayed_by_when_its_blobs_came() -> None:
    measured = Measured(numbered(CHROME), noted(6, {3: SUSPENDED_MS}))
    assert measured.codes == ["recorder-suspended"]
    assert measured.findings[0].seq == 3
    assert measured.time_map.suspended_ms == pytest.approx(SUSPENDED_MS, abs=100)
    (first,) = measured.marks("suspended")
    late = [measured.time_of[block.payload] - block.time_ms for block in CHROME.blocks]
    at = next(index for index, block in enumerate(CHROME.blocks) if block.payload == first)
    assert at == pytest.approx(3 * 84, abs=2)
    assert {*late[:at]} == {0}
    assert all(ms == pytest.approx(SUSPENDED_MS, abs=100) for ms in late[at:])


def test_a_jump_of_just_a_chunk_between_two_of_them_is_one_that_was_lost() -> None:
    chunks = numbered(CHROME)
    kept = dict(enumerate(data for seq, data in chunks.items() if seq != 3))
    measured = Measured(kept)
    assert measured.codes == ["chunk-missing"]
    assert (measured.findings[0].seq, len(measured.marks("after_break"))) == (3, 1)
    assert measured.marks("suspended") == []
    there = [block for block in CHROME.blocks if block.payload in measured.time_of]
    assert all(abs(measured.time_of[block.payload] - block.time_ms) <= 20 for block in there)


def test_what_lies_behind_a_known_loss_keeps_its_time_and_its_break() -> None:
    chunks = numbered(CHROME)
    del chunks[2]
    measured = Measured(chunks, lost=2)
    assert measured.codes == []
    assert len(measured.marks("after_break")) == 1
    there = [block for block in CHROME.blocks if block.payload in measured.time_of]
    assert len(there) >= 5 * 84 - 2
    assert all(abs(measured.time_of[block.payload] - block.time_ms) <= 20 for block in there)


@given(st.integers(0, 2**32))
@settings(deadline=None, max_examples=60)
def test_a_wrong_timestamp_beside_a_lost_chunk_moves_nothing(seed: int) -> None:
    rng = Random(seed)
    wrong, missing = rng.sample(range(1, 5), 2)
    whole = stepped(CHROME, {wrong: rng.choice([1, -1]) << rng.randint(8, 11)})
    chunks = numbered(whole)
    del chunks[missing]
    measured = Measured(chunks, lost=missing)
    there = [block for block in CHROME.blocks if block.payload in measured.time_of]
    times = [measured.time_of[block.payload] for block in there]
    assert all(after - before >= 30 for before, after in pairwise(times)), "in order, and none over another"
    if abs(wrong - missing) > 1:
        assert all(abs(time - block.time_ms) <= 20 for time, block in zip(times, there, strict=True))
