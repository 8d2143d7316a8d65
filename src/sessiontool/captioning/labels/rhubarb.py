"""What Rhubarb Lip Sync writes as JSON: the shapes of one mouth from 0 to the end of the sound, one after another.

Times are hundredths of a second, as Rhubarb has them; where nothing is said the mouth is at rest (X).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .mouth_shapes import RHUBARB, shapes_of
from .timed_words import without_overlap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..cues import Spoken
    from ..formats.registry import RenderOptions

_REST = "X"
_STEP_MS = 10
"""Milliseconds of a step of time, by definition in Rhubarb's manual: hundredths of a second, truncated."""


def render(said: Sequence[Spoken], look: RenderOptions) -> str:
    end = max([look.end_ms or 0, *(one.end_ms for one in said)]) // _STEP_MS
    shapes = [shape for one in said for shape in shapes_of(one, RHUBARB)]
    cues: list[tuple[int, int, str]] = []
    steps = [(one.start_ms // _STEP_MS, one.end_ms // _STEP_MS, one.name) for one in shapes]
    for start, stop, name in without_overlap(steps, end):
        if cues and cues[-1][2] == (name or _REST):
            cues[-1] = (cues[-1][0], stop, cues[-1][2])
        else:
            cues.append((start, stop, name or _REST))
    lines = [f'    {{ "start": {_seconds(a)}, "end": {_seconds(b)}, "value": "{shape}" }}' for a, b, shape in cues]
    listed = ",\n".join(lines)
    name = json.dumps(look.audio)
    return (
        f'{{\n  "metadata": {{\n    "soundFile": {name},\n    "duration": {_seconds(end)}\n  }},\n'
        f'  "mouthCues": [\n{listed}\n  ]\n}}\n'
    )


def _seconds(steps: int) -> str:
    return f"{steps // 100}.{steps % 100:02d}"
