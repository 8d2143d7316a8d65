"""The JSON transcript of the Podcast Index: `version` 1.0.0, `segments` of speaker, startTime, endTime, body."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..cues import Cue
    from .registry import RenderOptions


def render(cues: Sequence[Cue], look: RenderOptions) -> str:
    segments: list[dict[str, Any]] = [
        {
            **({"speaker": cue.speaker} if look.speakers and cue.speaker else {}),
            "startTime": cue.start_ms / 1000,
            "endTime": cue.end_ms / 1000,
            "body": cue.text,
        }
        for cue in cues
    ]
    return json.dumps({"version": "1.0.0", "segments": segments}, ensure_ascii=False, indent=1) + "\n"
