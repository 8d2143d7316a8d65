"""Words with their times as JSON: a list that a player walks through."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .timed_words import words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..cues import Spoken
    from ..formats.registry import RenderOptions


def render(said: Sequence[Spoken], look: RenderOptions) -> str:
    spoken = sorted(((one, word) for one in said for word in words_of(one)), key=lambda pair: pair[1].start_ms)
    lines = []
    for one, word in spoken:
        times = {"text": word.text, "start_ms": word.start_ms, "end_ms": word.end_ms, "measured": word.is_measured}
        voice = {"role": one.role, **({"speaker": one.speaker} if look.speakers else {})}
        lines.append(json.dumps({**times, **voice}, ensure_ascii=False))
    listed = ",\n".join(lines)
    return f'{{"words": [\n{listed}\n]}}\n'
