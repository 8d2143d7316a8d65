"""What the reading of a session gives beside the joined file: records of its chunks and parts, and findings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ..errors import RecordingError
    from ..values import ChunkRef, Finding

Verdict = Literal["ok", "empty", "duplicate", "altered", "damaged", "unread"]


@dataclass(slots=True)
class ChunkRecord:
    """What became of one chunk; `empty` means that no packet ended in it, `unread` that its part was refused before.

    `packets_sha256` goes over its packets as they were read, and is what the output is checked against.
    """

    chunk: ChunkRef
    sha256: str
    verdict: Verdict
    packets: int = 0
    packets_sha256: str = ""


@dataclass(frozen=True, slots=True)
class PartRecord:
    """A recording that was joined: its name in the timeline and the program that wrote it."""

    part: str
    writing_app: str


@dataclass(slots=True)
class Assembly:
    """What the reading of a session gave beside the joined file; `refusals` are of parts that cannot be read."""

    chunks: list[ChunkRecord] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    parts: list[PartRecord] = field(default_factory=list)
    refusals: list[RecordingError] = field(default_factory=list)
