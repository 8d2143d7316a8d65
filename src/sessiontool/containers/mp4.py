"""Reads MP4 with one Opus track in fragments, as Chrome and Safari record it (ISO/IEC 14496-12).

The contract is that of `webm.packets.Reader`: pieces may be cut anywhere.  Nothing here decodes; Opus alone is read.
Files without fragments are read too if their index comes first; if it comes last, the refusal says how to move it.

The strategy.  Top-level boxes are one flat row.  `moov` and `moof` are read whole and tell where packets will be; the
bytes of other boxes stream by, and a packet is given as soon as it is whole.  A piece that was cut short puts the
beginning of the next fragment inside a box that claims more than there is.  Twelve fixed bytes betray that beginning,
and sound does not contain them by accident: where they turn up the row begins anew, so damage costs one fragment at
most.

The times.  A fragment's `tfdt` and its durations tell a packet's decoding time, which is the recorder's clock: Chrome's
runs with the wall clock, not with the samples, as in its WebM.  An edit list moves none of it; see `mp4boxes` for the
pre-skip.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from ..errors import RecordingError
from ..webm.opus import MAX_PACKET_BYTES, SAMPLES_PER_SECOND, OpusHead, PacketSamples
from ..webm.packets import Damage, Packets, Track
from ..webm.runs import RunCollector
from .mp4boxes import Fragment, Movie, Sample, read_fragment, read_header, read_movie

if TYPE_CHECKING:
    from collections.abc import Iterator

_BEGINNING = re.compile(
    rb"\0(?:[\0-\x0f]..moof\0\0\0\x10mfhd|[\0-\x3f]..moov\0\0..mvhd|\0\0[\x10-\xff][fs]typ[ -~]{4})",
    re.DOTALL,
)
"""Where a row begins: a plausible size, then fragment or movie with their first boxes, or a file type with a brand."""

_BEGINNING_BYTES = 16  # of the longest, with its size
_MAX_BUFFERED_BYTES = {b"moov": 1 << 22, b"moof": 1 << 20}
_PASSED = frozenset(
    {
        *(b"ftyp", b"styp", b"mdat", b"free", b"skip", b"wide", b"sidx", b"ssix", b"emsg", b"prft", b"pdin"),
        *(b"mfra", b"uuid", b"meta", b"udta"),
    }
)
_ENDLESS = 1 << 64
_ZEROES = bytes(8)  # a valid packet could begin so, but none does: something overwrote it


def begins_mp4(data: bytes) -> bool:
    """Whether `data` begins with a box that may stand at the top of an MP4."""
    return data[4:8] in _PASSED | _MAX_BUFFERED_BYTES.keys()


def holds_mp4(data: bytes) -> bool:
    """Whether an MP4's header or a fragment of one begins anywhere in `data`."""
    return _BEGINNING.search(data) is not None


class Mp4Reader:
    """Bytes in, packets out; see the module's docstring.

    `movie` is what the last header told.  Raises RecordingError only where nothing can follow: no Opus track,
    encryption, an index at the end.
    """

    def __init__(self) -> None:
        self.track: Track | None = None
        self.movie: Movie | None = None
        self.header_missing = False
        self.damages: list[Damage] = []
        self._buf = b""
        self._pos = 0  # in _buf; what is before was read, but may hide the beginning of a box after one that was cut
        self._offset = 0  # of _buf in what was fed
        self._broken_at: int | None = None  # offset where the row of boxes broke off
        self._reason = ""
        self._told = False  # somebody else told of the break: it is noted if bytes have to be skipped
        self._clear_to = 0  # offset up to which no beginning is in a box that is waited for
        self._tried_to = 0  # offset up to which every beginning was tried: none is tried twice
        self._box_end: int | None = None  # offset where the box ends that streams by
        self._samples: Iterator[Sample] = iter(())
        self._next: Sample | None = None  # the first of them that was not read
        self._fragment: Fragment | None = None
        self._shift = 0  # of times and of offsets: what has to be added to those of the samples
        self._moved = 0
        self._end_time = 0  # of the last fragment
        self._recording = -1
        self._placed = True
        self._explained = False  # bytes were skipped or are missing since the last fragment
        self._durations = PacketSamples()
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
        self._told = self._broken_at is None
        self._break_off(reason)
        self._pos = len(self._buf)
        self._forget(self._pos)
        return runs

    def close(self) -> list[Packets]:
        """No more bytes will come, or not in this row: returns packets that waited for the bytes after them."""
        self._read(final=True)
        if self._broken_at is not None:
            self._pos = len(self._buf)
            self._note_skipped(self._pos)
        return self._runs.take()

    @property
    def pending_bytes(self) -> int:
        """Bytes at the end that belong to no whole packet or box."""
        return len(self._buf) - self._pos

    # -- the row of boxes

    def _read(self, *, final: bool) -> None:
        while self._find_row() and self._read_on(final=final):
            pass
        self._forget(max(0, self._pos - (_BEGINNING_BYTES - 1)))

    def _read_on(self, *, final: bool) -> bool:
        """Read one box, or what is there of one that streams by; False where bytes lack."""
        try:
            return self._read_box() if self._box_end is None else self._pass_by(final=final)
        except (ValueError, struct.error) as error:
            self._break_off(str(error))
            return True

    def _read_box(self) -> bool:
        if self._beginning(self._pos, self._pos + _BEGINNING_BYTES) == self._pos:
            self._tried_to = self._offset + self._pos + 1
        header = read_header(self._buf, self._pos)
        if header is None:
            return False
        kind, size, body = header
        if kind in _PASSED:
            self._box_end = _ENDLESS if size is None else self._offset + body + size
            self._pos = body
            self._move_samples(kind)
            return True
        if size is None or size > _MAX_BUFFERED_BYTES.get(kind, -1):
            raise ValueError("no MP4 box that belongs here")
        end = body + size
        if self._beginning(max(self._pos + 1, self._clear_to - self._offset), end) is not None:
            raise ValueError(f"the {kind.decode()} box is cut short")
        self._clear_to = self._offset + min(end, len(self._buf)) - _BEGINNING_BYTES
        if end > len(self._buf):
            return False
        if kind == b"moov":
            self._begin_recording(self._buf[body:end])
        else:
            self._begin_fragment(self._buf[body:end])
        self._pos = end
        return True

    def _pass_by(self, *, final: bool) -> bool:
        """Take packets out of the box that streams by, up to its end or to where it turns out to be cut short."""
        assert self._box_end is not None
        found = self._beginning(self._pos, min(len(self._buf), self._box_end - self._offset + _BEGINNING_BYTES))
        cut_at = _ENDLESS if found is None else self._offset + found
        available = self._offset + len(self._buf)
        # The beginning of a box may be there in part.  Where this one ends it is in its place.
        safe = available if final or available >= self._box_end else available - (_BEGINNING_BYTES - 1)
        end = min(self._box_end, cut_at, safe)
        self._take_packets(end)
        if cut_at < self._box_end:
            raise ValueError("an MP4 box is cut short")
        if end < self._box_end:
            return False
        self._box_end = None
        return True

    def _take_packets(self, end: int) -> None:
        """Take the packets that end by `end`, and pass over what lies between them."""
        assert self._box_end is not None
        while (sample := self._next) is not None and sample.offset + self._moved < self._box_end:
            at = sample.offset + self._moved
            after = at + sample.size_bytes
            if at < self._offset + self._pos or after > self._box_end or sample.size_bytes > MAX_PACKET_BYTES:
                self._drop_unread("whose place is not where the fragment says")
                break
            if after > end:
                end = min(at, end)
                break
            self._add_packet(self._buf[at - self._offset : after - self._offset], sample)
            self._pos = after - self._offset
            self._next = next(self._samples, None)
        self._pos = max(self._pos, end - self._offset)

    def _drop_unread(self, why: str) -> None:
        if self._next is not None:
            self.damages.append(Damage(self._offset + self._pos, 0, f"packets {why}"))
            self._runs.note_break()
            self._expect(iter(()))

    def _forget(self, count: int) -> None:
        self._buf = self._buf[count:]
        self._offset += count
        self._pos -= count

    # -- where the row breaks off

    def _beginning(self, start: int, end: int) -> int | None:
        """Where in the buffer a box begins, from `start` on, that can only be the beginning of a row."""
        found = _BEGINNING.search(self._buf, start, end)
        return found.start() if found else None

    def _break_off(self, reason: str) -> None:
        """The row makes no sense from here on."""
        if self._broken_at is None:
            self._broken_at, self._reason = self._offset + self._pos, reason
        self._box_end = None
        self._expect(iter(()))

    def _find_row(self) -> bool:
        """Whether there is a row to read; where it broke off, look for where the next one begins."""
        if self._broken_at is None:
            return True
        # A packet that was taken from a box cut short by a few bytes has the next one's beginning at its end.
        earliest = max(0, self._pos - (_BEGINNING_BYTES - 1), self._tried_to - self._offset)
        at = self._beginning(earliest, len(self._buf))
        if at is None:
            self._pos = max(self._pos, len(self._buf) - (_BEGINNING_BYTES - 1))
            return False
        self._note_skipped(at)
        self._pos = at
        return True

    def _note_skipped(self, at: int) -> None:
        """The row goes on at `at` in the buffer, or ends there."""
        assert self._broken_at is not None
        # A packet may have ended behind `at`: then its end is what is damaged.
        start, end = sorted((self._broken_at, self._offset + at))
        if end > start or not self._told:
            self.damages.append(Damage(start, end - start, self._reason))
        self._broken_at = None
        self._told = False
        self._explained = True
        self._runs.note_break()

    # -- recordings, fragments, packets

    def _expect(self, samples: Iterator[Sample]) -> None:
        self._samples = samples
        self._next = next(samples, None)
        self._moved = 0

    def _begin_recording(self, body: bytes) -> None:
        self.movie = read_movie(body)
        self.track = self.movie.track
        self._recording += 1
        self._fragment = None
        self._shift = self._end_time = 0
        self._placed = True
        self._expect(self.movie.samples)
        if self._next is not None and self._next.offset < self._offset + self._pos:
            raise RecordingError(
                "the MP4's index (moov) stands behind the sound",
                hint="move it to the front, without re-encoding: ffmpeg -i FILE -c copy -movflags +faststart OUT.mp4",
            )

    def _begin_fragment(self, body: bytes) -> None:
        self._drop_unread("that lie outside of their fragment")
        known = self.movie.defaults if self.movie else {}
        # Among several tracks the number tells; the only one there is needs none.
        number = self.track.number if self.track and self.track.others else None
        fragment = read_fragment(body, self._offset + self._pos, number, known)
        if fragment is None:
            return
        self._note_missing(fragment)
        counted = fragment.time is None
        self._shift = self._end_time if counted else 0
        self._placed = not counted or (self._placed and not self._explained)
        self._end_time = self._shift + fragment.end_time
        self._fragment = fragment
        self._explained = False
        self._expect(fragment.samples)

    def _note_missing(self, fragment: Fragment) -> None:
        """Numbers need not follow one another, and Chrome's clock need not run evenly: both together tell of a loss."""
        last = self._fragment
        if last is None or fragment.time is None or self._explained:
            return
        if fragment.number > last.number + 1 and fragment.time > self._end_time:
            missing = fragment.number - last.number - 1
            self.damages.append(Damage(self._offset + self._pos, 0, f"{missing} MP4 fragments are missing"))
            self._runs.note_break()

    def _move_samples(self, kind: bytes) -> None:
        """Offsets from the file's beginning are wrong once bytes are missing: the first packet comes first then."""
        if kind != b"mdat" or self._fragment is None or not self._fragment.absolute or self._next is None:
            return
        alone = self.track is None or not self.track.others
        at = self._offset + self._pos
        if alone and self._box_end is not None and not at <= self._next.offset < self._box_end:
            self._moved = at - self._next.offset

    def _add_packet(self, payload: bytes, sample: Sample) -> None:
        duration = self._durations[payload[:2]]
        if not duration or payload.startswith(_ZEROES):
            self._note_invalid(sample.offset + self._moved, sample.size_bytes)
            return
        if self.track is None:
            assert self._fragment is not None
            channels = 2 if payload[0] & 4 else 1  # RFC 6716, section 3.1
            self.track = Track(self._fragment.track, OpusHead(channels, pre_skip=0), "")
            self.header_missing = True
            self._recording += 1
            self._runs.note_break()
        # Without a header the clock is taken to count samples, as Opus in MP4 should.
        timescale = self.movie.timescale if self.movie else SAMPLES_PER_SECOND
        time_ms = (sample.time + self._shift) * 1000 // timescale
        self._runs.add(self._recording, self._placed, payload, time_ms, duration)

    def _note_invalid(self, at: int, size: int) -> None:
        """Note bytes that are no Opus packet; those that lie side by side are one damage."""
        self._runs.note_break()
        reason = "not an Opus packet"
        last = self.damages.pop() if self.damages else Damage(at, 0, reason)
        if last.reason == reason and last.offset + last.length_bytes == at:
            self.damages.append(Damage(last.offset, last.length_bytes + size, reason))
        else:
            self.damages += [last, Damage(at, size, reason)]
