"""The fault matrix: every fault alone and in pairs, on a recording of Chrome and one of Firefox, merged and judged.

For each: the packets kept are those that exist whole in the input; none is misplaced by more than 20 ms; the silence is as long as what
was lost; and a finding names the chunk (`fault_judge` says what exactly is right).  The output is read by PyAV's demuxer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any

import pytest
from fault_judge import Verdict, complaints_at_the_end, judge, read_packets

from sessiontool.pipeline import MergeOptions, MergeResult, merge_session
from sessiontool.simulate import FAULTS, SessionPlan, damage, record_session, write_session
from sessiontool.storage import open_output, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sessiontool.simulate.session import Recording

RECORDERS = ("chrome", "firefox")
FIRST, SECOND = 2, 4
"""The chunks that a pair of faults happens to: apart, so that each has to be seen for itself."""


@dataclass(frozen=True, slots=True)
class Case:
    """A fault in the matrix: how it is asked for at a chunk, and the codes of findings that tell a reader what happened there.

    `without_notes`: the bytes alone show it, without session.json.
    """

    fault: str
    codes: tuple[str, ...]
    without_notes: bool = True

    def at(self, chunk: int) -> str:
        return self.fault.format(chunk=chunk)


CASES = {
    "missing": Case("missing:{chunk}", ("chunk-missing",)),
    # The number tells that it is missing; that the header went with it is a finding of its own.
    "missing-first": Case("missing-first", ("chunk-missing",)),
    # Without session.json nobody can know that there was another chunk.
    "missing-last": Case("missing-last", ("chunk-missing",), without_notes=False),
    # Numbers without a gap: the chunk behind the hole is named, by what is not before it.
    "renumbered": Case("renumbered:{chunk}", ("chunk-missing", "sound-lost")),
    "duplicate": Case("duplicate:{chunk}", ("chunk-duplicate",)),
    "duplicate-later": Case("duplicate-later:{chunk}", ("chunk-duplicate",)),
    "same-number": Case("same-number:{chunk}", ("chunk-duplicate",)),
    "swapped": Case("swapped:{chunk}", ("chunk-out-of-order",)),
    "truncated": Case("truncated:{chunk}:0.6", ("chunk-truncated", "bytes-skipped")),
    "zeroed": Case("zeroed:{chunk}:700:3000", ("bytes-skipped", "chunk-altered")),
    "garbage": Case("garbage:{chunk}:700:3000", ("bytes-skipped", "chunk-altered")),
    "foreign": Case("foreign:{chunk}", ("chunk-foreign",)),
    # What lies in its place is another recorder's; that the chunk's own sound is missing is the same fact.
    "overwritten": Case(
        "overwritten:{chunk}", ("chunk-foreign", "chunk-altered", "chunk-size", "chunk-truncated", "chunk-missing")
    ),
    "second-header": Case("second-header:{chunk}", ("recorder-restarted",)),
    # The last chunk never was: only the one that was cut can be named, and without session.json the rest of it is unknown.
    "killed": Case("killed::0.6", ("chunk-truncated", "bytes-skipped"), without_notes=False),
    "manifest-sha256": Case("manifest-wrong:{chunk}:sha256", ("chunk-altered",), without_notes=False),
    "manifest-bytes": Case("manifest-wrong:{chunk}:bytes", ("chunk-size", "chunk-truncated"), without_notes=False),
}
# The second of these would happen to a chunk that the first took away, or to the recorder that was begun anew.
NO_PAIRS = {
    *((name, name) for name in ("missing-first", "missing-last", "killed", "second-header")),
    ("missing-last", "killed"),
}
PAIRS = [pair for pair in combinations_with_replacement(CASES, 2) if pair not in NO_PAIRS]


def test_the_matrix_has_every_fault() -> None:
    assert {case.at(2).partition(":")[0] for case in CASES.values()} == set(FAULTS)


@cache
def recording(recorder: str) -> Recording:
    """Eight chunks of three seconds, small: what matters is where packets lie, not how they sound."""
    plan = SessionPlan(
        recorder=recorder,  # type: ignore[arg-type]
        length_ms=24_000,
        timeslice_ms=3000,
        bit_rate=24_000,
    )
    return record_session(plan)


@dataclass(frozen=True, slots=True)
class Merged:
    """A damaged session, merged: the truth about it, what was found, and how the output was judged."""

    truth: dict[str, Any]
    result: MergeResult
    verdict: Verdict

    def problems(self) -> list[str]:
        """What is wrong with the output, and the faults that no finding names with the right chunk."""
        return [
            *self.verdict.complaints,
            *complaints_at_the_end(self.verdict),
            *(
                f"{fault['fault']} at chunk {fault['seqs']}: no finding of {_codes(fault['fault'])} names it"
                for fault in self.truth["faults"]
                if not self._named(fault)
            ),
        ]

    def _named(self, fault: dict[str, Any]) -> bool:
        codes, seqs = _codes(fault["fault"]), self._chunks_of(fault)
        named = [finding for finding in self.result.findings if finding["code"] in codes and "seq" in finding]
        return any(int(finding["part"]) == int(fault["part"]) and finding["seq"] in seqs for finding in named)

    def _chunks_of(self, fault: dict[str, Any]) -> set[int]:
        """The numbers that name the fault: of two copies either, of a row of missing chunks the first, of a hole either side."""
        seqs = set(fault["seqs"])
        kind = fault["fault"].partition(":")[0]
        chunks = next(part["chunks"] for part in self.truth["parts"] if part["part"] == fault["part"])
        if "duplicate" in kind:
            blobs = {chunk["blob"] for chunk in chunks if chunk["seq"] in seqs and fault["fault"] in chunk["faults"]}
            return seqs | {chunk["seq"] for chunk in chunks if chunk["blob"] in blobs}
        if kind == "renumbered":
            return seqs | {seq - 1 for seq in seqs}
        if kind.startswith("missing"):
            stored = {chunk["seq"] for chunk in chunks}
            while (before := min(seqs) - 1) >= 0 and before not in stored:
                seqs.add(before)
        return seqs


def _codes(fault: str) -> tuple[str, ...]:
    kind, *words = fault.split(":")
    return CASES[f"manifest-{words[-1]}" if kind == "manifest-wrong" else kind].codes


def merge(recorder: str, faults: Sequence[str], folder: Path, *, bare: bool = False) -> Merged:
    write_session(damage(recording(recorder), faults), folder / "session", bare=bare)
    with open_store(str(folder)) as store:
        result = merge_session(store, "session", open_output(str(folder / "out"), "session"), MergeOptions(align=False))
    truth = json.loads((folder / "session" / "truth.json").read_text())
    return Merged(truth, result, judge(truth, read_packets(folder / "out" / "session" / "audio.webm")))


@pytest.fixture(params=RECORDERS)
def recorder(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("bare", [False, True], ids=["notes", "bare"])
def test_nothing_is_found_where_nothing_happened(recorder: str, bare: bool, tmp_path: Path) -> None:
    merged = merge(recorder, [], tmp_path, bare=bare)
    assert merged.problems() == []
    assert [finding for finding in merged.result.findings if finding["severity"] != "info"] == []
    assert merged.verdict.silent == 0


@pytest.mark.parametrize("name", CASES)
def test_a_fault_alone(recorder: str, name: str, tmp_path: Path) -> None:
    merged = merge(recorder, [CASES[name].at(FIRST)], tmp_path)
    assert "\n".join(merged.problems()) == ""


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.without_notes])
def test_a_fault_alone_that_only_the_bytes_can_show(recorder: str, name: str, tmp_path: Path) -> None:
    merged = merge(recorder, [CASES[name].at(FIRST)], tmp_path, bare=True)
    assert "\n".join(merged.problems()) == ""


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=map("+".join, PAIRS))
def test_two_faults(recorder: str, one: str, other: str, tmp_path: Path) -> None:
    merged = merge(recorder, [CASES[one].at(FIRST), CASES[other].at(SECOND)], tmp_path)
    assert "\n".join(merged.problems()) == ""
