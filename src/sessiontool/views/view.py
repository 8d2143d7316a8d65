"""How results read, as lines for people and as JSON: a module for each kind of result.

Nothing is printed here; that is `console`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..documents.report_model import ReportFinding
    from .table import Line

_Result = TypeVar("_Result")

_PLACES = {"part": "part", "seq": "chunk", "byte_offset": "byte"}
_MOST_CODES = 6
"""Numbers of codes in a line, chosen: what fits into a terminal."""
MARKS = {"info": "·", "warning": "!", "error": "✗"}


class View(Struct, Generic[_Result], frozen=True):
    """How a command's result is shown: as JSON, as lines (for programs if `is_data`), and as an exit code."""

    document: Callable[[_Result], dict[str, Any]]
    lines: Callable[[_Result, bool], Sequence[Line]]
    exit_code: Callable[[_Result], int]
    is_data: bool = False


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss.mmm, without the hours where there are none; times before zero with a minus in front."""
    ms = round(seconds * 1000)
    sign = "-" if ms < 0 else ""
    minutes, ms = divmod(abs(ms), 60_000)
    hours, minutes = divmod(minutes, 60)
    return sign + (f"{hours}:{minutes:02d}" if hours else f"{minutes}") + f":{ms // 1000:02d}.{ms % 1000:03d}"


def codes_text(codes: Mapping[str, int]) -> str:
    """Codes of findings, each with how often it came where that is more than once."""
    shown = [f"{code} ({count} times)" if count > 1 else code for code, count in list(codes.items())[:_MOST_CODES]]
    return ", ".join(shown) + (f" and {len(codes) - _MOST_CODES} more" if len(codes) > _MOST_CODES else "")


def finding_line(finding: ReportFinding, *, verbose: bool) -> str:
    where = f"{clock(finding['at_s'])} " if "at_s" in finding else ""
    text = f"{MARKS[finding['severity']]} {where}{finding['message']} [{finding['code']}]"
    if verbose:
        place = [f"{name} {finding[key]}" for key, name in _PLACES.items() if key in finding]  # type: ignore[literal-required]
        text += f" ({', '.join(place)})" if place else ""
        text += f"\n      {finding['hint']}" if finding.get("hint") else ""
    return text
