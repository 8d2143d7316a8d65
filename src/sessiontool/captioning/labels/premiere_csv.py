"""The CSV that Premiere Pro's transcript panel exports and imports: times as HH:MM:SS:FF with 25 frames a second.

A text that a spreadsheet would take for a formula begins with a WORD JOINER, as in `csv_segments`.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from ..formats.registry import inert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..cues import Spoken
    from ..formats.registry import RenderOptions

FRAMES_A_SECOND = 25
"""Frames, chosen: that of PAL; the sound has none, and times are rounded to it."""

HEADER = ("Speaker Name", "Start Time", "End Time", "Text")


def render(said: Sequence[Spoken], look: RenderOptions) -> str:
    out = io.StringIO()
    rows = csv.writer(out, quoting=csv.QUOTE_ALL)
    rows.writerow(HEADER)
    for one in said:
        speaker = one.speaker if look.speakers else ""
        rows.writerow((inert(speaker), _timecode(one.start_ms), _timecode(one.end_ms), inert(one.text)))
    return out.getvalue()


def _timecode(ms: int) -> str:
    seconds, frame = divmod((ms * FRAMES_A_SECOND + 500) // 1000, FRAMES_A_SECOND)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}:{frame:02d}"
