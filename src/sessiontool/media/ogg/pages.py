"""Pages of Ogg (RFC 3533): whole ones by their checksum, and damaged ones by everything else that they say.

A checksum shows that a byte of a page is wrong, not which.  Most of such a page is intact all the same: where the head
names the recording and the number that is expected, or where the page ends just before the next one, and packets begin
as the recording's packets do, its segment table gives their bounds.  One wrong bit in that table shows in where the
page ends, and is found by it.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from contextlib import suppress
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from ..opus import is_opus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CAPTURE = b"OggS"
CONTINUED, FIRST, LAST = 1, 2, 4  # flags (RFC 3533, section 6)
NO_GRANULE = -1  # no packet ends on the page (RFC 3533, section 6)
MAX_IN_VAIN = 64  # checksums; chosen: bytes made to look like pages must not cost hours
_HEADER = struct.Struct("<4sBBqIIIB")  # capture, version, flags, granule, stream, number, checksum, segments
_CHECKSUM_AT = 22  # byte of a page (RFC 3533, section 6)
_STREAM_AT, _NUMBER_AT = 14, 18  # bytes of a page (RFC 3533, section 6)
_FURTHER_PAGES = 1 << 16  # chosen: 9 hours at Firefox's half second a page; no more are missing at once
_ENOUGH = 3  # chosen: packets that begin alike, where it is not known how they begin
_MOST_BYTES = _HEADER.size + 255 + 255 * 255
"""The largest page there can be (RFC 3533, section 6)."""


class PagePiece(Struct, frozen=True):
    """A packet, or the part of one that is on a page: where in the stream it begins, its bytes, how many there were.

    A piece of which the end is missing has fewer bytes than its size; one `is_torn` that goes over into other bytes.
    """

    offset: int
    data: bytes
    size_bytes: int
    is_torn: bool = False

    @property
    def is_whole(self) -> bool:
        return len(self.data) == self.size_bytes and not self.is_torn


class Page(Struct, frozen=True):
    """A page.  `is_intact` if its checksum is right.

    `pieces` are its packets; the first may continue one from the page before, the last may go on in the next (`open`).
    `written` is the number in the head of a damaged one, where that may be wrong.
    """

    offset: int
    head_bytes: int
    size_bytes: int
    flags: int
    granule: int
    stream: int
    number: int
    pieces: tuple[PagePiece, ...]
    open: bool
    is_intact: bool = True
    written: int | None = None


class ExpectedPage(Struct):
    """What is known of the recording, which a damaged page has to agree with: stream and page number, and TOC bytes.

    Without any TOC bytes those of the page decide: packets of one recorder are of one kind.
    """

    stream: int | None = None
    number: int | None = None
    tocs: frozenset[int] = field(default_factory=frozenset)
    goes_on: bool = False  # a packet goes on in the next page
    is_in_place: bool = False  # the page before it ended there: it has the number that is expected
    may_mend: bool = True  # a wrong segment table is looked into, which takes long

    def is_known_by(self, stream: int) -> bool:
        """Whether a page is of the recording: one of its pages was read, or this one names its stream."""
        return self.stream is not None and (self.number is not None or stream == self.stream)

    def or_of(self, packets: Sequence[bytes]) -> ExpectedPage:
        """The same with the kind of most packets, where none is known."""
        heard = [packet for packet in packets if packet.strip(b"\0")]  # the others were wiped out
        if self.tocs or not heard:
            return self
        ((toc, _),) = Counter(packet[0] for packet in heard).most_common(1)
        return replace(self, tocs=frozenset({toc}))

    def fits(self, piece: PagePiece) -> bool:
        """Whether a packet is of the recording's kind; of one that is cut the beginning."""
        if not piece.data or (self.tocs and piece.data[0] not in self.tocs):
            return False
        return not piece.is_whole or is_opus(piece.data)


def page_at(buf: bytes, at: int, offset: int = 0) -> Page | None:
    """The page at `at`, None where bytes lack; ValueError says why there is none.  `offset` is that of `buf`."""
    if len(buf) - at < _HEADER.size:
        return None
    _, version, flags, granule, stream, number, checksum, segments = _HEADER.unpack_from(buf, at)
    if buf[at : at + 4] != CAPTURE or version or flags > (CONTINUED | FIRST | LAST):
        raise ValueError("no Ogg page")
    body = at + _HEADER.size + segments
    lacing = buf[at + _HEADER.size : body]
    end = body + sum(lacing)
    if len(lacing) < segments or end > len(buf):
        return None
    if _checksum(buf[at : at + _CHECKSUM_AT], bytes(4), buf[at + _CHECKSUM_AT + 4 : end]) != checksum:
        raise ValueError(f"the checksum of Ogg page {number} is wrong")
    pieces = _pieces(buf, body, lacing, offset, end)
    return Page(offset + at, body - at, end - at, flags, granule, stream, number, pieces, lacing[-1:] == b"\xff")


def _pieces(buf: bytes, body: int, lacing: bytes, offset: int, end: int) -> tuple[PagePiece, ...]:
    """The packets that a segment table lists; nothing of them is after `end`."""
    pieces, start, size = [], body, 0
    for length in lacing:
        size += length
        if length < 255:
            pieces.append(PagePiece(offset + start, buf[start : min(start + size, end)], size))
            start, size = start + size, 0
    if lacing[-1:] == b"\xff":
        pieces.append(PagePiece(offset + start, buf[start : min(start + size, end)], size))
    return tuple(pieces)


def holds_ogg(data: bytes) -> bool:
    """Whether there is a page whose checksum is right anywhere in `data`."""
    at = data.find(CAPTURE)
    for _ in range(MAX_IN_VAIN):
        if at < 0:
            return False
        with suppress(ValueError):
            if page_at(data, at):
                return True
        at = data.find(CAPTURE, at + 1)
    return False


_REVERSED_BITS = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))


def _checksum(*parts: bytes) -> int:
    """Ogg's CRC-32 is zlib's with the highest bit first and nothing inverted; zlib computes it of reversed bits."""
    crc = 0xFFFFFFFF
    for part in parts:
        crc = zlib.crc32(part.translate(_REVERSED_BITS), crc)
    return int.from_bytes((crc ^ 0xFFFFFFFF).to_bytes(4, "little").translate(_REVERSED_BITS), "big")


# -- damaged pages


def damaged_page_at(
    buf: bytes, at: int, offset: int, expected: ExpectedPage, *, meets: Sequence[int] = (), final: bool
) -> Page | None:
    """The page of the recording at `at` whose checksum is wrong, or whose end is missing, as far as it can be believed.

    None where more bytes are needed; ValueError where there is none.  Where two pieces meet (`meets`), bytes may be
    missing, or others be between.  With `final` no more bytes will come.
    """
    if len(buf) - at < _HEADER.size:
        if final:
            raise ValueError("no Ogg page")
        return None
    capture, version, flags, granule, stream, number, _, _ = _HEADER.unpack_from(buf, at)
    is_plain = capture == CAPTURE and not version and flags <= (CONTINUED | FIRST | LAST)
    is_known = expected.is_known_by(stream)
    if not is_known:
        expected = replace(expected, stream=stream if is_plain else None)
    following = None if expected.stream is None else _next_page(buf, at + len(CAPTURE), expected.stream)
    written = number if is_plain and is_known and stream == expected.stream else None
    if expected.is_in_place and expected.number is not None and _number_at(buf, following) != number + 1:
        number = expected.number
    is_named = is_known and stream == expected.stream and _follows(number, expected.number)
    if following is None and final:
        following = len(buf)
    if following is None and len(buf) - at < _MOST_BYTES:
        return None
    table = _Table(buf, at, expected, following)
    if table.end != following and is_known and expected.may_mend and (mended := table.mended()):
        table = mended
    if not table.is_plausible(has_head=is_plain and is_named, is_known=is_known):
        raise ValueError(f"the checksum of Ogg page {number} is wrong")
    stop = len(buf) if following is None else following
    odd = table.odd_seams([place for place in meets if at < place < stop], stop)
    if odd and table.end != following:
        stop = odd[0]
    goes_on = bool(flags & CONTINUED) if is_plain and number != expected.number else expected.goes_on
    lacing = table.lacing if table.end == following else table.lacing[: table.sure_segments()]
    assert expected.stream is not None
    return Page(
        offset + at,
        table.body - at,
        min(table.body + sum(lacing), stop) - at,
        (CONTINUED if goes_on else 0) | (flags & LAST if is_plain else 0),
        granule if is_plain else NO_GRANULE,
        expected.stream,
        number if is_named or expected.number is None else expected.number,
        _torn(_pieces(buf, table.body, lacing, offset, stop), [offset + place for place in odd]),
        lacing[-1:] == b"\xff" and table.end <= stop,
        is_intact=False,
        written=written,
    )


def _torn(pieces: tuple[PagePiece, ...], places: Sequence[int]) -> tuple[PagePiece, ...]:
    """Pieces of which those are torn that go over one of these places."""
    crossed = [any(one.offset < place < one.offset + len(one.data) for place in places) for one in pieces]
    return tuple(replace(one, is_torn=is_torn) for one, is_torn in zip(pieces, crossed, strict=True))


def _number_at(buf: bytes, at: int | None) -> int | None:
    """The number of the page at `at`, as it is written; None without one."""
    field = buf[at + _NUMBER_AT : at + _NUMBER_AT + 4] if at is not None else b""
    return int.from_bytes(field, "little") if len(field) == 4 else None


def _follows(number: int, expected: int | None) -> bool:
    return expected is None or 0 <= number - expected < _FURTHER_PAGES


def _next_page(buf: bytes, start: int, stream: int) -> int | None:
    """Where the recording's next page begins in `buf`."""
    marked = stream.to_bytes(4, "little")
    at = buf.find(CAPTURE, start)
    while at >= 0:
        if buf[at + _STREAM_AT : at + _STREAM_AT + 4] == marked and not buf[at + 4]:
            return at
        at = buf.find(CAPTURE, at + 1)
    return None


class _Table:
    """A segment table, and what supports it."""

    def __init__(
        self, buf: bytes, at: int, expected: ExpectedPage, following: int | None, lacing: bytes | None = None
    ) -> None:
        segments_at = at + _HEADER.size - 1
        self.lacing = buf[segments_at + 1 : segments_at + 1 + buf[segments_at]] if lacing is None else lacing
        self.body = segments_at + 1 + len(self.lacing)
        self.end = self.body + sum(self.lacing)
        self._buf, self._at, self._expected, self._following = buf, at, expected, following

    def is_plausible(self, *, has_head: bool, is_known: bool) -> bool:
        """Whether its packets may be believed: it ends where the next page begins, or the head is right."""
        fitting, packets = self.count()
        if self.end == self._following:
            return fitting > 0 and (has_head or fitting * 2 >= packets)
        if not is_known or not packets:
            return False
        if fitting == packets >= _ENOUGH:
            return True
        return has_head and (fitting == packets or self._expected.fits(self._starts()[0]))

    def count(self) -> tuple[int, int]:
        """How many of its packets are of the recording's kind, and how many there are."""
        starts = self._starts()
        expected = self._expected.or_of([piece.data for piece in starts])
        return sum(map(expected.fits, starts)), len(starts)

    def _starts(self) -> list[PagePiece]:
        """The packets that begin on the page, as far as they are there."""
        stop = len(self._buf) if self._following is None else self._following
        pieces = _pieces(self._buf, self.body, self.lacing, 0, stop)
        return [piece for piece in pieces[self._expected.goes_on :] if piece.data]

    def odd_seams(self, seams: Sequence[int], stop: int) -> list[int]:
        """The places at which pieces meet and behind or before which packets do not begin as the recording's do.

        Pieces in which none begins are judged with those behind them; a single one that ends the page otherwise than
        the table says is odd, of many none.
        """
        starts = _pieces(self._buf, self.body, self.lacing, 0, stop)[self._expected.goes_on :]
        expected = self._expected.or_of([piece.data for piece in starts])
        odd: list[int] = []
        open_seams: list[int] = []
        was_odd = False
        for seam, until in pairwise([*(seam for seam in seams if seam >= self.body), stop]):
            open_seams.append(seam)
            begun = [piece for piece in starts if seam <= piece.offset < until and piece.data]
            if begun:
                is_odd = sum(map(expected.fits, begun)) * 2 < len(begun)
                odd += open_seams if is_odd or was_odd else []
                open_seams, was_odd = [], is_odd
        return odd or (open_seams if len(seams) == 1 and self.end != self._following else [])

    def mended(self) -> _Table | None:
        """The table with one bit changed, such that it ends at the next page and all packets are of the kind."""
        if self._following is None:
            return None
        best: list[tuple[int, _Table]] = []
        # A packet that becomes empty is none: no table with fewer of them is a better one.
        fitting_before, packets_before = self.count()
        enough = max(1 if self._expected.tocs else _ENOUGH, min(packets_before, len(self.lacing)))
        # Where the bytes end, a table that has only its last packet too long may as well be cut short.
        may_be_cut = self._following == len(self._buf) < self.end
        last = self._last_segments() if may_be_cut else len(self.lacing)
        for lacing in self._changed(last):
            table = _Table(self._buf, self._at, self._expected, self._following, lacing)
            fitting, packets = table.count()
            is_better = fitting >= fitting_before and fitting * 10 >= packets * 9
            if table.end == self._following and packets >= enough and is_better:
                best.append((packets - 2 * fitting, table))
        return min(best, key=itemgetter(0))[1] if best else None

    def sure_segments(self) -> int:
        """How many of its segments are before an empty packet, behind which nothing says where others begin."""
        empty = (
            place
            for place, length in enumerate(self.lacing)
            if not length and (self.lacing[place - 1] < 255 if place else not self._expected.goes_on)
        )
        return next(empty, len(self.lacing))

    def _last_segments(self) -> int:
        """Where in the table the last packet begins."""
        ends = [place for place, length in enumerate(self.lacing[:-1]) if length < 255]
        return ends[-1] + 1 if ends else 0

    def _changed(self, last: int) -> Iterator[bytes]:
        """Tables with one bit changed, in front of the entry `last`."""
        segments_at = self._at + _HEADER.size - 1
        for bit in range(8):
            count = self._buf[segments_at] ^ 1 << bit
            yield self._buf[segments_at + 1 : segments_at + 1 + count]
        assert self._following is not None
        difference = self._following - self.end
        bit = abs(difference)
        if bit & (bit - 1) or not 0 < bit < 256:
            return
        for place in range(last):
            if bool(self.lacing[place] & bit) == (difference < 0):
                changed = bytearray(self.lacing)
                changed[place] ^= bit
                yield bytes(changed)
