"""How an imported recording reads: what was made of which files, and the next step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .view import clock

if TYPE_CHECKING:
    from ..sessions.import_recording import ImportResult

_FROM = {
    "option": "as you said",
    "source": "as the source has them",
    "log": "by the sound of the log's utterances",
    "guess": "not known: nothing says which is which",
}


def imported_lines(result: ImportResult) -> list[str]:
    how = "encoded to Opus once" if result.encoded else "taken as it is"
    lines = [f"{result.session_id}: {result.location}"]
    for one in result.files:
        count = "stereo" if one.channels == 2 else "mono"
        lines.append(f"  {one.path.name}: {clock(one.duration_s)} of {one.codec}, {count}, {one.rate_hz:,} Hz")
    lines.append(f"  sound      {how}")
    lines.append(f"  channels   {', '.join(result.channels)} ({_FROM[result.channels_from]})")
    lines.append(f"  merge it: sessiontool merge {result.session_id} --store {result.location.rpartition('/')[0]}")
    return lines
