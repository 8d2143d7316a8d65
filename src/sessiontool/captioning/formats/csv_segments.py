"""A list of segments for editors: CSV (RFC 4180) with a header, times as timecode and as seconds.

A spreadsheet takes a field that begins with `=`, `+`, `-` or `@` for a formula: such a text begins with a WORD JOINER.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from .registry import clock, inert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..cues import Cue
    from .registry import RenderOptions

HEADER = ("number", "start", "end", "start_s", "end_s", "speaker", "role", "text")


def render(cues: Sequence[Cue], look: RenderOptions) -> str:
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(HEADER)
    for number, cue in enumerate(cues, 1):
        speaker, role = (cue.speaker, cue.role) if look.speakers else ("", "")
        times = (clock(cue.start_ms), clock(cue.end_ms), f"{cue.start_ms / 1000:.3f}", f"{cue.end_ms / 1000:.3f}")
        rows.writerow((number, *times, *map(inert, (speaker, role, cue.text))))
    return out.getvalue()
