r"""SubRip, through srt.  It has no standard: no speakers, no overlap, no escapes.

Cues come one at a time, with `Name:` where the speaker changes.  Players act on `<tags>`, `{\overrides}` and, when a
file is converted, on backslashes and arrows, some on anything like a time: those are parted by a WORD JOINER.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import srt

from ...deferred import regex
from .registry import JOINER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..cues import Cue
    from .registry import RenderOptions

_ACTS = regex(r"-(?=->)|<(?=\S)|\{(?=\S)|\\(?=\S)|&(?=[\w#])|(?<=\d):(?=\d{1,2}:\d{1,2}[.,]\d)")


def render(cues: Sequence[Cue], look: RenderOptions) -> str:  # noqa: ARG001 - what it could show is in the lines
    subtitles = (
        srt.Subtitle(
            number,
            timedelta(milliseconds=cue.start_ms),
            timedelta(milliseconds=cue.end_ms),
            "\n".join(_ACTS.sub(rf"\g<0>{JOINER}", line) for line in cue.lines),
        )
        for number, cue in enumerate(cues, 1)
    )
    return str(srt.compose(subtitles, reindex=False))
