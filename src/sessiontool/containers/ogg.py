"""Reads Ogg with one Opus stream, as Firefox records it (RFC 3533 pages, RFC 7845 Opus in Ogg).

The contract is that of `webm.packets.Reader`: pieces may be cut anywhere.  Nothing here decodes; Opus alone is read.

The strategy.  A page is believed when its checksum is right, whatever stands before it; what is no such page is skipped
and noted, so damage costs the pages it hits and no other.  Page numbers tell whether any is missing.

The times.  A page's granule position counts the samples up to the end of its last whole packet, the pre-skip included;
a packet's time is that less the durations from it to there.  So a lost page is a jump in the times and moves nothing
after it.  Recorder time zero is the first sample of the recording's first packet, the pre-skip included.  Where the
first page of sound is there, its first packet is at 0 whatever its granule says (a stream joined late counts from
somewhere else); where it is lost, granules are taken as they are.
"""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import accumulate

from ..errors import RecordingError
from ..webm.opus import MAX_PACKET_BYTES, OpusHead, PacketSamples
from ..webm.packets import Damage, Packets, Track
from ..webm.runs import RunCollector

_CAPTURE = b"OggS"
_HEADER = struct.Struct("<4sBBqIIIB")  # capture, version, flags, granule, stream, number, checksum, segments
_CHECKSUM_AT = 22
_CONTINUED, _FIRST, _LAST = 1, 2, 4
_NO_GRANULE = -1
_SAMPLES_PER_MS = 48
_MAX_IN_VAIN, _HURRIED_STEP_BYTES = 64, 256  # bytes made to look like pages must not cost hours
_GUESSED_PRE_SKIP = 312  # libopus's delay, which every Firefox declares

_CODECS = (
    (b"OpusHead", "Opus"),
    (b"\x01vorbis", "Vorbis"),
    (b"\x7fFLAC", "FLAC"),
    (b"Speex   ", "Speex"),
    (b"\x80theora", "Theora"),
    (b"OVP80", "VP8"),
    (b"fishead\0", "Skeleton"),
    (b"PCM     ", "PCM"),
    (b"CELT    ", "CELT"),
)


@dataclass(frozen=True, slots=True)
class Page:
    """A page whose checksum is right.

    `pieces` are its packets; the first may continue one from the page before, the last may go on in the next (`open`).
    """

    size_bytes: int
    flags: int
    granule: int
    stream: int
    number: int
    pieces: tuple[bytes, ...]
    open: bool


def page_at(buf: bytes, at: int) -> Page | None:
    """The page at `at`, None where bytes lack; ValueError says why there is none."""
    if len(buf) - at < _HEADER.size:
        return None
    _, version, flags, granule, stream, number, checksum, segments = _HEADER.unpack_from(buf, at)
    if buf[at : at + 4] != _CAPTURE or version or flags > (_CONTINUED | _FIRST | _LAST):
        raise ValueError("no Ogg page")
    body = at + _HEADER.size + segments
    lacing = buf[at + _HEADER.size : body]
    end = body + sum(lacing)
    if len(lacing) < segments or end > len(buf):
        return None
    if _checksum(buf[at : at + _CHECKSUM_AT], bytes(4), buf[at + _CHECKSUM_AT + 4 : end]) != checksum:
        raise ValueError(f"the checksum of Ogg page {number} is wrong")
    pieces, start, size = [], body, 0
    for length in lacing:
        size += length
        if length < 255:
            pieces.append(buf[start : start + size])
            start, size = start + size, 0
    is_open = bool(lacing) and lacing[-1] == 255
    if is_open:
        pieces.append(buf[start:end])
    return Page(end - at, flags, granule, stream, number, tuple(pieces), is_open)


def holds_ogg(data: bytes) -> bool:
    """Whether there is a page whose checksum is right anywhere in `data`."""
    at = data.find(_CAPTURE)
    for _ in range(_MAX_IN_VAIN):
        if at < 0:
            return False
        with suppress(ValueError):
            if page_at(data, at):
                return True
        at = data.find(_CAPTURE, at + 1)
    return False


_REVERSED_BITS = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))


def _checksum(*parts: bytes) -> int:
    """Ogg's CRC-32 is zlib's with the highest bit first and nothing inverted; zlib computes it of reversed bits."""
    crc = 0xFFFFFFFF
    for part in parts:
        crc = zlib.crc32(part.translate(_REVERSED_BITS), crc)
    return int.from_bytes((crc ^ 0xFFFFFFFF).to_bytes(4, "little").translate(_REVERSED_BITS), "big")


class OggReader:
    """Bytes in, packets out; see the module's docstring.

    `end_trim_samples` is what the last page asks players to leave off (RFC 7845, section 4.5); its packets come whole.
    Raises RecordingError only where nothing can follow: no Opus stream, or one of more than two channels.
    """

    def __init__(self) -> None:
        self.track: Track | None = None
        self.header_missing = False
        self.damages: list[Damage] = []
        self.end_trim_samples = 0
        self._buf = b""
        self._offset = 0  # of _buf in what was fed
        self._broken_at: int | None = None  # offset where the row of pages broke off
        self._reason = ""
        self._in_vain = 0  # checksums computed since the last page
        self._explained = False  # bytes were skipped or are missing since the stream's last page
        self._others: dict[int, str] = {}  # streams that are passed over, and their codecs
        self._beginning = False  # the last page was a stream's first: more of them may follow
        self._recording = -1
        self._ended = False  # its last page was read
        self._next_number: int | None = None
        self._open: list[bytes] | None = None  # the pieces of a packet that goes on in the next page
        self._open_bytes = 0
        self._zero: int | None = None  # the granule of recorder time zero
        self._position = 0  # samples since then, up to the end of the last packet
        self._adrift = False  # the position is older than the last break
        self._samples = PacketSamples()
        self._runs = RunCollector()

    # -- the calls

    def feed(self, data: bytes) -> list[Packets]:
        """The packets completed by `data`, the next piece of the stream."""
        self._buf += data
        self._read(final=False)
        return self._runs.take()

    def lost(self, reason: str) -> list[Packets]:
        """Bytes are missing after what was fed: what is pending cannot be completed."""
        runs = self.close()
        self._break_off(self._offset, reason)
        self._forget(len(self._buf))
        return runs

    def close(self) -> list[Packets]:
        """No more bytes will come, or not in this row: returns packets that waited for the bytes after them."""
        self._read(final=True)
        if self._broken_at is not None:
            self._note_skipped(self._offset)
        return self._runs.take()

    @property
    def pending_bytes(self) -> int:
        """Bytes at the end that belong to no whole page."""
        return len(self._buf)

    # -- the row of pages

    def _read(self, *, final: bool) -> None:
        pos = 0
        while True:
            at, page, reason = self._find_page(pos, final=final)
            if final and page is None:
                break  # a page that is only cut short stays pending
            if at > pos:
                self._break_off(self._offset + pos, reason)
            pos = at
            if page is None:
                break
            if self._broken_at is not None:
                self._note_skipped(self._offset + at)
            self._in_vain = 0
            self._read_page(page, self._offset + at)
            pos += page.size_bytes
        self._forget(pos)

    def _find_page(self, pos: int, *, final: bool) -> tuple[int, Page | None, str]:
        """The next page from `pos` on and where it begins, and what was wrong before it.

        Without one it is the place where bytes begin that may become one.
        """
        reason = ""
        at = self._buf.find(_CAPTURE, pos)
        while at >= 0:
            try:
                page = page_at(self._buf, at)
            except ValueError as error:
                reason = reason or str(error)
                self._in_vain += 1
            else:
                if page or not final:
                    return at, page, reason or "no Ogg page"
                reason = reason or "an Ogg page is cut short"
            at = self._buf.find(_CAPTURE, at + (1 if self._in_vain < _MAX_IN_VAIN else _HURRIED_STEP_BYTES))
        tail = next(n for n in (3, 2, 1, 0) if self._buf.endswith(_CAPTURE[:n]))
        return max(pos, len(self._buf) - tail), None, reason or "no Ogg page"

    def _break_off(self, offset: int, reason: str) -> None:
        if self._broken_at is None:
            self._broken_at, self._reason = offset, reason

    def _note_skipped(self, offset: int) -> None:
        """The row goes on at `offset`, or ends there."""
        assert self._broken_at is not None
        if skipped := offset - self._broken_at:
            self.damages.append(Damage(self._broken_at, skipped, self._reason))
        self._broken_at = None
        self._explained = True

    def _forget(self, count: int) -> None:
        self._buf = self._buf[count:]
        self._offset += count

    # -- pages and streams

    def _read_page(self, page: Page, offset: int) -> None:
        beginning, self._beginning = self._beginning, bool(page.flags & _FIRST)
        if page.flags & _FIRST:
            self._begin_stream(page, offset, grouped=beginning)
            return
        if self.track is None or page.stream != self.track.number:
            if not self._adopt(page):
                return
            self._begin_recording(Track(page.stream, _guessed_head(page), ""), None)
            self.header_missing = True
        self._check_number(page, offset)
        self._ended = bool(page.flags & _LAST)
        # Some programs end a stream with an empty packet: there is nothing in it to keep or to lose.
        packets = [packet for packet in self._whole_packets(page, offset) if packet and not self._read_tags(packet)]
        if packets:
            self._place(page, packets, offset)

    def _begin_stream(self, page: Page, offset: int, *, grouped: bool) -> None:
        """A stream's first page.  Multiplexed streams begin together (`grouped`); the first with Opus counts."""
        start = page.pieces[0] if page.pieces else b""
        codec = next((name for magic, name in _CODECS if start.startswith(magic)), "an unknown codec")
        self._others[page.stream] = codec
        if grouped and self.track is not None:
            return
        try:
            head = OpusHead.parse(start) if codec == "Opus" else None
        except RecordingError as error:
            if self.track is None:
                raise
            head, codec = None, error.message
        if head is not None:
            del self._others[page.stream]
            self._begin_recording(Track(page.stream, head, ""), page.number + 1)
        elif self.track is not None:
            self.damages.append(Damage(offset, 0, f"from here on the Ogg file holds {codec}"))

    def _begin_recording(self, track: Track, next_number: int | None) -> None:
        self.track = track
        self._recording += 1
        self._ended = False
        self._next_number = next_number
        self._open = None
        self._zero, self._position, self._adrift = None, 0, next_number is None
        if next_number is not None:
            self._explained = False

    def _adopt(self, page: Page) -> bool:
        """Whether a page of another stream belongs to a recording whose first pages are lost.

        It does if nothing else is known, or the one at hand has ended or lost bytes, and its packets might be Opus.
        """
        if page.stream in self._others:
            if self.track is None and not self.damages:
                raise RecordingError(
                    f"no Opus stream in the Ogg file; it holds: {', '.join(sorted(set(self._others.values())))}",
                    hint="record with mimeType 'audio/ogg;codecs=opus'; other codecs would have to be re-encoded",
                )
            return False
        if self.track is not None and not (self._explained or self._ended):
            self._others[page.stream] = "an unknown codec"
            return False
        whole = _beginnings(page)
        return bool(whole) and all(self._samples[packet[:2]] for packet in whole)

    def _check_number(self, page: Page, offset: int) -> None:
        expected, self._next_number = self._next_number, page.number + 1
        if expected != page.number:
            self._runs.note_break()
            self._open = None
            self._adrift = True
            if expected is not None and not self._explained:
                missing = page.number - expected
                what = f"{missing} Ogg pages are missing" if missing > 0 else f"Ogg page {page.number} comes too late"
                self.damages.append(Damage(offset, 0, what))
        self._explained = False

    def _whole_packets(self, page: Page, offset: int) -> list[bytes]:
        """The packets that end on this page."""
        pieces = list(page.pieces)
        packets = []
        if page.flags & _CONTINUED and pieces:
            piece = pieces.pop(0)
            if self._open is not None:
                self._continue(piece)
                if pieces or not page.open:
                    packets += self._joined(offset)
        self._open = self._open if page.open and not pieces else None
        if page.open and pieces:
            self._open, self._open_bytes = [], 0
            self._continue(pieces.pop())
        return packets + pieces

    def _continue(self, piece: bytes) -> None:
        """Add to the packet that goes on; of one that is too long (a picture in the tags) the beginning is kept."""
        assert self._open is not None
        if self._open_bytes <= MAX_PACKET_BYTES:
            self._open.append(piece)
        self._open_bytes += len(piece)

    def _joined(self, offset: int) -> list[bytes]:
        assert self._open is not None
        packet = b"".join(self._open)
        if self._open_bytes <= MAX_PACKET_BYTES or packet.startswith(b"OpusTags"):
            return [packet]
        self.damages.append(Damage(offset, 0, f"a packet of {self._open_bytes:,} bytes is not Opus"))
        return []

    # -- packets

    def _read_tags(self, packet: bytes) -> bool:
        """Whether the packet is the second header; it names the program that wrote the recording."""
        if self._position or not packet.startswith(b"OpusTags"):
            return False
        assert self.track is not None
        self.track = replace(self.track, writing_app=_writing_app(packet))
        return True

    def _place(self, page: Page, packets: list[bytes], offset: int) -> None:
        durations = [self._samples[packet[:2]] for packet in packets]
        start = self._start_of(page, sum(durations))
        placed = page.granule != _NO_GRANULE or not self._adrift
        self._adrift = not placed
        ends = accumulate(durations, initial=start)
        for packet, duration, samples in zip(packets, durations, ends, strict=False):
            if duration:
                self._runs.add(self._recording, placed, packet, samples // _SAMPLES_PER_MS, duration)
            else:
                self._runs.note_break()
                self.damages.append(Damage(offset, len(packet), "not an Opus packet"))
        self._position = start + sum(durations)

    def _start_of(self, page: Page, length: int) -> int:
        """Recorder time in samples of the first packet that ends on this page; `length` is that of all that do."""
        is_last = bool(page.flags & _LAST)
        if page.granule == _NO_GRANULE:
            return self._position
        if self._zero is None:
            trimmed = is_last and page.granule < length
            self._zero = 0 if self._adrift or trimmed else page.granule - length
        start = page.granule - self._zero - length
        if not is_last:
            return start
        self.end_trim_samples = max(0, self._position - start)
        return max(start, self._position)


def _beginnings(page: Page) -> tuple[bytes, ...]:
    """What begins on the page."""
    return page.pieces[1 if page.flags & _CONTINUED else 0 :]


def _guessed_head(page: Page) -> OpusHead:
    """The header of a recording that lost it, from the TOC byte of a packet (RFC 6716, section 3.1)."""
    packet = _beginnings(page)[0]
    return OpusHead(channels=2 if packet[0] & 4 else 1, pre_skip=_GUESSED_PRE_SKIP)


def _writing_app(tags: bytes) -> str:
    """The `ENCODER` comment, or else the vendor string (RFC 7845, section 5.2), as far as the tags can be read."""
    strings: list[str] = []
    pos = 8
    while pos + 4 <= len(tags) and len(strings) < 64:
        size = int.from_bytes(tags[pos : pos + 4], "little")
        strings.append(tags[pos + 4 : pos + 4 + size].decode("utf-8", "replace"))
        pos += 4 + size + (4 if len(strings) == 1 else 0)  # the number of comments follows the vendor string
    encoder = next((string[8:] for string in strings[1:] if string[:8].upper() == "ENCODER="), "")
    return encoder or (strings[0] if strings else "")
