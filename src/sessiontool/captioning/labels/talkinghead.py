"""What `speakAudio` of TalkingHead takes beside the sound: words, their times and durations, in ms, for each role."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .timed_words import by_role, words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..cues import Spoken
    from ..formats.registry import RenderOptions


def render(said: Sequence[Spoken], _: RenderOptions) -> str:
    document = {}
    for role, own in by_role(said).items():
        words = sorted((word for one in own for word in words_of(one)), key=lambda word: word.start_ms)
        document[role] = {
            "words": [word.text for word in words],
            "wtimes": [word.start_ms for word in words],
            "wdurations": [word.end_ms - word.start_ms for word in words],
        }
    return json.dumps(document, ensure_ascii=False) + "\n"
