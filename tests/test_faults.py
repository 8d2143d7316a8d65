"""The fault matrix: every fault alone and in pairs, on a recording of Chrome and one of Firefox, merged and judged.

For each: the packets kept are those that exist whole in the input; none is misplaced by more than 20 ms; the
silence is as long as what was lost; and a finding names the chunk (`fault_judge` says what exactly is right).  The
output is read by PyAV's demuxer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any

import pytest
from fault_judge import Verdict, complaints_at_the_end, judge, read_packets

from sessiontool.options import MergeOptions
from sessiontool.sessions.merge import MergeResult, merge_session
from sessiontool.simulate.simulate import FAULTS, SessionPlan, SimulatedStretch, damage, record_session, write_session
from sessiontool.storage import open_output, open_store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sessiontool.simulate.recorders import RecorderName
    from sessiontool.simulate.session import SimulatedRecording

RECORDERS: tuple[RecorderName, ...] = ("chrome", "firefox")
FIRST, SECOND = 2, 4
"""The chunks that a pair of faults happens to: apart, so that each has to be seen for itself."""


@dataclass(frozen=True, slots=True)
class Case:
    """A fault in the matrix: how it is asked for at a chunk, and the codes of findings that tell a reader what
    happened there.

    `bare_codes` are those that tell it without session.json, None where they are the same ones, empty where nobody
    could know.
    """

    fault: str
    codes: tuple[str, ...]
    bare_codes: tuple[str, ...] | None = None

    def at(self, chunk: int, inside: int = 0) -> str:
        return self.fault.format(chunk=chunk, inside=inside)


CASES = {
    "missing": Case("missing:{chunk}", ("chunk-missing",)),
    # Without session.json its number does not tell, as parts may be numbered from 1: that the header is missing does.
    "missing-first": Case("missing-first", ("chunk-missing",), bare_codes=("header-missing",)),
    # Without session.json nobody can know that there was another chunk.
    "missing-last": Case("missing-last", ("chunk-missing",), bare_codes=()),
    # Numbers without a gap: the chunk behind the hole is named, by what is not before it.
    "renumbered": Case("renumbered:{chunk}", ("chunk-missing", "sound-lost")),
    "duplicate": Case("duplicate:{chunk}", ("chunk-duplicate",)),
    "duplicate-later": Case("duplicate-later:{chunk}", ("chunk-duplicate",)),
    "same-number": Case("same-number:{chunk}", ("chunk-duplicate",)),
    "swapped": Case("swapped:{chunk}", ("chunk-out-of-order",)),
    "truncated": Case("truncated:{chunk}:0.6", ("chunk-truncated", "bytes-skipped")),
    # Inside a packet: of damage that begins between two, nobody can say that the first is not hurt.
    "zeroed": Case("zeroed:{chunk}:700:{inside}", ("bytes-skipped", "chunk-altered", "chunk-unreadable")),
    "garbage": Case("garbage:{chunk}:700:{inside}", ("bytes-skipped", "chunk-altered", "chunk-unreadable")),
    # Where it begins with a header: the chunk before or behind it begins another recording, as far as anybody can tell.
    "foreign": Case("foreign:{chunk}", ("chunk-foreign", "recorder-restarted")),
    # What lies in its place is another recorder's; that the chunk's own sound is missing is the same fact.
    "overwritten": Case(
        "overwritten:{chunk}", ("chunk-foreign", "chunk-altered", "chunk-size", "chunk-truncated", "chunk-missing")
    ),
    "second-header": Case("second-header:{chunk}", ("recorder-restarted",)),
    # The last chunk never was: only the one that was cut can be named.  Without session.json its rest is unknown.
    "killed": Case("killed::0.6", ("chunk-truncated", "bytes-skipped"), bare_codes=()),
    "manifest-sha256": Case("manifest-wrong:{chunk}:sha256", ("chunk-altered",), bare_codes=()),
    "manifest-bytes": Case("manifest-wrong:{chunk}:bytes", ("chunk-size", "chunk-truncated"), bare_codes=()),
}
# The second of these would happen to a chunk that the first took away, or to the recorder that was begun anew.
NO_PAIRS = {
    *((name, name) for name in ("missing-first", "missing-last", "killed", "second-header")),
    ("missing-last", "killed"),
    ("duplicate-later", "killed"),  # its number says that there was a whole chunk where the killed browser made none
}
PAIRS = [pair for pair in combinations_with_replacement(CASES, 2) if pair not in NO_PAIRS]


def test_the_matrix_has_every_fault() -> None:
    assert {case.at(2).partition(":")[0] for case in CASES.values()} == set(FAULTS)


@cache
def recording(recorder: RecorderName, **settings: Any) -> SimulatedRecording:
    """Eight chunks of three seconds, small: what matters is where packets lie, not how they sound."""
    return record_session(SessionPlan(recorder, **{**SMALL, **settings}))


SMALL = {"length_ms": 24_000, "timeslice_ms": 3000, "bit_rate": 24_000}


def faults_at(recorder: RecorderName, *places: tuple[str, int]) -> list[str]:
    """The faults of the matrix by name and chunk; damage to bytes begins in the middle of a packet."""
    recorded, begun_at = recording(recorder), 0
    run = recorded.runs[0]
    faults = []
    for name, chunk in places:
        if name == "second-header":
            run, begun_at = recorded.again(0, chunk), chunk
        blob = run.blobs[chunk - begun_at]
        packet = next(packet for packet in run.packets if packet.offset >= blob.offset + 3000)
        faults.append(CASES[name].at(chunk, (packet.offset + packet.end) // 2 - blob.offset))
    return faults


@dataclass(frozen=True, slots=True)
class Merged:
    """A damaged session, merged: the truth about it, what was found, and how the output was judged."""

    truth: dict[str, Any]
    result: MergeResult
    verdict: Verdict
    bare: bool

    def problems(self) -> list[str]:
        """What is wrong with the output, and with what was said of the faults."""
        return [
            *self.verdict.complaints,
            *complaints_at_the_end(self.verdict),
            *self.unnamed(),
            *self._false_accusations(),
        ]

    def unnamed(self) -> list[str]:
        """The faults that no finding names with the right chunk."""
        return [
            f"{fault['fault']} at chunk {fault['seqs']}: no finding of {self._codes(fault)} names it"
            for fault in self.truth["faults"]
            if not self._named(fault)
        ]

    def _false_accusations(self) -> list[str]:
        """Findings that name a chunk to which nothing happened.

        Lost sound may be named by the chunk before or behind it: what was lost has no number that is known.
        """
        touched = {(int(fault["part"]), seq) for fault in self.truth["faults"] for seq in self._chunks_of(fault)}
        beside = {(part, seq + step) for part, seq in touched for step in (-1, 0, 1)}
        return [
            f"{finding.code} names chunk {finding.seq}, to which nothing happened: {finding.message}"
            for finding in self.result.findings
            if finding.seq is not None
            and (int(finding.part or 0), finding.seq) not in (beside if finding.code == "sound-lost" else touched)
        ]

    def _named(self, fault: dict[str, Any]) -> bool:
        codes, seqs = self._codes(fault), self._chunks_of(fault)
        return any(
            finding.code in codes
            and int(finding.part or 0) == int(fault["part"])
            and (finding.seq in seqs or finding.code == "header-missing")
            for finding in self.result.findings
        )

    def _codes(self, fault: dict[str, Any]) -> tuple[str, ...]:
        kind, *words = fault["fault"].split(":")
        case = CASES[f"manifest-{words[-1]}" if kind == "manifest-wrong" else kind]
        return case.codes if case.bare_codes is None or not self.bare else case.bare_codes

    def _chunks_of(self, fault: dict[str, Any]) -> set[int]:
        """The numbers that name a fault: either of two copies, the first missing in a row, either side of a hole."""
        seqs = set(fault["seqs"])
        kind = fault["fault"].partition(":")[0]
        chunks = next(part["chunks"] for part in self.truth["parts"] if part["part"] == fault["part"])
        if "duplicate" in kind:
            blobs = {chunk["blob"] for chunk in chunks if chunk["seq"] in seqs and fault["fault"] in chunk["faults"]}
            return seqs | {chunk["seq"] for chunk in chunks if chunk["blob"] in blobs}
        if kind == "renumbered":
            lost = int(fault["fault"].split(":")[1])
            own = sorted((chunk["blob"], chunk["seq"]) for chunk in chunks if chunk["run"] == 0)
            before = [seq for blob, seq in own if blob < lost][-1:]
            behind = [seq for blob, seq in own if blob > lost][:1]
            return {*before, *behind, *range(*before, *behind)} if before and behind else {*before, *behind}
        if kind == "overwritten":  # the hole is before the next one
            return seqs | {seq + 1 for seq in seqs}
        if kind == "foreign" and any(chunk["seq"] in seqs and chunk["blob"] == 0 for chunk in chunks):
            return seqs | {seq + 1 for seq in seqs}
        if kind.startswith("missing"):
            stored = {chunk["seq"] for chunk in chunks}
            while (before := min(seqs) - 1) >= 0 and before not in stored:
                seqs.add(before)
        return seqs


def merge(
    recorder: RecorderName, faults: Sequence[str], folder: Path, *, bare: bool = False, **settings: Any
) -> Merged:
    write_session(damage(recording(recorder, **settings), faults), folder / "session", bare=bare)
    with open_store(str(folder)) as store:
        result = merge_session(store, "session", open_output(str(folder / "out"), "session"), MergeOptions(align=False))
    truth = json.loads((folder / "session" / "truth.json").read_text())
    return Merged(truth, result, judge(truth, read_packets(folder / "out" / "session" / "audio.webm")), bare)


@pytest.fixture(params=RECORDERS)
def recorder(request: pytest.FixtureRequest) -> RecorderName:
    name: RecorderName = request.param
    return name


@pytest.mark.parametrize("bare", [False, True], ids=["notes", "bare"])
def test_nothing_is_found_where_nothing_happened(recorder: RecorderName, bare: bool, tmp_path: Path) -> None:
    merged = merge(recorder, [], tmp_path, bare=bare)
    assert merged.problems() == []
    assert [finding for finding in merged.result.findings if finding.severity != "info"] == []
    assert merged.verdict.silent == 0


@pytest.mark.parametrize("name", CASES)
def test_a_fault_alone(recorder: RecorderName, name: str, tmp_path: Path) -> None:
    merged = merge(recorder, faults_at(recorder, (name, FIRST)), tmp_path)
    assert "\n".join(merged.problems()) == ""


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.bare_codes != ()])
def test_a_fault_alone_that_only_the_bytes_can_show(recorder: RecorderName, name: str, tmp_path: Path) -> None:
    merged = merge(recorder, faults_at(recorder, (name, FIRST)), tmp_path, bare=True)
    assert "\n".join(merged.problems()) == ""


@pytest.mark.parametrize("bare", [False, True], ids=["notes", "bare"])
def test_a_lost_beginning_is_not_the_browsers_doing(recorder: RecorderName, bare: bool, tmp_path: Path) -> None:
    result = merge(recorder, ["missing-first"], tmp_path, bare=bare).result
    assert result.status == "partial"
    codes = {finding.code for finding in result.findings}
    assert ("sound-lost" in codes, "time-lost" in codes) == (True, False)


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=map("+".join, PAIRS))
def test_two_faults(recorder: RecorderName, one: str, other: str, tmp_path: Path) -> None:
    merged = merge(recorder, faults_at(recorder, (one, FIRST), (other, SECOND)), tmp_path)
    assert "\n".join(merged.problems()) == ""


BYTE_FAULTS = ("missing", "renumbered", "truncated", "zeroed", "garbage", "duplicate", "swapped", "foreign")
# Two swaps of neighbours undo one another in part.  A foreign chunk put where one is gone and the numbers closed up is,
# byte for byte and name for name, a chunk that was overwritten: that is judged above.
UNDECIDED = {("swapped", "swapped"), ("renumbered", "foreign")}
NEIGHBOURS = [pair for pair in combinations_with_replacement(BYTE_FAULTS, 2) if pair not in UNDECIDED]


@pytest.mark.parametrize(("one", "other"), NEIGHBOURS, ids=map("+".join, NEIGHBOURS))
def test_two_faults_side_by_side(recorder: RecorderName, one: str, other: str, tmp_path: Path) -> None:
    merged = merge(recorder, faults_at(recorder, (one, FIRST), (other, FIRST + 1)), tmp_path)
    assert "\n".join(merged.problems()) == ""


EDGES = {
    "several in a row": ["missing:2", "missing:3", "missing:4"],
    "the first two": ["missing:0", "missing:1"],
    "the last two": ["missing:6", "missing:7"],
    "every other one": ["missing:1", "missing:3", "missing:5"],
    "all but one": [f"missing:{chunk}" for chunk in (0, 1, 2, 3, 5, 6, 7)],
    "a header of zeros": ["zeroed:0:400:0"],
    "a cut in the header": ["truncated:0:100"],
    "nothing left of a chunk": ["truncated:2:0"],
    "one byte left of a chunk": ["truncated:2:1"],
    "one byte cut off": ["truncated:2:-1"],
    "a few bytes cut off": ["truncated:2:-9"],
    "a cut in the last chunk": ["truncated:7:0.5"],
    "zeros at a boundary": ["zeroed:2:300:0", "zeroed:3:300:0"],
    "zeros at an end": ["zeroed:2:0.05:0.95"],
    "a chunk of zeros": ["zeroed:2:1.0:0"],
    "a chunk of garbage": ["garbage:2:1.0:0"],
    "the header in second place": ["swapped:0:1"],
    "the last one first": ["swapped:0:7"],
    "far apart": ["swapped:2:6"],
    "two swaps": ["swapped:1:2", "swapped:4:6"],
    "the header twice": ["duplicate:0"],
    "the last one twice": ["duplicate:7"],
    "three times": ["duplicate:3", "duplicate:3", "duplicate-later:3"],
    "a foreign header": ["foreign:3:0"],
    "a foreign header first": ["foreign:0:0"],
    "a foreign chunk last": ["foreign:7:2"],
    "a foreign chunk for the same place": ["foreign:3:3"],
    "a foreign chunk for a hole": ["missing:2", "foreign:4:2"],
    "started anew at once": ["second-header:1"],
    "started anew at the end": ["second-header:7"],
}
"""Places where a fault is at its worst, each on both recorders."""


@pytest.mark.parametrize("name", EDGES)
def test_an_edge(recorder: RecorderName, name: str, tmp_path: Path) -> None:
    merged = merge(recorder, EDGES[name], tmp_path)
    assert "\n".join(merged.problems()) == ""


SETTINGS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "mono": ({"channels": 1}, ["missing:2", "truncated:4:0.4"]),
    "a mono header lost": ({"channels": 1}, ["missing-first"]),
    "packets of 20 ms": ({"packet_ms": 20}, ["missing:2", "truncated:4"]),
    "chunks of 1 s": ({"timeslice_ms": 1000}, ["missing:5", "missing:6", "swapped:10"]),
    "chunks of 250 ms": ({"timeslice_ms": 250, "length_ms": 6000}, ["missing:2", "duplicate:4"]),
    "two parts": ({"parts": 2, "length_ms": 26_000}, ["missing:0/2", "missing:1/2", "truncated:1/0"]),
    "numbers of another part": ({"parts": 2, "length_ms": 26_000}, ["missing-last:1/7", "second-header:0/2"]),
    "after a pause": ({"pauses": (SimulatedStretch(7_000, 1_500),)}, ["missing:3"]),
    "in a pause": ({"pauses": (SimulatedStretch(7_000, 1_500),)}, ["missing:2"]),
    "blobs late": ({"busy": (SimulatedStretch(6_500, 2_700),)}, ["missing:2"]),
    "the blob after late ones": ({"busy": (SimulatedStretch(6_500, 2_700),)}, ["missing:3"]),
}
"""Faults in recordings of another shape."""


@pytest.mark.parametrize("name", SETTINGS)
def test_another_recording(recorder: RecorderName, name: str, tmp_path: Path) -> None:
    settings, faults = SETTINGS[name]
    merged = merge(recorder, faults, tmp_path, **settings)
    assert "\n".join(merged.problems()) == ""


def test_damage_between_two_packets_costs_at_most_the_first(recorder: RecorderName, tmp_path: Path) -> None:
    """Nothing tells whether damage that shows where a packet ends began there, or a few bytes before."""
    run = recording(recorder).runs[0]
    packet = next(packet for packet in run.packets if packet.offset >= run.blobs[3].offset + 3000)
    merged = merge(recorder, [f"garbage:3:700:{packet.offset - run.blobs[3].offset}"], tmp_path)
    assert 0 <= merged.verdict.whole - merged.verdict.kept <= 1
    assert (merged.verdict.misplaced, merged.verdict.strange) == (0, 0)
    assert merged.unnamed() == []


def test_one_wrong_byte_is_known_but_not_where(recorder: RecorderName, tmp_path: Path) -> None:
    """Only the hash of the chunk tells; the packet with the wrong byte may stay, as nobody can say which one it is."""
    merged = merge(recorder, ["garbage:3:1:2000"], tmp_path)
    assert merged.verdict.kept == merged.verdict.whole
    assert merged.verdict.misplaced == 0
    assert merged.verdict.hurt + merged.verdict.silent > 0
    assert merged.verdict.strange == 0
    assert [(found.code, found.seq) for found in merged.result.findings if found.seq is not None] == [
        ("chunk-altered", 3)
    ]


def test_sound_that_was_dropped_before_it_was_recorded(tmp_path: Path) -> None:
    """Chrome's timestamps jump where sound was dropped; that is filled as well as what was lost later."""
    merged = merge(
        "chrome", ["missing:4"], tmp_path, starved=(SimulatedStretch(5_000, 400), SimulatedStretch(8_000, 130))
    )
    assert "\n".join(merged.problems()) == ""
    assert "time-lost" in {finding.code for finding in merged.result.findings}


def test_sound_that_was_dropped_without_a_trace(tmp_path: Path) -> None:
    """Firefox counts on: only the times at which the blobs came show it."""
    merged = merge("firefox", [], tmp_path, starved=(SimulatedStretch(5_000, 400), SimulatedStretch(8_000, 130)))
    told = [finding for finding in merged.result.findings if finding.code.startswith("time-lost")]
    assert merged.verdict.kept == merged.verdict.whole
    assert [finding.lost_ms for finding in told] == [pytest.approx(530, abs=60)]
