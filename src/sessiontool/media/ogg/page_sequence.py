"""An Ogg stream as a sequence of pages: the next page, whole or damaged, and the damage before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..packets import CUT, Ledger
from .pages import CAPTURE, MAX_IN_VAIN, damaged_page_at, page_at

if TYPE_CHECKING:
    from .pages import ExpectedPage, Page

_HURRIED_STEP_BYTES = 256  # chosen: bytes made to look like pages must not cost hours
_LEAST_PAGE_BYTES = 2048  # chosen: recorders' pages of sound are larger (Firefox: 26 packets, measured)
_NO_PAGE = "no Ogg page"


class PageSequence:
    """Bytes in, pages out.  `explained` where bytes were skipped or are missing since the last page of the recording.

    What is skipped is counted as damage in `ledger`; the bytes of a page are its demuxer's to count.
    """

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.explained = False
        self._buf = b""
        self._pos = 0  # in _buf, up to which it was read
        self._offset = 0  # of _buf in the stream
        self._broken_at: int | None = None  # offset where the sequence broke off
        self._reason = ""
        self._in_vain = 0  # checksums computed since the last page
        self._damaged_pages = 0  # places where a page seemed to be damaged
        self._begun = False  # there was a page

    def append(self, data: bytes) -> None:
        """The next piece of the stream."""
        self.ledger.begin_piece(len(data))
        self._buf = self._buf[self._pos :] + data if self._pos < len(self._buf) else bytes(data)
        self._offset += self._pos
        self._pos = 0

    def lose(self, reason: str) -> None:
        """Bytes are missing after all that was fed."""
        self._break_off(self._offset + self._pos, reason)

    def end(self) -> None:
        """No more bytes will come, or not in this sequence: what is left is damage."""
        if self._pos < len(self._buf):
            self._break_off(self._offset + self._pos, CUT)
        self._pos = len(self._buf)
        self._go_on()

    def next_page(self, expected: ExpectedPage, *, final: bool) -> Page | None:
        """The next page; None where more bytes are needed for it.  With `final` no more will come."""
        at, page, reason = self._find(expected, final=final)
        if at > self._pos:
            self._break_off(self._offset + self._pos, reason)
        self._pos = at
        if page is not None:
            self._go_on()
            self._in_vain, self._begun = 0, True
            self._pos = at + page.size_bytes
        return page

    def _find(self, expected: ExpectedPage, *, final: bool) -> tuple[int, Page | None, str]:
        """The next page and where it begins, and what was wrong before it.

        Without one it is the place where bytes begin that may become one.
        """
        reason = ""
        at = self._pos if self._in_place else self._buf.find(CAPTURE, self._pos)
        while at >= 0:
            try:
                page = self._page_at(at, expected, final=final)
            except ValueError as error:
                reason = reason or str(error)
                self._in_vain += 1
            else:
                return at, page, reason or _NO_PAGE
            at = self._buf.find(CAPTURE, at + (1 if self._in_vain < MAX_IN_VAIN else _HURRIED_STEP_BYTES))
        tail = 0 if final else next(n for n in (3, 2, 1, 0) if self._buf.endswith(CAPTURE[:n]))
        return max(self._pos, len(self._buf) - tail), None, reason or _NO_PAGE

    @property
    def _in_place(self) -> bool:
        """Whether a page has to begin where the last one ended."""
        return self._broken_at is None and self._begun

    def _page_at(self, at: int, expected: ExpectedPage, *, final: bool) -> Page | None:
        """A page at `at`, whole or damaged; None where bytes lack that may come, ValueError where there is none."""
        try:
            page = page_at(self._buf, at, self._offset)
            if page or not final:
                return page
            reason = CUT
        except ValueError as error:
            reason = str(error)
        if self._in_vain >= MAX_IN_VAIN:
            raise ValueError(reason)
        # Each page that is damaged is looked into, as recorders make them; bytes made to look like pages are smaller.
        self._damaged_pages += 1
        may_mend = self._damaged_pages < MAX_IN_VAIN + (self._offset + at) // _LEAST_PAGE_BYTES
        in_place = at == self._pos and self._in_place
        expected = replace(expected, may_mend=may_mend, is_in_place=in_place)
        try:
            meets = [start - self._offset for start in self.ledger.starts_after(self._offset + at)]
            return damaged_page_at(self._buf, at, self._offset, expected, meets=meets, final=final)
        except ValueError as error:
            raise ValueError(reason) from error

    def _break_off(self, offset: int, reason: str) -> None:
        if self._broken_at is None:
            self._broken_at, self._reason = offset, reason

    def _go_on(self) -> None:
        """The sequence goes on where it was read to, or ends there."""
        if self._broken_at is None:
            return
        offset = self._offset + self._pos
        if offset > self._broken_at:
            self.ledger.damage(self._broken_at, offset, self._reason)
        self._broken_at = None
        self.explained = True
