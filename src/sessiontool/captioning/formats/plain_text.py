"""Plain text to read: a paragraph for each speaker's turn, begun with its time and name."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from .registry import clock

_ISOLATE, _END = "\u2067", "\u2069"
"""Round a text from right to left, so that the time and the name before it stay where they are."""

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..cues import Cue
    from .registry import RenderOptions


def render(cues: Sequence[Cue], look: RenderOptions) -> str:
    paragraphs = []
    for _, run in groupby(cues, key=lambda cue: cue.voice):
        turn = list(run)
        name = f"{turn[0].speaker}: " if look.speakers and turn[0].speaker else ""
        text = " ".join(cue.text for cue in turn)
        text = f"{_ISOLATE}{text}{_END}" if any(cue.is_rtl for cue in turn) else text
        paragraphs.append(f"[{clock(turn[0].start_ms).rpartition('.')[0]}] {name}{text}\n")
    return "\n".join(paragraphs)
