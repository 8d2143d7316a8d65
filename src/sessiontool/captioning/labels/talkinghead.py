"""What `speakAudio` of TalkingHead takes beside the sound, for each role: words and visemes with their times, in ms.

The visemes are Oculus'; where nothing is said there is none.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .mouth_shapes import OCULUS, shapes_of
from .timed_words import by_role, words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..cues import Spoken
    from ..formats.registry import RenderOptions


def render(said: Sequence[Spoken], _: RenderOptions) -> str:
    document = {}
    for role, own in by_role(said).items():
        words = sorted((word for one in own for word in words_of(one)), key=lambda word: word.start_ms)
        shapes = sorted((shape for one in own for shape in shapes_of(one, OCULUS)), key=lambda shape: shape.start_ms)
        document[role] = {
            "words": [word.text for word in words],
            "wtimes": [word.start_ms for word in words],
            "wdurations": [word.end_ms - word.start_ms for word in words],
            "visemes": [shape.name for shape in shapes],
            "vtimes": [shape.start_ms for shape in shapes],
            "vdurations": [shape.end_ms - shape.start_ms for shape in shapes],
        }
    return json.dumps(document, ensure_ascii=False) + "\n"
