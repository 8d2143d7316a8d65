"""Parts whose start nobody noted: what their sound tells of it, and what it does not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from sessiontool import merge
from sessiontool.align import PartAlignment
from sessiontool.alignment.part_starts import starts_by_sound
from sessiontool.timeline import Span, Timeline

SAMPLES = Path(__file__).parent.parent / "samples"


def joined(*lengths_s: float) -> Timeline:
    """Parts `0`, `1`, … joined as if no time had passed between them."""
    spans, at = [], 0
    for number, length_s in enumerate(lengths_s):
        end, us = at + round(48_000 * length_s), round(1e6 * length_s)
        begun = at * 1_000_000 // 48_000
        spans.append(Span("recorded", str(number), "", at, end, 0, us, begun, begun + us))
        at = end
    return Timeline(spans)


def heard(part: str, offset_ms: float | None, matched: int = 6, scatter_ms: float = 20.0) -> PartAlignment:
    return PartAlignment(part, offset_ms, None, {"user": scatter_ms} if matched else {}, matched)


def test_what_is_heard_too_early_was_begun_that_much_later() -> None:
    parts = [heard("0", 120.0), heard("1", -880.0), heard("2", -3380.0)]
    found = starts_by_sound(parts, joined(20, 20, 20), {"1", "2"})
    assert found == {"1": 21_000_000, "2": 43_500_000}


@pytest.mark.parametrize(
    "part", [heard("1", None, 0), heard("1", -900.0, matched=2), heard("1", -900.0, scatter_ms=700.0)]
)
def test_a_part_of_which_little_is_known_is_left_where_it_is(part: PartAlignment) -> None:
    assert starts_by_sound([heard("0", 120.0), part], joined(20, 20), {"1"}) == {}


def test_no_part_is_put_before_the_end_of_the_one_before() -> None:
    assert starts_by_sound([heard("0", 0.0), heard("1", 5000.0)], joined(20, 20), {"1"}) == {}
    assert starts_by_sound([heard("0", 0.0), heard("1", 100.0)], joined(20, 20), {"1"}) == {"1": 20_000_000}


def test_without_a_part_to_compare_with_nothing_is_told() -> None:
    assert starts_by_sound([heard("0", None, 0), heard("1", -900.0)], joined(20, 20), {"1"}) == {}


def test_a_noted_start_stays_and_is_the_measure() -> None:
    parts = [heard("0", 0.0), heard("1", -500.0), heard("2", -2500.0)]
    assert starts_by_sound(parts, joined(20, 20, 20), {"2"}) == {"2": 42_500_000}


def test_the_gaps_of_a_rollover_come_back_without_session_json(tmp_path: Path) -> None:
    """The demo's two gaps, 0.66 and 1.88 s long as its recorder noted them, to a packet or two."""
    noted = merge("demo", store=SAMPLES, output=tmp_path / "noted")
    shutil.copytree(SAMPLES / "demo", tmp_path / "store" / "demo")
    (tmp_path / "store" / "demo" / "session.json").unlink()
    found = merge("demo", store=tmp_path / "store", output=tmp_path / "found")
    gaps_s = [
        [
            (span["output_samples"][1] - span["output_samples"][0]) / 48_000
            for span in result.report["timeline"]
            if span.get("cause") == "between_parts"
        ]
        for result in (noted, found)
    ]
    assert gaps_s[1] == pytest.approx(gaps_s[0], abs=0.1)
    assert [f.part for f in found.findings if f.code == "part-start-found"] == ["001", "002"]
    assert not [f for f in found.findings if f.code == "part-start-unknown"]
    for one, other in zip(noted.transcript["utterances"], found.transcript["utterances"], strict=True):
        assert other["start_s"] == pytest.approx(one["start_s"], abs=0.15)
    document = json.loads((tmp_path / "found" / "demo" / "report.json").read_text())
    assert [part["matched"] for part in document["alignment"]] == [8, 5, 6]
