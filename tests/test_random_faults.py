"""The random judge: a short run of it, and that it is right about what is right and what is wrong.

RANDOM_CASES=5000 in the environment makes the run longer; `benchmarks/faults.py --random` prints tables.
"""

from __future__ import annotations

import os
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest
from fault_judge import read_packets
from random_cases import (
    SESSION,
    Case,
    assert_nothing_worse_than_wrong,
    draw,
    merge,
    read_output,
    report_problems,
    run_case,
    stored_of,
    undamaged_output,
    undamaged_places,
    would_purge,
)
from random_faults import FAULTS
from random_folder import Folder, Piece
from random_judge import SILENCE, Verdict, judge_output
from random_naming import EXPECTED
from random_pool import FAMILIES, pool
from random_truth import truth_of

if TYPE_CHECKING:
    from pathlib import Path

    from random_recordings import Packet, Recording

SEED = 16
BLOCK = 20
_MOST_WRONG = 2  # of a block of 20 behind the first two, in which none is; docs/faults.md says how many are in all
CASES = int(os.environ.get("RANDOM_CASES", "40"))


def verdict_of(folder: Folder, output: list[Packet]) -> Verdict:
    places = [undamaged_places(recording) for recording in folder.recordings]
    return judge_output(folder, truth_of(folder), output, places)


@pytest.fixture
def output(recording: Recording) -> list[Packet]:
    """What a merge makes of the recording when nothing happened to it."""
    return [*undamaged_output(recording)]


@pytest.fixture(params=FAMILIES)
def recording(request: pytest.FixtureRequest) -> Recording:
    """One recording of each family."""
    return pool()[request.param][0]


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_undamaged_is_judged_as_right(family: str, tmp_path: Path) -> None:
    for recording in pool()[family]:
        store = tmp_path / recording.name
        outcome = run_case(Case(1, 0, Folder.of(recording, {}), [], bare=True), store)
        assert outcome.is_right, recording.name
        assert outcome.verdict.whole == len(recording.packets)
        assert not outcome.verdict.gone
        assert not [finding for finding in outcome.findings if finding["severity"] == "error"], recording.name
        assert would_purge(store), recording.name
        pyav = read_packets(store / SESSION / "merged" / "audio.webm")
        assert len(pyav) == len(read_output(store))


class TestTheJudgeCanFail:
    def test_a_packet_less(self, recording: Recording, output: list[Packet]) -> None:
        folder = Folder.of(recording, {})
        del output[len(output) // 2]
        assert verdict_of(folder, output).lost == 1

    def test_a_packet_twice(self, recording: Recording, output: list[Packet]) -> None:
        folder = Folder.of(recording, {})
        output.insert(9, output[8])
        assert verdict_of(folder, output).doubled == 1

    def test_a_packet_that_nobody_recorded(self, recording: Recording, output: list[Packet]) -> None:
        folder = Folder.of(recording, {})
        output[8] = replace(output[8], payload=output[8].payload[:-1] + b"?")
        verdict = verdict_of(folder, output)
        assert (verdict.lost, verdict.strange) == (1, 1)

    @pytest.mark.parametrize("by_ms", [-30, 30])
    def test_packets_at_another_time(self, recording: Recording, output: list[Packet], by_ms: int) -> None:
        folder = Folder.of(recording, {})
        at = len(output) - 20
        moved = [replace(packet, time_ms=packet.time_ms + by_ms) for packet in output[at:]]
        verdict = verdict_of(folder, output[:at] + moved)
        assert verdict.misplaced == sum(packet.payload not in SILENCE for packet in moved)
        assert (verdict.lost, verdict.doubled, verdict.strange) == (0, 0, 0)

    def test_all_of_it_at_another_time(self, recording: Recording, output: list[Packet]) -> None:
        folder = Folder.of(recording, {})
        output = [replace(packet, time_ms=packet.time_ms + 30) for packet in output]
        assert verdict_of(folder, output).misplaced

    def test_two_packets_in_the_wrong_order(self, recording: Recording, output: list[Packet]) -> None:
        folder = Folder.of(recording, {})
        times = [packet.time_ms for packet in output[8:10]]
        swapped = (output[9], output[8])
        output[8:10] = [replace(packet, time_ms=ms) for packet, ms in zip(swapped, times, strict=True)]
        assert verdict_of(folder, output).misplaced

    def test_a_report_that_leaves_a_chunk_out_or_says_complete(self, recording: Recording, tmp_path: Path) -> None:
        folder = Folder.of(recording, {})
        folder.write(tmp_path / SESSION, bare=False)
        report = merge(tmp_path)
        stored = stored_of(folder)
        assert not report_problems(stored, report, Verdict(), is_lossy=False)
        assert report_problems(stored, report | {"status": "complete"}, Verdict(lost=1, gone=1), is_lossy=False)
        assert report_problems(stored, report | {"chunks": report["chunks"][1:]}, Verdict(), is_lossy=False)


def test_the_truth_counts_what_is_cut(recording: Recording) -> None:
    """Bytes of a packet in turn: the packet is whole only where the byte is not needed."""
    index = len(recording.packets) // 2
    packet = recording.packets[index]
    starts = recording.starts()
    for place in range(packet.outer[0], packet.outer[1], 3):
        folder = Folder.of(recording, {})
        number = next(n for n, start in enumerate(starts[1:]) if place < start)
        at = place - starts[number]
        folder.uploads[number].splice(at, at + 1, [Piece(b"?")])
        needed = any(start <= place < end for start, end in packet.needs)
        assert (index in truth_of(folder).whole[0]) != needed, f"byte {place}"


@pytest.mark.parametrize("start", range(0, CASES, BLOCK))
def test_random_faults_crash_nothing_double_nothing_and_purge_nothing(start: int) -> None:
    """What has to hold in every case, and what does in nearly all: docs/faults.md says how many are wrong, and why."""
    outcomes = [run_case(draw(SEED, index)) for index in range(start, start + BLOCK)]
    wrong = assert_nothing_worse_than_wrong(outcomes)
    assert len(wrong) <= (_MOST_WRONG if start >= 2 * BLOCK else 0), wrong
    unnamed = [unnamed for outcome in outcomes for unnamed in outcome.unnamed]
    assert len(unnamed) <= BLOCK // 10, unnamed


def test_the_same_seed_gives_the_same_case() -> None:
    one, other = draw(7, 3), draw(7, 3)
    assert one.name == other.name
    assert [upload.data for upload in one.folder.stored()] == [upload.data for upload in other.folder.stored()]


def test_every_fault_can_be_done_and_has_codes() -> None:
    recordings = [recording for family in pool().values() for recording in family]
    done = set()
    for kind, fault in FAULTS.items():
        for seed in range(200):
            folder = Folder.of(recordings[seed % len(recordings)], pool())
            found = fault(folder, Random(seed))
            done |= {found.kind} if found else set()
        assert any(kind == name or name.startswith(kind) for name in done), kind
    assert done == EXPECTED.keys()
