"""Where a sequence of WebM elements breaks off: what of the last of it is believed, and where the next one begins.

Elements make no sense from some place on, and the damage that shows there may have begun before: the last block may
have a wrong size, or be two halves of blocks that do not belong together.  What was read last is believed unless a
sequence begins inside it: then it goes back, and reading goes on there.  So a wrong size costs its own block and none
in it.

Where pieces meet, a blob may have lost its end or its neighbour, and the next one of Chrome begins a byte inside an
element; that byte is put there for the search.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec import Struct

from ..opus import is_opus
from ..packets import CUT
from . import ebml
from .block_runs import places
from .elements import FIRST_BYTES, LIVE_CLUSTER
from .resync import CUT_PREFIXES, Known, find_resync_point, resembles_head, sequence_at

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ..packets import PacketRun
    from .block_runs import Blocks
    from .cluster_clock import Clock
    from .stream import Stream

_FILL_BYTES = 9  # chosen: as many as the longest block head has
_FEW_LETTERS = 4  # bytes; chosen: as many of text are no sound
_ZEROES = 4  # bytes; chosen: as many are no sound
_LEAST_CUT_BYTES = 2  # Chrome's blobs end with one byte of an element at most (measured on 253 boundaries)
_SURE_BITS = 20  # of a block's head; chosen: one place in a million has them by chance
_SIZE_BITS = 14  # of a size of two bytes (RFC 8794, section 4)
_LEAST_BLOCK_BYTES = 9  # a block with a packet of a few bytes is longer (RFC 9559, section 10.2)
_MOST_CUTS = 8  # chosen: bounds the search where many pieces are damaged in succession
_MOST_WAITED_BYTES = 3 << 20  # chosen: bounds memory; the largest block searched for is a third of it
_TEXT = frozenset((9, 10, 13, *range(32, 127)))  # bytes of ASCII text (RFC 20)


class Element(Struct, frozen=True):
    """An element that was read, by its offsets; a block of the sound has the run that its `packets` are in.

    `aside` is the reason for which it was set aside, "" for what was not.
    """

    start: int
    body: int
    end: int
    run: PacketRun | None = None
    aside: str = ""
    packets: int = 1


class Place(Struct, frozen=True):
    """Where in the buffer a sequence begins, and what has to be put before it."""

    at: int
    prefix: bytes = b""


class Recovery:
    """The search for the next sequence, in `stream`, and what was read since the last block."""

    def __init__(self, stream: Stream, clock: Clock) -> None:
        self.broken_at: int | None = 0  # offset from which nothing was counted; a stream begins broken
        self.reason = "no WebM header"
        self._stream = stream
        self._clock = clock
        self.skipped_bytes = 0  # by the last search
        self.may_have_lost_bytes = False  # between two pieces, where it went over their ends
        self._from, self._but = 0, -1  # where in the buffer it begins, and where no sequence is
        self._cuts = [0]  # where in the buffer the sequence may go on one byte inside an element, as pieces meet there
        self._recent: list[Element] = []  # the last block, and the elements after it
        self._blocks: tuple[Blocks, PacketRun] | None = None  # the blocks whose last one comes before them

    def forget_recent(self) -> None:
        """What was read so far is handed out, or counted for good: it cannot be taken back."""
        self._recent, self._blocks = [], None

    def note(self, element: Element, *, first: bool) -> None:
        """An element was read; what was before one that is the `first` of something is not in doubt any more."""
        if first:
            self.forget_recent()
        self._recent.append(element)

    def note_blocks(self, blocks: Blocks, run: PacketRun) -> None:
        """Blocks were read, whose packets are the last of `run`."""
        self._recent, self._blocks = [], (blocks, run)

    @property
    def recent(self) -> list[Element]:
        """The last block, and the elements after it."""
        if self._blocks is not None:
            (blocks, run), offset = self._blocks, self._stream.offset
            *_, (start, body, end) = places(self._stream.buf, blocks)
            self._recent.insert(0, Element(offset + start, offset + body, offset + end, run))
            self._blocks = None
        return self._recent

    @property
    def last_payload(self) -> bytes:
        """The packet of the last block, if it may still be taken back."""
        if self._blocks is not None:
            return self._blocks[0].payloads[-1]
        run = self._recent[0].run if self._recent else None
        return run.payloads[-1] if run else b""

    def piece_follows(self) -> None:
        """Another piece is put after the buffer: while the sequence is broken, it may go on where they meet."""
        if self.broken_at is not None and len(self._cuts) < _MOST_CUTS:
            self._cuts.append(len(self._stream.buf))

    def lose(self, reason: str) -> None:
        """Bytes are missing after the buffer, of which all is counted."""
        self.broken_at, self.reason = self._stream.offset, reason
        self._from, self._but, self._cuts = 0, -1, [0]
        self.forget_recent()

    # -- the sequence breaks off

    def break_off(self, pos: int, reason: str, known: Known, *, final: bool) -> bool:
        """The elements make no sense from `pos` on; what of those before it is not to be believed goes back.

        False where more bytes are needed to tell: then the last block goes back, to be read once more with them.
        """
        stream, recent = self._stream, self.recent
        begin = recent[0].start + 1 - stream.offset if recent else pos
        # Where a blob of Chrome begins a byte inside the last block, nothing is cut.
        self._cuts = [at for at in stream.boundaries if at > begin or at == pos]
        starts = {element.start - stream.offset for element in recent}
        place, undecided = self._look(begin, pos, known, final=final, but=starts)
        may_wait = not final and len(stream.buf) - begin < _MOST_WAITED_BYTES
        is_doubtful: bool | None = False
        if place is None and recent:
            is_doubtful = self._is_doubtful(recent[0], pos, known, final=not may_wait)
        if is_doubtful is None or (place is None and undecided < pos and may_wait):
            self._read_again(pos)
            return False
        self._from, self._but = (place.at, -1) if place else (pos, pos)
        back = [element for element in reversed(recent) if element.end > stream.offset + self._from]
        if (is_doubtful and not back) or self._ends_too_early(recent, back, known):
            back = recent[::-1]
        # A byte that was put before a sequence was never fed, and is not damage.
        self.broken_at = stream.real(back[-1].start - stream.offset if back else pos)
        self.reason = CUT if any(map(self._is_astride, back)) else reason
        self._cuts = [at for at in self._cuts if at >= self._from]
        for element in back:
            self._take_back(element)
        self.forget_recent()
        self._clock.break_off()
        return True

    def _ends_too_early(self, recent: Sequence[Element], back: Sequence[Element], known: Known) -> bool:
        """Whether what follows the last block is no element, but the rest of that block."""
        if not back or len(back) != len(recent) - 1:
            return False
        return bool(self._is_doubtful(recent[0], recent[0].end - self._stream.offset, known, final=True))

    def wait(self, pos: int, *, final: bool) -> None:
        """More bytes are needed for what is at `pos`; where it is no element, for the block before it as well."""
        rest = self._stream.buf[pos : pos + len(LIVE_CLUSTER)]
        if final or not rest or rest[0] in FIRST_BYTES or len(self.recent) != 1 or len(rest) == len(LIVE_CLUSTER):
            self._stream.forget(pos)
        else:
            self._read_again(pos)

    def _read_again(self, pos: int) -> None:
        """What was read last, up to `pos`, is read once more when more bytes are there."""
        recent = self.recent
        for element in recent[::-1]:
            self._take_back(element)
        self._stream.forget(recent[0].start - self._stream.offset if recent else pos)

    def _take_back(self, element: Element) -> None:
        """What was read last is to be read once more, or is damage."""
        ledger = self._stream.ledger
        places = element.start, element.body, element.end
        start, body, end = (self._stream.real(at - self._stream.offset) for at in places)
        if element.run is not None:
            ledger.take_back_structure(start, body)
            ledger.take_back_payload(body, end)
            for _ in range(element.packets):
                self._clock.drop_packet(element.run)
        elif element.aside:
            ledger.take_back_aside(start, end, element.aside)
        else:
            ledger.take_back_structure(start, end)
            self._clock.take_back_timestamp(element.start)

    def _is_astride(self, element: Element) -> bool:
        """Whether pieces meet in an element, after its first byte."""
        start, end = element.start - self._stream.offset, element.end - self._stream.offset
        return any(start + 1 < at < end for at in self._stream.boundaries)

    def _is_doubtful(self, block: Element, pos: int, known: Known, *, final: bool) -> bool | None:
        """Whether the last block, in which no sequence begins, ends elsewhere or was filled from inside it on.

        Damage may as well have begun inside it; as its head is whole and no evidence is against it, it is kept.  None
        where more bytes are needed to tell.
        """
        if block.run is None or block.end != self._stream.offset + pos:
            return False
        if not is_opus(block.run.payloads[-1]):
            return True
        if not final and len(self._stream.buf) - pos < len(LIVE_CLUSTER):
            return None
        if resembles_head(self._stream.buf, pos, known, block.body - block.start):
            return self._has_another_end(block, pos, known, final=final, within_bytes=_LEAST_BLOCK_BYTES)
        behind = self._stream.buf[pos : pos + _FILL_BYTES]
        is_filled = len(behind) < _FILL_BYTES or _is_filled(block.run.payloads[-1], behind)
        if self._is_astride(block) or is_filled or bytes(_ZEROES) in behind:
            return self._is_astride(block) or is_filled
        return self._has_another_end(block, pos, known, final=final)

    def _has_another_end(
        self, block: Element, pos: int, known: Known, *, final: bool, within_bytes: int = 1 << _SIZE_BITS
    ) -> bool | None:
        """Whether a sequence begins, or the bytes end, where the block would end with one bit of its size changed.

        It is looked for `within_bytes`: where what comes next seems to be a block, no shorter one is before it.
        """
        body, buf = block.body - 4 - self._stream.offset, self._stream.buf
        others = (body + (pos - body ^ 1 << bit) for bit in range(_SIZE_BITS))
        stop = min(len(buf) + 1, pos + within_bytes)
        ends = [end for end in others if pos < end < stop and is_opus(buf[body + 4 : end])]
        verdicts = [
            resembles_head(buf, end, known, bits=_SURE_BITS) or sequence_at(buf, end, known, final=final)
            for end in ends
        ]
        if True in verdicts or (final and len(buf) in ends):
            return True
        return None if None in verdicts and not final else False

    def may_be_cut(self) -> bool:
        """Whether the last piece was put after a part of an element, which is more than Chrome's blobs end with."""
        boundaries = self._stream.boundaries
        return self.broken_at is None and bool(boundaries) and boundaries[-1] >= _LEAST_CUT_BYTES

    def is_cut(self, known: Known) -> bool:
        """Whether a sequence begins where the last piece was put after a part of an element: that has lost its end."""
        at = self._stream.boundaries[-1]
        with suppress(ValueError):
            header = ebml.read_header(self._stream.buf, 0)
            if header and header[2] + header[1] <= at:
                return False
        rest = self._stream.buf[at:]
        return any(sequence_at(prefix + rest, 0, known, final=False, one_is_enough=False) for prefix in CUT_PREFIXES)

    # -- the search

    def search(self, known: Known, *, final: bool) -> Place | None:
        """Where the next sequence begins.

        None, and the buffer shortened, where more bytes are needed for it.
        """
        place, undecided = self._look(self._from, len(self._stream.buf) + 1, known, final=final, but={self._but})
        if place is None:
            count = min(undecided, len(self._stream.buf))
            self._stream.forget(count)
            self._cuts = [at - count for at in self._cuts if at >= count]
            self._from, self._but = 0, self._but - count
            return None
        assert self.broken_at is not None
        self.skipped_bytes = self._stream.offset + place.at - self.broken_at
        if self.skipped_bytes:
            self._stream.ledger.damage(self.broken_at, self._stream.offset + place.at, self.reason)
        ledger = self._stream.ledger
        begins_in = ledger.piece_at(self.broken_at)
        self.may_have_lost_bytes = bool(place.prefix) or begins_in != ledger.piece_at(self._stream.offset + place.at)
        self.broken_at = None
        self._cuts = []
        self.forget_recent()
        return place

    def _look(
        self, start: int, stop: int, known: Known, *, final: bool, but: Collection[int] = ()
    ) -> tuple[Place | None, int]:
        """The first plausible place from `start` on, before `stop`; and from where on nothing can be decided yet."""
        buf, undecided = self._stream.buf, stop
        cuts = [at for at in self._cuts if start <= at < stop]
        for cut in [*cuts, stop]:
            ends = [at for at in self._cuts if at > start]
            search = find_resync_point(buf, start, known, final=final, stop=cut, ends=ends, but=but)
            if search.found is not None:
                return Place(search.found), search.found
            undecided = min(undecided, search.forget)
            if cut in cuts:
                prefixes = CUT_PREFIXES[cut in but :]
                # Firefox's size without its first bytes looks like a short one: a block after a prefix proves little.
                verdicts = [
                    sequence_at(prefix + buf[cut:], 0, known, final=final, one_is_enough=False) for prefix in prefixes
                ]
                if True in verdicts:
                    return Place(cut, prefixes[verdicts.index(True)]), cut
                if None in verdicts and not final:
                    undecided = min(undecided, cut)
            start = cut
        return None, undecided

    def end(self, reason: str) -> None:
        """Nothing comes after the buffer: what is left of it is counted, as damage for a `reason`, and dropped."""
        stream = self._stream
        stream.lose()
        if self.broken_at is not None:
            if stream.end > self.broken_at:
                stream.ledger.damage(self.broken_at, stream.end, self.reason)
            self.broken_at = stream.end
        elif stream.buf in CUT_PREFIXES:
            stream.structure(0, len(stream.buf))
        else:
            stream.ledger.damage(stream.real(0), stream.end, reason)
        stream.forget(len(stream.buf))
        self._from, self._but, self._cuts = 0, -1, []
        self.forget_recent()


def _is_filled(payload: bytes, behind: bytes) -> bool:
    """Whether what wiped out the bytes after a packet seems to have begun in it: zeroes, or text."""
    if not any(behind):
        return payload[-1] == 0
    return _TEXT.issuperset(behind) and _TEXT.issuperset(payload[-_FEW_LETTERS:])
