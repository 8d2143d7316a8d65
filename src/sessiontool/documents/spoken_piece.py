"""An entry of a log that is speech, on its way to an utterance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .models import UtteranceDocument

SAY_MS_PER_CHAR = 65.0
"""How long a text takes to say, in ms (measured: 15 characters a second)."""


class SpokenPiece(Struct):
    """An entry that is speech: where it stands, its times as noted, its checked model, and its times in ms.

    `noted` is as in `Entry`; `times_ms` are those of `start`, `end` and `arrived`.  `kind` is the kind of event that it
    came with, where it has one; `is_fragment`: the name of its text says that more of it follows.
    """

    place: str
    noted: Mapping[str, tuple[str, Any, float]]
    model: UtteranceDocument
    is_final: bool = True
    kind: str = ""
    is_fragment: bool = False
    times_ms: dict[str, float] = field(default_factory=dict)

    @property
    def at_ms(self) -> float | None:
        """When it was said, as far as it is given."""
        for what in ("start", "arrived", "end"):
            if what in self.times_ms:
                return self.times_ms[what]
        return None
