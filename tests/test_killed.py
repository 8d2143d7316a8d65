"""Runs end at any moment: the old result is there or the new one, and the next run puts right what was left."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING, Any

import pytest
from places import Folder, Place, Prefix

if TYPE_CHECKING:
    from collections.abc import Callable

KILLS = 50


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty store, in a folder and on S3."""
    if request.param == "folder":
        return Folder(tmp_path)
    return Prefix(request.getfixturevalue("s3_url"), request.getfixturevalue("s3_client"))


def killed(*arguments: str | int) -> list[dict[str, Any]]:
    program = Path(__file__).with_name("killed.py")
    run = subprocess.run([sys.executable, program, *map(str, arguments)], check=False, capture_output=True)
    assert run.returncode == 0, run.stderr.decode()
    found: list[dict[str, Any]] = json.loads(run.stdout)
    return found


def test_a_run_killed_before_any_of_its_changes(place: Place) -> None:
    seen = killed("steps", place.url)
    result = [f"s1/merged/{name}" for name in ("audio.webm", "captions.vtt", "report.json")]
    for one in seen:
        assert one["killed"] in {"none", one["before"], "new"}, one
        assert one["recovered"] in {one["before"], "new"}, one
        assert (one["next"], one["keys"]) == ("next", result), one
    for before in ("none", "old"):
        assert {one["recovered"] for one in seen if one["before"] == before} == {before, "new"}
    assert len(seen) > 15


def test_a_merge_killed_at_any_moment(place: Place, recorded_session: Callable[[str], Path]) -> None:
    session = recorded_session("chrome-silence")
    for path in filter(Path.is_file, session.rglob("*")):
        place.put(str(path.relative_to(session.parent)), path.read_bytes())
    before = place.keys()
    *seen, last = killed("moments", place.url, KILLS)
    assert len(seen) == KILLS
    assert {one["killed"] for one in seen} <= {"none", "whole"}
    assert {one["recovered"] for one in seen} == {"whole"}
    assert {one["came through"] for one in seen} == {True, False}
    names = ("audio.webm", "captions.srt", "captions.vtt", "report.json", "transcript.json")
    assert last["recovered"] == "whole"
    assert sorted(set(last["keys"]) - set(before)) == [f"chrome-silence/merged/{name}" for name in names]


def test_a_run_that_finds_nothing_to_do_removes_what_a_killed_one_left(
    tmp_path: Path, recorded_session: Callable[[str], Path]
) -> None:
    """In a folder, where it costs nothing to see."""
    copytree(recorded_session("chrome-silence"), tmp_path / "chrome-silence")
    before = Folder(tmp_path).keys()
    seen = killed("tidied", str(tmp_path))
    assert len(seen) > 5
    assert any(one["left"] for one in seen), "some kills leave locks"
    names = ("audio.webm", "captions.srt", "captions.vtt", "report.json", "transcript.json")
    for one in seen:
        assert one["unchanged"], one
        assert one["recovered"] == "whole", one
        assert sorted(set(one["keys"]) - set(before)) == [f"chrome-silence/merged/{name}" for name in names], one
