"""Parts whose folders may have each other's names: each is as long as the other one was noted to be.

Where sizes or hashes were noted, they say whose chunks are whose (`misfiled`).  Lengths alone are no proof: they are
said.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from msgspec import Struct

from ..model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TOO_LONG_MS = 250.0
"""Chosen: no part holds so much more sound than there was time between its start and its stop."""
_ALIKE_MS = 150.0
"""What was on its way to the encoder at `stop()` is in no blob (measured: 78 ms); chosen: twice that."""


class Lasted(Struct, frozen=True):
    """A part: where its sound ends on the recorder's clock, and how long the recorder was noted to have run."""

    part: str
    sound_ms: float
    noted_ms: float


def exchanged(parts: Sequence[Lasted]) -> Iterator[Finding]:
    """A finding for each two parts, one too long for what was noted of it, that are as long as each other's notes."""
    for one, other in combinations(parts, 2):
        is_too_long = max(one.sound_ms - one.noted_ms, other.sound_ms - other.noted_ms) > _TOO_LONG_MS
        crosswise_ms = abs(one.sound_ms - other.noted_ms), abs(other.sound_ms - one.noted_ms)
        if is_too_long and max(crosswise_ms) <= _ALIKE_MS:
            yield Finding(
                "parts-exchanged",
                "warning",
                f"parts {one.part} and {other.part} are as long as session.json notes of each other: their folders may "
                "have each other's names",
                part=one.part,
                hint="exchange the folders, or `start_ms` and `stop_ms` of the two parts, and merge again",
            )
