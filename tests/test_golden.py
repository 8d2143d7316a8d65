"""Results change on purpose alone: every output of every recorded session is what `data/golden.json` says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import golden
import pytest

if TYPE_CHECKING:
    from pathlib import Path

GOLDEN = json.loads(golden.FILE.read_text(encoding="utf-8"))
SAME_ARITHMETIC = GOLDEN["made_with"] == golden.versions()


def test_every_recorded_session_is_there() -> None:
    assert {session_id: set(named) for session_id, named in GOLDEN["results"].items()} == {
        session_id: set(golden.OPTIONS) for session_id in golden.STORES
    }


@pytest.mark.parametrize("options", golden.OPTIONS)
@pytest.mark.parametrize("session_id", sorted(golden.STORES))
def test_a_result_is_what_it_was(session_id: str, options: str, tmp_path: Path) -> None:
    expected = GOLDEN["results"][session_id][options]
    if "--words" in golden.OPTIONS[options]:
        pytest.importorskip("pocketsphinx", reason="it is not installed: it has no wheel for this Python")
    found = golden.result_of(golden.merged(session_id, golden.OPTIONS[options], tmp_path))
    if SAME_ARITHMETIC:
        assert found == expected, "if that is wanted: python tests/golden.py --update, in a commit that says why"
    else:
        assert found["sha256"].keys() == expected["sha256"].keys()
        assert found["sha256"]["audio.webm"] == expected["sha256"]["audio.webm"]
        assert_times_agree(found["times_s"], expected["times_s"])


def assert_times_agree(found: list[list[Any]], expected: list[list[Any]]) -> None:
    assert [row[0] for row in found] == [row[0] for row in expected]
    for (name, *times), (_, *wanted) in zip(found, expected, strict=True):
        for time_s, wanted_s in zip(times, wanted, strict=True):
            assert (time_s is None) == (wanted_s is None), name
            assert time_s is None or abs(time_s - wanted_s) <= golden.TOLERANCE_S, name


def test_times_elsewhere_may_differ_by_a_millisecond_and_no_more() -> None:
    assert_times_agree([["u000", 1.0, None]], [["u000", 1.0009, None]])
    for wanted in ([["u000", 1.01, None]], [["u000", 1.0, 2.0]], [["u001", 1.0, None]]):
        with pytest.raises(AssertionError):
            assert_times_agree([["u000", 1.0, None]], wanted)
