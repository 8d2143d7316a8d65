"""A page that was loaded again counts from zero: in what the recorder noted, and in the log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessiontool import MergeResult, merge
from sessiontool.documents.clock_restarts import RecordedPart, restarts
from sessiontool.documents.session import read_session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PARTS = [RecordedPart(700, 28_000), RecordedPart(28_600, 54_700), RecordedPart(56_500, 82_000)]
LOG = [1700, 6100, 10_000, 27_000, 32_000, 38_000, 46_000, 57_000, 70_000, 78_000]


def begun_anew(times_ms: Sequence[float], parts: list[RecordedPart]) -> tuple[list[float], list[float]]:
    """The times of a log as each page counts them, and what is to be added to each."""
    late_ms = [max(part.start_ms - parts[0].start_ms for part in parts if part.start_ms <= at) for at in times_ms]
    return [at - late for at, late in zip(times_ms, late_ms, strict=True)], late_ms


def test_times_that_begin_anew_are_counted_on() -> None:
    times_ms, late_ms = begun_anew(LOG, PARTS)
    assert restarts(times_ms, PARTS) == late_ms


@given(st.lists(st.floats(0, 85_000), max_size=12), st.integers(0, 3))
def test_other_times_stay_as_they_are(times_ms: list[float], count: int) -> None:
    """Those that reach the last part, and those of which no stretch is another part's."""
    assert restarts([*times_ms, 60_000], PARTS) == []
    assert restarts(sorted(times_ms), PARTS[:count]) == []


@pytest.mark.parametrize(
    "times_ms",
    [
        [],
        [1000, 20_000, 1000, 20_000],  # one part more
        [1000, 20_000, 1000, 20_000, 1000, 20_000, 1000],
        [1000, 50_000, 1000, 20_000, 1000, 20_000],  # longer than its part
        [1000, 20_000, 16_000, 20_000, 16_000, 20_000],  # noted late
    ],
)
def test_times_that_fall_for_another_reason_are_not_counted_on(times_ms: list[float]) -> None:
    assert restarts(times_ms, PARTS) == []


# -- in sessions


def page_clock(session: Path, *, notes: bool) -> None:
    """Let the log count from the page's own beginning in each part, and the notes too."""
    document = json.loads((session / "session.json").read_text())
    parts = [RecordedPart(one["start_ms"], one["stop_ms"]) for one in document["parts"]]
    lines = [json.loads(line) for line in (session / "utterances.jsonl").read_text().splitlines()]
    for line in lines:
        (_, late_ms) = begun_anew([line["t_start"] * 1000], parts)
        line["t_start"] -= late_ms[0] / 1000
        line["t_end"] -= late_ms[0] / 1000
    (session / "utterances.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for entry in document["parts"] if notes else ():
        late = entry["start_ms"] - parts[0].start_ms
        entry["start_ms"] -= late
        entry["stop_ms"] -= late
        for chunk in entry["chunks"]:
            chunk["emitted_ms"] -= late
    (session / "session.json").write_text(json.dumps(document))


def merged(session: Path) -> tuple[MergeResult, list[dict[str, Any]], list[int]]:
    result = merge("demo", store=session.parent)
    starts: dict[str, int] = {}
    for span in result.report["timeline"]:
        if span["kind"] == "recorded":
            starts.setdefault(span["part"], span["output_samples"][0])
    transcript = json.loads((session / "merged" / "transcript.json").read_text())
    return result, transcript["utterances"], list(starts.values())


@pytest.mark.parametrize("notes", [False, True])
def test_captions_are_where_they_are_by_one_clock(session: Path, *, notes: bool) -> None:
    _, before, parts_before = merged(session)
    page_clock(session, notes=notes)
    result, after, parts_after = merged(session)
    said = {(one.code, one.severity) for one in result.findings}
    assert ("utterances-clock", "info") in said
    assert (("session-clock", "warning") in said) == notes
    assert "parts-overlap" not in {code for code, _ in said}
    assert [one["text"] for one in after] == [one["text"] for one in before]
    for one, was in zip(after, before, strict=True):
        part = sum(was["start_s"] * 48_000 >= start for start in parts_before) - 1
        moved_s = (parts_after[part] - parts_before[part]) / 48_000
        assert one["status"] == was["status"]
        assert one["start_s"] == pytest.approx(was["start_s"] + moved_s, abs=0.03)


def test_parts_of_two_recorders_at_once_stay_where_they_are() -> None:
    parts = [
        {"part": 0, "role": "user", "start_ms": 700, "stop_ms": 60_000},
        {"part": 1, "role": "assistant", "start_ms": 720, "stop_ms": 60_100},
    ]
    session, findings = read_session(json.dumps({"parts": parts}).encode(), "session.json")
    assert ([part.start_ms for part in session.parts], findings) == ([700, 720], [])


@pytest.mark.parametrize(
    ("second", "starts_ms"),
    [
        ({"start_ms": 1004, "stop_ms": 60_002}, [700, 1004]),  # stopped at once
        ({"start_ms": 1004, "stop_ms": 41_300}, [700, 61_004]),  # the page was loaded again
        ({"start_ms": 720, "stop_ms": 60_022}, [700, 60_720]),  # and recorded for as long as before
        ({"start_ms": 700, "stop_ms": 60_000}, [700, 60_700]),
    ],
)
def test_recorders_of_one_sound_are_those_that_stopped_at_once(
    second: dict[str, float], starts_ms: list[float]
) -> None:
    parts = [{"part": 0, "start_ms": 700, "stop_ms": 60_000}, {"part": 1, **second}]
    session, _ = read_session(json.dumps({"parts": parts}).encode(), "session.json")
    assert [part.start_ms for part in session.parts] == starts_ms
