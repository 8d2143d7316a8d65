"""Plain text to read: a paragraph for each speaker's turn, begun with its time and name."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from .registry import clock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..cues import Cue
    from .registry import RenderOptions


def render(cues: Sequence[Cue], look: RenderOptions) -> str:
    paragraphs = []
    for _, run in groupby(cues, key=lambda cue: cue.voice):
        turn = list(run)
        name = f"{turn[0].speaker}: " if look.speakers and turn[0].speaker else ""
        paragraphs.append(f"[{clock(turn[0].start_ms)[:8]}] {name}{' '.join(cue.text for cue in turn)}\n")
    return "\n".join(paragraphs)
