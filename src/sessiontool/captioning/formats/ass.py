"""Advanced SubStation Alpha, through pysubs2: a style for each speaker, the name in the Name field.

Overlaps are left to the player, which stacks them.  ASS has no escape that every player knows.  A brace opens an
override, so it is written as an ornamental one (U+2774, U+2775); a backslash gets a WORD JOINER after it.  Times are
hundredths of a second in this format.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pysubs2
from pysubs2.formats.substation import SubstationFormat

from ..sanitize import clean
from ..speakers import lanes_of
from .registry import JOINER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..cues import Cue
    from .registry import RenderOptions

_ESCAPES = str.maketrans({"{": "\u2774", "}": "\u2775", "\\": f"\\{JOINER}"})
_FIELD_ESCAPES = str.maketrans({",": "\u201a", "{": "\u2774", "}": "\u2775", "\\": "/"})
_COLOURS = ((255, 255, 255), (255, 233, 122), (170, 226, 255), (190, 240, 180))  # colours as RGB; chosen


def render(cues: Sequence[Cue], look: RenderOptions) -> str:
    file = pysubs2.SSAFile()
    file.info |= {"Title": clean(look.note), "PlayResX": "1280", "PlayResY": "720", "ScaledBorderAndShadow": "yes"}
    lanes = lanes_of(cues)
    for lane in range(len(lanes) if look.speakers else 0):
        colour = pysubs2.Color(*_COLOURS[lane % len(_COLOURS)])
        file.styles[f"Voice{lane + 1}"] = pysubs2.SSAStyle(fontsize=36.0, primarycolor=colour, marginv=40)
    for cue in cues:
        file.append(
            pysubs2.SSAEvent(
                start=cue.start_ms,
                end=cue.end_ms,
                style=f"Voice{lanes[cue.voice] + 1}" if look.speakers else "Default",
                name=cue.speaker.translate(_FIELD_ESCAPES) if look.speakers else "",
                text=r"\N".join(line.translate(_ESCAPES) for line in cue.lines),
            )
        )
    text = io.StringIO()
    _AnyHour.to_file(file, text, "ass")
    return text.getvalue()


class _AnyHour(SubstationFormat):
    """pysubs2 ends at 9:59:59.99, and puts all that is later there; players read hours of any length."""

    @staticmethod
    def ms_to_timestamp(requested_ms: int) -> str:
        seconds, hundredths = divmod((requested_ms + 5) // 10, 100)
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02d}:{seconds:02d}.{hundredths:02d}"
