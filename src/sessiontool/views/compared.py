"""How a comparison of two recordings reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import RecordingError
from .view import View, clock

if TYPE_CHECKING:
    from ..sessions.compare import CompareResult

_CHANNELS = {True: "swapped", False: "the same", None: "too alike to say"}


def _document(result: CompareResult) -> dict[str, Any]:
    found = result.comparison
    return {
        "session_id": result.session_id,
        "location": result.location,
        "file": result.file,
        "offset_ms": round(found.offset_s * 1000, 1),
        "drift_ppm": round(found.drift_ppm, 1),
        "alike": round(found.alike, 3),
        "channels_swapped": found.swapped,
        "missing": [
            {
                "lacks": "session" if one.lacks == "first" else "file",
                "at_s": round(one.at_s, 2),
                "length_s": round(one.length_s, 2),
                "filled_with_silence": one.filled,
            }
            for one in found.missing
        ],
    }


def _lines(result: CompareResult, _: bool) -> list[str]:
    found = result.comparison
    later = "later" if found.offset_s >= 0 else "earlier"
    lines = [
        f"{result.session_id}: compared with {result.file}",
        f"  offset     what is here is {abs(found.offset_s):.3f} s {later} there",
        f"  drift      {round(found.drift_ppm):+d} ppm",
        f"  sound      the same in {found.alike:.0%} of the stretches with speech",
        f"  channels   {_CHANNELS[found.swapped]}",
    ]
    for one in found.missing:
        who = result.session_id if one.lacks == "first" else result.file
        how = "silent there" if one.filled else "left out without a gap"
        lines.append(f"  missing    {clock(one.at_s)} {one.length_s:.2f} s in {who}, {how}")
    return [*lines, *([] if found.missing else ["  missing    nothing"])]


COMPARED = View(_document, _lines, lambda result: RecordingError.exit_code if result.comparison.missing else 0)
