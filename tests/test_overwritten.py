"""What a page that was loaded again left of the run before it: joined as that run's end, before the new one."""

from __future__ import annotations

import itertools
import json
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from random_pool import pool
from recordings import walk

from sessiontool import MergeOptions, inspect, merge, verify
from sessiontool.simulate.simulate import SessionPlan, damage, record_session, write_session

if TYPE_CHECKING:
    from pathlib import Path

    from sessiontool import MergeResult
    from sessiontool.simulate.recorders import RecorderName

FIRST_MS = 700  # when the first run was started
AGAIN_MS = 40_000  # and the second one, on the session clock


class Run(NamedTuple):
    """A recording as it is stored: its blobs, what session.json says of it, and its packets with their times."""

    blobs: list[bytes]
    entry: dict[str, Any]
    packets: list[tuple[int, bytes]]


@cache
def run_of(recorder: RecorderName, length_ms: int, timeslice_ms: int, seed: int, folder: Path) -> Run:
    plan = SessionPlan(recorder, length_ms=length_ms, timeslice_ms=timeslice_ms, seed=seed)
    path = folder / f"{recorder}-{length_ms}-{timeslice_ms}-{seed}"
    write_session(damage(record_session(plan)), path)
    blobs = [one.read_bytes() for one in sorted((path / "chunks" / "000").iterdir())]
    (entry,) = json.loads((path / "session.json").read_text())["parts"]
    return Run(blobs, entry, [(block.time_ms, block.payload) for block in walk(b"".join(blobs))])


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


def reloaded(folder: Path, earlier: Run, later: Run, *, noted: bool, without: int | None = None) -> Path:
    """A session in which the later run's chunks lie over the first ones of the earlier one."""
    chunks = folder / "s" / "chunks" / "000"
    chunks.mkdir(parents=True)
    for number, blob in enumerate([*later.blobs, *earlier.blobs[len(later.blobs) :]]):
        if number != without:
            (chunks / f"{number:06d}.webm").write_bytes(blob)
    if noted:
        by_ms = AGAIN_MS - later.entry["start_ms"]
        times = {name: later.entry[name] + by_ms for name in ("start_ms", "stop_ms")}
        noted_chunks = [one | {"emitted_ms": one["emitted_ms"] + by_ms} for one in later.entry["chunks"]]
        parts = [later.entry | times | {"chunks": noted_chunks}]
        (folder / "s" / "session.json").write_text(json.dumps({"session_id": "s", "parts": parts}))
    return folder


def merged(folder: Path) -> tuple[MergeResult, dict[bytes, int]]:
    """The result, and when each packet of it is played."""
    result = merge("s", store=folder, options=MergeOptions(align=False))
    data = (folder / "s" / "merged" / "audio.webm").read_bytes()
    return result, {block.payload: block.time_ms for block in walk(data)}


def left_of(earlier: Run, later: Run) -> list[tuple[int, bytes]]:
    """The packets of the earlier run that are there whole."""
    gone = sum(map(len, earlier.blobs[: len(later.blobs)]))
    kept = b"".join(earlier.blobs)[gone:]
    return [(time_ms, payload) for time_ms, payload in earlier.packets if payload in kept]


@pytest.mark.parametrize(
    ("recorder", "slices_ms", "without", "noted"),
    [
        *itertools.product(["chrome"], [(5000, 5000), (1000, 5000)], [None], [True, False]),  # the second one runs back
        *itertools.product(["chrome"], [(1000, 5000)], [12], [True, False]),
        *itertools.product(["firefox"], [(1000, 5000)], [None], [True, False]),
        ("firefox", (5000, 5000), None, True),  # without notes nothing tells it from a lost end of the chunk before
    ],
)
def test_the_rest_of_an_earlier_run_is_joined_before_the_later_one(
    tmp_path: Path, scratch: Path, recorder: RecorderName, slices_ms: tuple[int, int], without: int | None, noted: bool
) -> None:
    earlier = run_of(recorder, 31_000, slices_ms[0], 1, scratch)
    later = run_of(recorder, 13_000, slices_ms[1], 2, scratch)
    result, places = merged(reloaded(tmp_path, earlier, later, noted=noted, without=without))
    rest = left_of(earlier, later)
    lost = earlier.blobs[without] if without is not None else b""
    rest = [(time_ms, payload) for time_ms, payload in rest if payload not in lost]
    found = [(places[payload] - time_ms) for time_ms, payload in rest if payload in places]
    assert len(found) >= len(rest) - (2 if lost else 1)  # at a lost chunk's edges packets are torn
    assert max(found) - min(found) <= 25
    assert abs(found[0]) <= 25
    new = [places[payload] - time_ms for time_ms, payload in later.packets]
    assert max(new) - min(new) <= 25
    assert min(places[payload] for _, payload in later.packets) > max(places[payload] for _, payload in rest)
    if noted:
        assert new[0] == pytest.approx(AGAIN_MS, abs=25)
    assert result.status == "partial"  # what was overwritten is lost
    codes = [one.code for one in result.findings]
    assert codes.count("recorder-restarted") == 1
    assert "chunk-foreign" not in codes
    assert "recorder-restarted" in [one.code for one in inspect("s", store=tmp_path).findings]
    assert not [one for one in verify("s", store=tmp_path).findings if one.severity == "error"]


def test_a_run_of_few_chunks_may_have_a_damaged_one(tmp_path: Path, scratch: Path) -> None:
    """The rest of the earlier run is longer: its clock decided, and the new one's chunks stood behind it."""
    earlier, later = run_of("chrome", 31_000, 1000, 1, scratch), run_of("chrome", 22_000, 5000, 2, scratch)
    cut = Run([*later.blobs[:2], later.blobs[2][-9000:], *later.blobs[3:]], later.entry, later.packets)
    result, places = merged(reloaded(tmp_path, earlier, cut, noted=True))
    assert [one.code for one in result.findings].count("recorder-restarted") == 1
    kept = [(time_ms, payload) for time_ms, payload in later.packets if payload in b"".join(cut.blobs)]
    new = [places[payload] - time_ms for time_ms, payload in kept if payload in places]
    assert len(new) >= len(kept) - 1
    assert max(new) - min(new) <= 25
    assert new[0] == pytest.approx(AGAIN_MS, abs=25)


def test_numbers_that_hold_nothing_are_no_time(tmp_path: Path, scratch: Path) -> None:
    """An empty chunk and a copy have numbers of their own: those behind are later than their clock."""
    earlier, later = run_of("chrome", 31_000, 1000, 1, scratch), run_of("chrome", 23_000, 2000, 2, scratch)
    blobs = [*earlier.blobs[:14], b"", *earlier.blobs[14:20], earlier.blobs[19], *earlier.blobs[20:]]
    result, places = merged(reloaded(tmp_path, Run(blobs, earlier.entry, earlier.packets), later, noted=False))
    found = [places[payload] - time_ms for time_ms, payload in left_of(earlier, later) if payload in places]
    assert max(found) - min(found) <= 25
    assert [one.code for one in result.findings].count("recorder-restarted") == 1


@pytest.mark.parametrize("noted", [True, False])
@pytest.mark.parametrize(("recorder", "slices_ms"), [("chrome", (1000, 5000)), ("firefox", (1000, 5000))])
def test_a_single_chunk_that_was_left_is_joined_before_the_later_run(
    tmp_path: Path, scratch: Path, recorder: RecorderName, slices_ms: tuple[int, int], noted: bool
) -> None:
    """It was set aside as one of another recording, and its sound was lost."""
    earlier, later = (
        run_of(recorder, 31_000, slices_ms[0], 1, scratch),
        run_of(recorder, 13_000, slices_ms[1], 2, scratch),
    )
    short = Run(earlier.blobs[: len(later.blobs) + 1], earlier.entry, earlier.packets)
    result, places = merged(reloaded(tmp_path, short, later, noted=noted))
    rest = [(time_ms, payload) for time_ms, payload in earlier.packets if payload in short.blobs[-1]]
    assert all(abs(places[payload] - time_ms) <= 25 for time_ms, payload in rest)
    assert rest
    new = [places[payload] - time_ms for time_ms, payload in later.packets]
    assert max(new) - min(new) <= 25
    assert not noted or new[0] == pytest.approx(AGAIN_MS, abs=25)
    assert [one.seq for one in result.findings if one.code == "recorder-restarted"] == [len(later.blobs)]
    assert (result.status, "chunk-foreign" in [one.code for one in result.findings]) == ("partial", False)


def test_a_single_chunk_without_a_clock_is_joined_where_there_was_time_for_it(tmp_path: Path) -> None:
    """Chrome's last chunk may begin no cluster: nothing in it says when it was recorded."""
    known = {one.name: one for one in pool()["chrome"]}
    earlier, later = (
        Run([*one.blobs], one.part, [(round(packet.time_ms), packet.payload) for packet in one.packets])
        for one in (known["chrome-load/0"], known["sim-chrome-20ms"])
    )
    result, places = merged(reloaded(tmp_path, earlier, later, noted=True))
    rest = [payload for _, payload in earlier.packets if payload in earlier.blobs[-1]]
    assert len(rest) > 60
    assert {*rest} <= places.keys()
    assert places[later.packets[0][1]] - places[rest[-1]] > 60
    assert [one.seq for one in result.findings if one.code == "recorder-restarted"] == [len(later.blobs)]
    assert result.status == "partial"


@pytest.mark.parametrize(("start_ms", "left"), [(None, 5), (2000, 3)])
def test_a_single_chunk_whose_clock_says_otherwise_is_set_aside(
    tmp_path: Path, scratch: Path, start_ms: int | None, left: int
) -> None:
    """It may be of any recording: its number is not its own, or there was no time for an earlier run."""
    other, own = run_of("chrome", 31_000, 1000, 1, scratch), run_of("chrome", 13_000, 5000, 2, scratch)
    behind = Run([*own.blobs, other.blobs[left]], {}, [])
    result, _ = merged(reloaded(tmp_path, behind, own, noted=start_ms is not None))
    if start_ms is not None:
        document = json.loads((tmp_path / "s" / "session.json").read_text())
        by_ms = document["parts"][0]["start_ms"] - start_ms
        for one in (document["parts"][0], *document["parts"][0]["chunks"]):
            one |= {name: one[name] - by_ms for name in ("start_ms", "stop_ms", "emitted_ms") if name in one}
        (tmp_path / "s" / "session.json").write_text(json.dumps(document))
        result, _ = merged(tmp_path)
    assert [one.seq for one in result.findings if one.code == "chunk-foreign"] == [len(own.blobs)]


@pytest.mark.parametrize("recorder", ["chrome", "firefox"])
def test_what_is_behind_a_lost_chunk_is_no_earlier_run(tmp_path: Path, scratch: Path, recorder: RecorderName) -> None:
    """Its numbers were closed up: its clock is later than they say."""
    whole = run_of(recorder, 31_000, 5000, 1, scratch)
    closed_up = Run(whole.blobs[:2] + whole.blobs[3:], whole.entry, whole.packets)
    result, _ = merged(reloaded(tmp_path, closed_up, Run([], {}, []), noted=False))
    assert "recorder-restarted" not in [one.code for one in result.findings]


def test_a_later_chunk_of_another_recording_begins_no_earlier_run(tmp_path: Path, scratch: Path) -> None:
    """What is behind it goes on with what is before it, whatever its own clock says."""
    own, other = run_of("chrome", 31_000, 1000, 1, scratch), run_of("chrome", 31_000, 5000, 2, scratch)
    blobs = [*own.blobs[:9], other.blobs[5], *own.blobs[10:]]
    result, places = merged(reloaded(tmp_path, Run(blobs, own.entry, own.packets), Run([], {}, []), noted=False))
    left = [(time_ms, payload) for time_ms, payload in own.packets if payload in b"".join(blobs)]
    found = [places[payload] - time_ms for time_ms, payload in left if payload in places]
    assert len(found) >= len(left) - 1
    assert max(found) - min(found) <= 25
    codes = {one.code for one in result.findings}
    assert "recorder-restarted" not in codes
    assert "chunk-foreign" in codes
