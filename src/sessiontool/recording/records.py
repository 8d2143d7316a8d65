"""What the reading of a session gives beside the joined file: records of its chunks and parts, and findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from ..media.packets import Account
from .gap_places import JoinedOrder

if TYPE_CHECKING:
    from ..errors import RecordingError
    from ..model import ChunkRef, Finding
    from .exchanged import Lasted
    from .slice_values import SliceTally

Verdict = Literal["ok", "empty", "duplicate", "foreign", "altered", "damaged", "unread"]


class Stretch(Struct, frozen=True):
    """Bytes of a chunk that are not in the result, and why.

    `byte_offset` counts from the chunk's beginning.  Of a copy `kept_in` and `kept_at` are the chunk and the offset
    where the bytes that were kept begin.
    """

    byte_offset: int
    size_bytes: int
    reason: str
    kept_in: ChunkRef | None = None
    kept_at: int = 0


class ChunkRecord(Struct):
    """What became of one chunk, and of each of its bytes.

    `empty` means that it holds no packet, `foreign` that it is of another recording, `unread` that its part was refused
    before.  `packets` were joined in its place and `packets_sha256` goes over them as they were read: the output is
    checked against it.  `samples` are those of PCM, on each channel.  `account` adds up to the chunk's size, or
    to that of what came out of an upload's wrapping; then `wrapped_as` names it, and `stored_bytes` is the size of the
    object.
    """

    chunk: ChunkRef
    sha256: str
    verdict: Verdict
    packets: int = 0
    packets_sha256: str = ""
    account: Account = field(default_factory=lambda: Account(0))
    damage: list[Stretch] = field(default_factory=list)
    set_aside: list[Stretch] = field(default_factory=list)
    samples: int = 0
    wrapped_as: str = ""
    stored_bytes: int = 0

    def leave_out(self, stretch: Stretch) -> None:
        """Set whole packets aside that were read, and are not joined."""
        self.set_aside.append(stretch)
        self.account.set_aside_bytes += stretch.size_bytes
        self.account.payload_bytes -= stretch.size_bytes

    def fresh(self) -> ChunkRecord:
        """A copy that can be added to."""
        account = replace(self.account)
        return replace(self, account=account, damage=[*self.damage], set_aside=[*self.set_aside])


def unread(chunk: ChunkRef, sha256: str) -> ChunkRecord:
    """The record of a chunk whose part is refused: all of it is set aside."""
    size = chunk.object.size_bytes
    account = Account(size, set_aside_bytes=size)
    stretches = [Stretch(0, size, "its part is not read")] if size else []
    return ChunkRecord(chunk, sha256, "unread", account=account, set_aside=stretches)


class PartRecord(Struct, frozen=True):
    """A recording that was joined: its name in the timeline and the program that wrote it."""

    part: str
    writing_app: str


class Assembly(Struct):
    """What the reading of a session gave beside the joined file; `refusals` are of parts that cannot be read.

    `slices` are the recordings in slices, by their name in the timeline, and `lasted` the other parts that were noted.
    """

    chunks: list[ChunkRecord] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    parts: list[PartRecord] = field(default_factory=list)
    refusals: list[RecordingError] = field(default_factory=list)
    slices: dict[str, SliceTally] = field(default_factory=dict)
    lasted: list[Lasted] = field(default_factory=list)
    order: JoinedOrder = field(default_factory=JoinedOrder)
