"""Reads MP4 with one Opus track, as Chrome and Safari record it: fragments (ISO/IEC 14496-12), from pieces cut anywhere.

The contract is that of `webm.packets.Reader`.  Nothing here decodes; Opus alone is read.  Files without fragments are
read too if their index comes first; if it comes last, the refusal says how to move it.

The strategy.  Top-level boxes are one flat row.  `moov` and `moof` are read whole and tell where packets will be; the
bytes of other boxes stream by, and a packet is given as soon as it is whole.  A cut or damaged piece puts the beginning of
the next fragment inside a box that claims more than there is.  Twelve fixed bytes betray a fragment's beginning, and
sound does not contain them by accident: where they turn up, the row begins anew, so damage costs one fragment at most.

The times.  A fragment's `tfdt` and its durations tell a packet's decoding time, which is the recorder's clock: Chrome's runs
with the wall clock, not with the samples, as in its WebM.  An edit list moves none of it; see `mp4boxes` for the pre-skip.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from .errors import RecordingError
from .mp4boxes import Fragment, Movie, Sample, read_fragment, read_header, read_movie
from .runs import RunCollector
from .webm.opus import MAX_PACKET_BYTES, SAMPLES_PER_SECOND, OpusHead, PacketSamples
from .webm.packets import Damage, Packets, Track

if TYPE_CHECKING:
    from collections.abc import Iterator

BEGINNING = re.compile(rb".{4}moof\0\0\0\x10mfhd|.{4}moov\0\0..mvhd|\0\0\0[\x10-\xff][fs]typ[ -~]{4}", re.DOTALL)
"""Where a row of boxes begins: `moof` and `moov` with their first children, `ftyp` and `styp` with their brands."""

_BEGINNING_BYTES = 16
_BUFFERED = frozenset({b"moov", b"moof"})
_PASSED = frozenset(
    {
        *(b"ftyp", b"styp", b"mdat", b"free", b"skip", b"wide", b"sidx", b"ssix", b"emsg", b"prft", b"pdin"),
        *(b"mfra", b"uuid", b"meta", b"udta"),
    }
)
_MAX_BUFFERED_BYTES = 1 << 24
_ENDLESS = 1 << 64


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
        self._pos = 0  # in _buf: what is before was read, but might hide the beginning of a box that was cut off
        self._offset = 0  # of _buf in what was fed
        self._broken_at: int | None = None  # offset where the row of boxes broke off
        self._reason = ""
        self._box_end: int | None = None  # offset where the box ends that streams by
        self._samples: Iterator[Sample] = iter(())
        self._next: Sample | None = None  # the first of them that was not read
        self._fragment: Fragment | None = None
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
        if self._broken_at is None:
            self._broken_at, self._reason = self._offset + self._pos, reason
        self._expect(iter(()))
        self._box_end = None
        self._forget(len(self._buf))
        self._pos = 0
        return runs

    def close(self) -> list[Packets]:
        """No more bytes will come, or not in this row: returns packets that waited for the bytes after them."""
        self._read(final=True)
        if self._broken_at is not None:
            self._note_skipped(self._offset + self._pos)
        return self._runs.take()

    @property
    def pending_bytes(self) -> int:
        """Bytes at the end that belong to no whole packet or box."""
        return len(self._buf) - self._pos

    # -- the row of boxes

    def _read(self, *, final: bool) -> None:
        while self._find_beginning() and self._read_on(final=final):
            pass
        self._forget(max(0, self._pos - (_BEGINNING_BYTES - 1)))

    def _read_on(self, *, final: bool) -> bool:
        """Read one box, or of one that streams by what is there; False where bytes lack."""
        try:
            return self._read_box() if self._box_end is None else self._pass_by(final=final)
        except (ValueError, struct.error) as error:
            self._break_off(str(error))
            return True

    def _read_box(self) -> bool:
        buf, pos = self._buf, self._pos
        header = read_header(buf, pos)
        if header is None:
            return False
        kind, size, body = header
        if kind in _PASSED:
            self._box_end = _ENDLESS if size is None else self._offset + body + size
            self._pos = body
            return True
        if kind not in _BUFFERED or size is None or size > _MAX_BUFFERED_BYTES:
            raise ValueError("no MP4 box that belongs here")
        if BEGINNING.search(buf, pos + 4, body + size):
            raise ValueError(f"the {kind.decode()} box is cut short")
        if body + size > len(buf):
            return False
        if kind == b"moov":
            self._begin_recording(buf[body : body + size])
        else:
            self._begin_fragment(buf[body : body + size])
        self._pos = body + size
        return True

    def _pass_by(self, *, final: bool) -> bool:
        """Take packets out of the box that streams by, up to its end or to where it turns out to be cut short."""
        assert self._box_end is not None
        found = BEGINNING.search(self._buf, self._pos)
        cut_at = self._offset + found.start() if found else _ENDLESS
        available = self._offset + len(self._buf)
        # The beginning of a box may be there in part, except at the end of this one: there it is in its place.
        safe = available if final or available >= self._box_end else available - (_BEGINNING_BYTES - 1)
        end = min(self._box_end, cut_at, safe)
        self._take_packets(end)
        if cut_at < self._box_end:
            raise ValueError("a box is cut short")
        if end < self._box_end:
            return False
        self._pos = self._box_end - self._offset
        self._box_end = None
        return True

    def _take_packets(self, end: int) -> None:
        """Take the packets that end by `end`, and pass over what lies between them."""
        assert self._box_end is not None
        while (sample := self._next) is not None and sample.offset < self._box_end:
            at, after = sample.offset, sample.offset + sample.size_bytes
            if at < self._offset + self._pos or after > self._box_end or sample.size_bytes > MAX_PACKET_BYTES:
                self.damages.append(Damage(self._offset + self._pos, 0, f"no packet of {sample.size_bytes:,} bytes fits here"))
                self._runs.note_break()
            elif after > end:
                self._pos = max(self._pos, min(at, end) - self._offset)
                return
            else:
                self._add_packet(self._buf[at - self._offset : after - self._offset], sample)
                self._pos = after - self._offset
            self._next = next(self._samples, None)
        self._pos = max(self._pos, end - self._offset)

    def _forget(self, count: int) -> None:
        self._buf = self._buf[count:]
        self._offset += count
        self._pos -= count

    # -- recordings, fragments, packets

    def _expect(self, samples: Iterator[Sample]) -> None:
        self._samples = samples
        self._next = next(samples, None)

    def _begin_recording(self, body: bytes) -> None:
        self.movie = read_movie(body)
        self.track = self.movie.track
        self._recording += 1
        self._fragment = None
        self._placed = True
        self._explained = False
        self._expect(self.movie.samples)
        if self._next is not None and self._next.offset < self._offset + self._pos:
            raise RecordingError(
                "the MP4's index (moov) stands behind the sound",
                hint="move it to the front, without re-encoding: ffmpeg -i FILE -c copy -movflags +faststart OUT.mp4",
            )

    def _begin_fragment(self, body: bytes) -> None:
        self._note_unread()
        known = self.movie.defaults if self.movie else {}
        at = self._offset + self._pos
        fragment = read_fragment(body, at, self.track.number if self.track else None, known)
        if fragment is None:
            return
        last, self._fragment = self._fragment, fragment
        ...
