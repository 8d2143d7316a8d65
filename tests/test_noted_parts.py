"""Parts and what was noted of them: some are not there, some have other names, some have names without an order."""

from __future__ import annotations

import json
from collections import Counter
from shutil import rmtree
from typing import TYPE_CHECKING, Any

import pytest
from stored_session import PARTS, assert_verified, edit_parts, merged, packets

from sessiontool import inspect, verify

if TYPE_CHECKING:
    from pathlib import Path


def noted(session: Path, part: str) -> dict[str, Any]:
    parts = json.loads((session / "session.json").read_text())["parts"]
    (entry,) = [one for one in parts if int(one["part"]) == int(part)]
    return dict(entry)


def sounds(session: Path) -> dict[bytes, int]:
    """When each packet of the joined recording is played, in ms; silent packets are alike and left out."""
    found = packets(session)
    often = Counter(payload for _, payload in found)
    return {payload: time_ms for time_ms, payload in found if often[payload] == 1}


@pytest.mark.parametrize("part", PARTS)
def test_a_noted_part_that_is_not_there_is_lost(session: Path, part: str) -> None:
    merged(session)
    before = sounds(session)
    rmtree(session / "chunks" / part)
    entry, result = noted(session, part), merged(session)
    assert result.status == "partial"
    (missing,) = [one for one in result.findings if one.code == "chunk-missing"]
    assert (missing.severity, int(missing.part or -1), missing.seq) == ("error", int(part), 0)
    (lost,) = [one for one in result.findings if one.code == "sound-lost"]
    assert int(lost.part or -1) == int(part)
    assert lost.lost_ms == pytest.approx(entry["stop_ms"] - entry["start_ms"], abs=20)
    after = sounds(session)
    assert len(after) > len(before) / 2
    assert all(abs(before[sound] - at_ms) <= 20 for sound, at_ms in after.items() if sound in before)
    assert not verify("demo", store=session.parent).findings
    assert "chunk-missing" in {one.code for one in inspect("demo", store=session.parent).findings}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("is_noted", [True, False])
def test_a_lost_beginning_of_any_part_is_as_long_as_it_was(session: Path, part: str, is_noted: bool) -> None:
    """What is behind it stays where it was on the part's clock, and without notes of its start too."""
    if not is_noted:
        (session / "session.json").unlink()
    merged(session)
    before = sounds(session)
    (session / "chunks" / part / "000000.webm").unlink()
    result = merged(session)
    assert result.status == "partial"
    (lost,) = [one for one in result.findings if one.code == "sound-lost"]
    assert lost.part == part
    assert lost.lost_ms == pytest.approx(5000, abs=100)
    after = sounds(session)
    assert len(after) > 0.9 * len(before)
    assert all(abs(before[sound] - at_ms) <= 20 for sound, at_ms in after.items() if sound in before)


def test_a_part_that_is_not_there_may_be_too_long_to_fill(session: Path) -> None:
    rmtree(session / "chunks" / "002")
    edit_parts(session, lambda parts: parts[-1].update(stop_ms=parts[-1]["start_ms"] + 9 * 3.6e6))
    result = merged(session)
    assert result.status == "partial"
    (missing,) = [one for one in result.findings if one.code == "chunk-missing"]
    assert missing.lost_ms == 9 * 3.6e6


@pytest.mark.parametrize(
    ("there", "missing"),
    [("000 002", [1]), ("001 002", []), ("002 003", [0, 1]), ("000 009", []), ("1000 1002", []), ("a b", [])],
)
def test_a_part_that_counted_names_skip_is_missing(session: Path, there: str, missing: list[int]) -> None:
    (session / "session.json").unlink()
    rmtree(session / "chunks" / "002")
    for part, name in zip(("001", "000"), reversed(there.split()), strict=True):
        (session / "chunks" / part).rename(session / "chunks" / name)
    result = merged(session)
    assert [int(one.part or -1) for one in result.findings if one.code == "chunk-missing"] == missing
    assert result.status == ("partial" if missing else "repaired")


def test_a_part_without_notes_of_chunks_is_missed_by_its_length(session: Path) -> None:
    rmtree(session / "chunks" / "002")
    edit_parts(session, lambda parts: [*parts[:-1], {name: one for name, one in parts[-1].items() if name != "chunks"}])
    assert merged(session).status == "partial"


@pytest.mark.parametrize(
    "entry",
    [
        {"part": 9, "start_ms": 90_000, "chunks": []},
        {"part": 9, "start_ms": 90_000, "stop_ms": 90_400, "chunks": []},
        {"part": 9, "start_ms": 90_000, "stop_ms": 99_000, "chunks": [{"seq": 0, "bytes": 0}]},
    ],
)
def test_a_part_that_handed_out_nothing_is_not_missed(session: Path, entry: dict[str, Any]) -> None:
    edit_parts(session, lambda parts: parts.append(entry))
    assert merged(session).status == "complete"


@pytest.mark.parametrize("has_sizes", [True, False])
@pytest.mark.parametrize("lost", [None, "000", "002"])
def test_parts_may_be_counted_from_one_in_the_notes_alone(session: Path, lost: str | None, has_sizes: bool) -> None:
    def change(parts: list[dict[str, Any]]) -> None:
        for entry in parts:
            entry["part"] = int(entry["part"]) + 1
            for chunk in entry["chunks"] if not has_sizes else ():
                del chunk["bytes"]

    merged(session)
    before = sounds(session)
    edit_parts(session, change)
    if lost and has_sizes:
        rmtree(session / "chunks" / lost)
    result = merged(session)
    assert result.status == ("partial" if lost and has_sizes else "complete")
    after = sounds(session)
    assert len(after) > len(before) / 2
    assert all(abs(before[sound] - at_ms) <= 20 for sound, at_ms in after.items() if sound in before)


def test_parts_by_another_name_are_said_not_to_be_noted(session: Path) -> None:
    def count_from_seven(parts: list[dict[str, Any]]) -> None:
        for entry in parts:
            entry["part"] = int(entry["part"]) + 7

    edit_parts(session, count_from_seven)
    result = merged(session)
    codes = {one.code: one.severity for one in result.findings}
    assert codes["parts-not-noted"] == "warning"
    assert "chunk-missing" not in {one.code for one in result.findings if "all chunks" in one.message}


NAMES = {"0": "f3a1", "1": "b0c2", "2": "a9d4"}


def test_parts_whose_names_have_no_order_are_in_that_of_their_starts(session: Path) -> None:
    for part, name in NAMES.items():
        (session / "chunks" / f"00{part}").rename(session / "chunks" / name)

    def rename(parts: list[dict[str, Any]]) -> None:
        for entry in parts:
            entry["part"] = NAMES[str(entry["part"])]

    edit_parts(session, rename)
    result = merged(session)
    assert result.status == "complete"
    assert list(dict.fromkeys(one["part"] for one in result.report["chunks"])) == list(NAMES.values())
    assert_verified(session)


def test_parts_that_are_numbered_stay_in_their_order(session: Path) -> None:
    def turn_round(parts: list[dict[str, Any]]) -> None:
        parts[0]["start_ms"], parts[1]["start_ms"] = parts[1]["start_ms"], parts[0]["start_ms"]

    edit_parts(session, turn_round)
    assert "parts-overlap" in {one.code for one in merged(session).findings}


@pytest.mark.parametrize("kept", ["emitted_ms", None])
def test_folders_that_have_each_others_names_are_noticed_by_their_lengths(session: Path, kept: str | None) -> None:
    """Where no size was noted: 27 s off, and complete."""

    def forget(parts: list[dict[str, Any]]) -> None:
        for entry in parts:
            entry["chunks"] = [{"seq": one["seq"], kept: one[kept]} for one in entry["chunks"] if kept]

    edit_parts(session, forget)
    assert "parts-exchanged" not in {one.code for one in merged(session).findings}
    chunks = session / "chunks"
    for one, other in (("001", "aside"), ("002", "001"), ("aside", "002")):
        (chunks / one).rename(chunks / other)
    result = merged(session)
    (found,) = [one for one in result.findings if one.code == "parts-exchanged"]
    assert (found.severity, found.part) == ("warning", "001")
    assert result.status != "complete"
