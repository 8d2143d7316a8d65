"""CTM (NIST SCTK, `doc/infmts.htm`): a line a word, with channel, start and duration in seconds.

The channels are A for the user and B for the other, as in calls.  A word whose time was measured has the confidence
1.00; the others have none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..sanitize import clean
from .timed_words import by_role, words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..cues import Spoken
    from ..formats.registry import RenderOptions

_CHANNELS = "ABCDEFGH"


def render(said: Sequence[Spoken], look: RenderOptions) -> str:
    lines = [f";; {' '.join(clean(look.note).split())}"] if look.note else []
    for number, own in enumerate(by_role(said).values()):
        channel = _CHANNELS[min(number, len(_CHANNELS) - 1)]
        for word in sorted((word for one in own for word in words_of(one)), key=lambda word: word.start_ms):
            start_s, length_s = word.start_ms / 1000, (word.end_ms - word.start_ms) / 1000
            sure = " 1.00" if word.is_measured else ""
            lines.append(f"audio {channel} {start_s:.3f} {length_s:.3f} {'_'.join(word.text.split()) or '_'}{sure}")
    return "".join(f"{line}\n" for line in lines)
