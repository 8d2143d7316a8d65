"""Utterances far from their time in the log, and utterances of which a part was not recorded."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from sessiontool import merge

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SESSION = "chrome-1s"
STARTS_S = {"u004": 17.358, "u005": 18.821, "u007": 23.692}
"""Where they sound, within a few ms of the recording's truth."""


def transcribed(folder: Path) -> dict[str, dict[str, Any]]:
    merged = merge(folder.name, store=folder.parent, output=folder.parent / "out")
    return {one["id"]: dict(one) for one in merged.transcript["utterances"]}


def logged(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "utterances.jsonl").read_text().splitlines()]


def log(folder: Path, lines: list[dict[str, Any]]) -> None:
    (folder / "utterances.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))


@pytest.fixture
def session(recorded_session: Callable[[str], Path], tmp_path: Path) -> Path:
    return shutil.copytree(recorded_session(SESSION), tmp_path / SESSION)


@pytest.mark.parametrize("name", ["u004", "u005"])
def test_one_that_is_logged_seconds_late_has_the_speech_that_is_left(session: Path, name: str) -> None:
    lines = logged(session)
    for line in lines:
        if line["id"] == name:
            line.update(t_start=line["t_start"] + 2.4, t_end=line["t_end"] + 2.4)
    log(session, lines)
    found = transcribed(session)[name]
    assert found["status"] == "aligned"
    assert found["start_s"] == pytest.approx(STARTS_S[name], abs=0.05)


@pytest.mark.parametrize(
    "text", ["Take your time.", "Take all of the time that you need, and do come back to us when it is done."]
)
def test_it_is_left_alone_where_all_speech_is_taken_or_of_another_length(session: Path, text: str) -> None:
    lines = logged(session)
    later = next(line for line in lines if line["id"] == "u004")
    lines.insert(lines.index(later) + 1, {**later, "id": "more", "text": text, "t_start": 19.9, "t_end": 20.4})
    log(session, lines if len(text) < 20 else [line for line in lines if line["id"] != "u004"])
    assert transcribed(session)["more"]["start_s"] is None


@pytest.mark.parametrize(("lost", "edge", "gap_s"), [((23,), "start_s", 24.42), ((25, 26), "end_s", 25.46)])
def test_one_whose_head_or_tail_was_not_recorded_is_clipped(
    session: Path, lost: tuple[int, ...], edge: str, gap_s: float
) -> None:
    chunks = sorted((session / "chunks").rglob("*.webm"))
    for number in lost:
        chunks[number].unlink()
    found = transcribed(session)["u007"]
    assert (found["status"], found["interrupted"]) == ("clipped", False)
    assert "heard_text" not in found
    assert found[edge] == pytest.approx(gap_s, abs=0.1)
