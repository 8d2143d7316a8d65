"""Reads frames one behind another, each with its header, in pieces that may be cut anywhere; tags are passed over.

The contract is that of `packets.Demuxer`.  A frame's header says where the next one is; a frame counts where its header
is like those before it, and is followed by another, by a tag, or by nothing.  What is lost or damaged shows as a place
where no header is: reading goes on where several follow one another.

Not here: what a header looks like and what becomes of a frame (`demuxer` for MP3, `adts` for AAC).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from ..packets import CUT, Ledger, PacketRun, Track
from ..run_collector import RunCollector
from .tags import LONGEST_TAG_BYTES, tag_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROVING = 3  # frames; chosen: so many headers that fit one another are no chance
_SEARCHED_BYTES = 1 << 14  # chosen: several of the largest frames


class Sized(Protocol):
    """A header that says how long its frame is, itself included."""

    @property
    def size_bytes(self) -> int: ...


Header = TypeVar("Header", bound=Sized)


class Syntax(Protocol[Header]):
    """How headers of one kind are found; `header_bytes` are what it takes to read one."""

    header_bytes: int

    def fits(self, data: bytes, at: int, like: Header | None) -> Header | None:
        """The header at an offset, where it can be of the recording of another one."""
        ...

    def syncs(self, data: bytes, start: int, like: Header | None) -> Iterator[int]:
        """The places from `start` on at which such a header may begin."""
        ...


def places(data: bytes, start: int, wanted: bytes) -> Iterator[int]:
    """Where these bytes are, from `start` on."""
    at = data.find(wanted, start)
    while at >= 0:
        yield at
        at = data.find(wanted, at + 1)


def is_chain(data: bytes, at: int, syntax: Syntax[Header], like: Header | None = None, *, by_end: bool = True) -> bool:
    """Whether several headers that are like one another follow one another from an offset on.

    `by_end`: fewer are as good, of which the first is whole, where the data ends with them.
    """
    for count in range(_PROVING):
        if count and len(data) - at < syntax.header_bytes:
            return by_end and (count > 1 or at <= len(data))
        if count and tag_bytes(data, at):
            return True
        header = syntax.fits(data, at, like)
        if header is None:
            return False
        like = like or header
        at += header.size_bytes
    return True


def holds_frames(data: bytes, syntax: Syntax[Header]) -> bool:
    """Whether frames that follow one another are anywhere in these bytes: a single head may be there by chance."""
    return any(_are_two(data, at, syntax) and is_chain(data, at, syntax) for at in syntax.syncs(data, 0, None))


def _are_two(data: bytes, at: int, syntax: Syntax[Header]) -> bool:
    header = syntax.fits(data, at, None)
    return header is not None and syntax.fits(data, at + header.size_bytes, header) is not None


class FrameStream(ABC, Generic[Header]):
    """Bytes in, frames out; a subclass says what becomes of a frame.  `track` is that of other chunks."""

    header_missing = False
    no_frame: str
    """What is said of bytes that are none."""

    def __init__(self, syntax: Syntax[Header], track: Track | None) -> None:
        self.ledger = Ledger()
        self.track: Track | None = None
        self._syntax = syntax
        self._known = track
        self._like: Header | None = None
        self._held = b""
        self._held_at = 0  # the offset of what is held
        self._is_locked = False  # whether the next frame begins right here
        self._runs = RunCollector()

    def feed(self, data: bytes) -> list[PacketRun]:
        """The frames that `data` completes, the next piece of the stream."""
        self.ledger.begin_piece(len(data))
        self._held += data
        self._read(is_last=False)
        return self._runs.take()

    def discontinuity(self, reason: str) -> list[PacketRun]:
        """Bytes are missing after what was fed: a frame that is not whole cannot be completed."""
        self._read(is_last=True, reason=reason)
        self._is_locked = False
        self._break()
        return self._runs.take()

    def flush(self) -> list[PacketRun]:
        """No more bytes will come."""
        self._read(is_last=True)
        return self._runs.take()

    @abstractmethod
    def _take(self, frame: bytes, header: Header, offset: int) -> None:
        """Take a whole frame, header and all, that begins at an offset of the stream."""

    @abstractmethod
    def _break(self) -> None:
        """How much is lost before the next frame, only the bytes can tell."""

    def _is_usual(self, header: Header) -> bool:  # noqa: ARG002 - most kinds do not know
        """Whether a frame has the size that is to be expected."""
        return True

    def _saw_tag(self, tag: bytes) -> None:
        """A tag was passed over."""

    def _read(self, *, is_last: bool, reason: str = CUT) -> None:
        """Take what is held, as far as its bytes show what it is; all of it where it `is_last`."""
        at = 0
        while at < len(self._held):
            taken = self._tag(at) if self._is_locked or not at else 0
            if taken == 0:
                taken = self._frame(at, is_last=is_last)
            if taken is None:
                break
            at += taken
        if is_last and at < len(self._held):
            self.ledger.damage(self._held_at + at, self._held_at + len(self._held), reason)
            self._is_locked = False
            at = len(self._held)
        self._held, self._held_at = self._held[at:], self._held_at + at

    def _tag(self, at: int) -> int | None:
        """The size of the tag here, which is counted; 0 without one, None where more bytes are needed."""
        size = tag_bytes(self._held, at)
        if not size:
            return size
        if at + size > len(self._held):
            return None if size <= LONGEST_TAG_BYTES else 0
        self.ledger.structure(self._held_at + at, self._held_at + at + size)
        self._saw_tag(self._held[at : at + size])
        self._is_locked = True
        return size

    def _frame(self, at: int, *, is_last: bool) -> int | None:
        """How many bytes were taken here: a frame, or what is none; None where more are needed to tell."""
        data = self._held
        header = self._syntax.fits(data, at, self._like)
        if header is None or not (self._is_locked or is_chain(data, at, self._syntax, self._like)):
            return self._pass(at, is_last=is_last)
        end = at + header.size_bytes
        if end > len(data):
            return self._pass(at, is_last=is_last) if self._resumes(at + 1, inside=True) <= len(data) else None
        is_sure = self._is_usual(header) and self._is_followed(end, is_last=is_last)
        if not is_sure and self._resumes(at + 1, inside=True) < end:  # a wrong size, or its end is not there
            return self._pass(at, is_last=is_last)
        self._is_locked = True
        self._take(data[at:end], header, self._held_at + at)
        return header.size_bytes

    def _is_followed(self, end: int, *, is_last: bool) -> bool:
        rest = len(self._held) - end
        if rest < self._syntax.header_bytes and not is_last:
            return True
        is_next = self._syntax.fits(self._held, end, self._like) is not None
        return not rest or is_next or tag_bytes(self._held, end) != 0

    def _resumes(self, start: int, *, inside: bool = False) -> int:
        """Where from an offset on frames follow one another again; behind the end where they do not.

        `inside`: what looks like a header is in a frame, and has to prove that it is one: the end proves nothing.
        """
        held, like = self._held, self._like
        syncs = self._syntax.syncs(held, start, like)
        return next((at for at in syncs if is_chain(held, at, self._syntax, like, by_end=not inside)), len(held) + 1)

    def _pass(self, at: int, *, is_last: bool) -> int | None:
        """Pass over what is no frame, up to the next one."""
        resumes = self._resumes(at + 1)
        if resumes > len(self._held):
            if not is_last and len(self._held) - at < _SEARCHED_BYTES:
                return None
            resumes = len(self._held) if is_last else len(self._held) - _SEARCHED_BYTES // 2
        reason = CUT if self._is_locked else self.no_frame
        self.ledger.damage(self._held_at + at, self._held_at + resumes, reason)
        self._is_locked = True
        self._break()
        return resumes - at
