r"""SubRip.  It has no standard: no speakers, no overlap, no escapes.

Cues come one at a time, with `Name:` where the speaker changes.  Players act on `<tags>`, `{\overrides}` and, when a
file is converted, on backslashes and arrows, some on anything like a time: those are parted by a WORD JOINER.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .registry import JOINER, clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..cues import Cue
    from .registry import RenderOptions

_ACTS = r"-(?=->)|<(?=\S)|\{(?=\S)|\\(?=\S)|&(?=[\w#])|(?<=\d):(?=\d{1,2}:\d{1,2}[.,]\d)"


def render(cues: Iterable[Cue], look: RenderOptions) -> Iterator[str]:  # noqa: ARG001 - it is in the lines
    """The text, a cue a piece."""
    return (_block(number, cue) for number, cue in enumerate(cues, 1))


def _block(number: int, cue: Cue) -> str:
    lines = (re.sub(_ACTS, rf"\g<0>{JOINER}", line) for line in cue.lines)
    return "\n".join((str(number), f"{clock(cue.start_ms, ',')} --> {clock(cue.end_ms, ',')}", *lines, "", ""))
