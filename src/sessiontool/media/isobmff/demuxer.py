"""Reads MP4 with one track of Opus or AAC, in fragments as Chrome and Safari record it (ISO/IEC 14496-12).

The contract is that of `packets.Demuxer`: pieces may be cut anywhere.  Nothing decodes.  Files without fragments are
read too if their index comes first, or in a piece with the start of their sound; else the refusal says how to move it.

The strategy.  Top-level boxes are one flat sequence.  `moov` and `moof` are read whole and say where packets will be;
the bytes of other boxes stream by, and a packet is given as soon as it is whole.  `box_sequence` finds where the
sequence of boxes goes on after one that was cut short, `media_data` where packets are whose sizes or box are damaged.

The times.  A fragment's `tfdt` and its durations give a packet's decoding time, which is the recorder's clock: Chrome's
runs with the wall clock, not with the samples, as in its WebM.  An edit list moves none of it; see `boxes` for the
pre-skip.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ..opus import MAX_PACKET_BYTES
from ..opus_evidence import ENOUGH
from ..packets import OTHER_TRACK, Ledger, PacketRun, Track
from .beginnings import MAX_BUFFERED_BYTES, PASSED
from .box_sequence import BoxSequence
from .boxes import Movie, Sample, read_movie
from .fragments import MovieFragment, missing_between, read_fragment
from .media_data import BEGINNING_BYTES, WRONG_BOX, Bytes, Placed, in_a_row, place
from .rows import PacketRow, RowCollector
from .samples import proved_track
from .sound_entries import index_at_end
from .whole_fragments import whole_fragment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ENDLESS = 1 << 64  # bytes: more than the 64-bit sizes of ISO/IEC 14496-12, section 4.2, can state
_NO_PACKETS = "bytes that no packet is in"


class Mp4Demuxer:
    """Bytes in, packets out; see the module's docstring.

    `mime_type` is what the recorder noted, `track` what is known of the recording from elsewhere if its header is not
    in the stream; `movie` is what the last header said.  Raises RecordingError only where nothing can follow: no Opus
    track, encryption, an index at the end, or fragments without a header that cannot be proved to be Opus.
    """

    def __init__(self, *, mime_type: str = "", track: Track | None = None) -> None:
        self.track: Track | None = None
        self.movie: Movie | None = None
        self.header_missing = False
        self._mime_type = mime_type
        self._known = track  # the header that is known from elsewhere
        self._boxes = BoxSequence()
        self.ledger: Ledger = self._boxes.ledger
        self._box_kind = b""
        self._box_end: int | None = None  # offset where the box ends that streams by
        self._samples: Iterator[Sample] = iter(())
        self._next: Sample | None = None  # the first of them that was not read
        self._unplaced: Sequence[Sample] = ()  # of a fragment whose box of packets did not begin yet
        self._placed_samples: Sequence[Sample] = ()  # of the fragment whose packets are read
        self._flat = False  # the movie's packets are not in fragments
        self._final = False  # no more bytes will come
        self._fragment: MovieFragment | None = None
        self._foreign = False  # the last fragment described other tracks only
        self._shift = 0  # what has to be added to the times of the samples
        self._end_time = 0  # of the last fragment
        self._explained = False  # bytes were skipped or are missing since the last fragment
        self._index_ahead = False  # the movie was read before its place
        self._awaits_index = True  # no movie and no fragment came since the file began
        self._rows = RowCollector(self.ledger)
        self._runs = self._rows.runs

    def feed(self, data: bytes) -> list[PacketRun]:
        """The packets completed by `data`, the next piece of the stream."""
        self._boxes.append(data)
        self._read(final=False)
        return self._runs.take()

    def discontinuity(self, reason: str) -> list[PacketRun]:
        """Bytes are missing after what was fed: what is pending cannot be completed."""
        runs = self.flush()
        self._break_off(reason, is_explained=True)
        self._boxes.forget()
        return runs

    def flush(self) -> list[PacketRun]:
        """No more bytes will come, or not in this sequence: returns packets that waited for the bytes after them."""
        self._read(final=True)
        if self._boxes.is_broken:
            self._go_on(self._boxes.end)
        self._boxes.finish()
        return self._runs.take()

    # -- the sequence of boxes

    def _read(self, *, final: bool) -> None:
        self._final, self._rows.last, going_on = final, None, True
        while going_on and self._find_resync_point():
            if self._box_end is None:
                self._take_whole_fragments()
            try:
                going_on = self._read_box() if self._box_end is None else self._pass_by()
            except (ValueError, struct.error) as error:
                self._break_off(str(error))
        self._boxes.forget()

    def _read_box(self) -> bool:
        """Read one box, or begin one that streams by; False where bytes lack."""
        boxes = self._boxes
        boxes.try_here()
        header = boxes.header(self._unplaced, self._bytes)
        if header is None:
            return False
        kind, size, body = header
        if kind in PASSED:
            self._look_ahead(kind, body, size)
            return self._begin_passing(kind, body, _ENDLESS if size is None else boxes.offset + body + size)
        if size is None or size > MAX_BUFFERED_BYTES.get(kind, -1):
            raise ValueError("no MP4 box that belongs here")
        end = body + size
        if boxes.is_cut_before(boxes.offset + end):
            raise ValueError(f"the {kind.decode()} box is cut short")
        if end > len(boxes.buf):
            return False
        if kind == b"moov":
            if not self._index_ahead:
                self._begin_recording(boxes.buf[body:end])
            self._index_ahead = False
        else:
            self._begin_fragment(boxes.buf[body:end])
        boxes.pos = end
        boxes.structure(boxes.at)
        return True

    def _look_ahead(self, kind: bytes, body: int, size: int | None) -> None:
        """Read the index of a file that comes after its sound, if it is there already."""
        self._awaits_index |= kind == b"ftyp"
        is_early = kind == b"mdat" and self._awaits_index and size is not None
        movie = self._boxes.body_after(body + (size or 0), b"moov") if is_early else None
        if movie is not None:
            self._begin_recording(movie)
            self._index_ahead = True

    def _begin_passing(self, kind: bytes, body: int, end: int) -> bool:
        """A box that streams by; False where more bytes are needed to tell where in it the packets are."""
        if kind == b"mdat" and self._unplaced:
            placed, track = Placed(self._unplaced, end), self.track or self._known
            if track is None or not track.others:
                is_absolute = self._fragment is not None and self._fragment.absolute
                found = place(self._unplaced, self._boxes.offset + body, end, self._bytes(), is_absolute=is_absolute)
                if found is None:
                    return False
                placed = found
            if placed.wrong:
                self.ledger.damage(self._boxes.at, self._boxes.at, placed.wrong)
            self._placed_samples, end = placed.samples, placed.end
            self._expect(iter(self._placed_samples))
            self._unplaced = ()
        self._box_kind, self._box_end, self._boxes.pos = kind, end, body
        self._boxes.structure(self._boxes.at)
        return True

    def _bytes(self) -> Bytes:
        return Bytes(self._boxes.buf, self._boxes.offset, self._rows.kinds.tocs, is_final=self._final)

    def _pass_by(self) -> bool:
        """Take packets out of the box that streams by, up to its end or to where it turns out to be cut short."""
        assert self._box_end is not None
        available = self._boxes.end
        is_whole = self._boxes.begins_at(self._box_end)  # then none begins inside: it is not searched
        found = None if is_whole else self._boxes.beginning(self._boxes.at, self._box_end + BEGINNING_BYTES)
        cut_at = _ENDLESS if found is None else found
        # The beginning of a box may be there in part.  Where this one ends it is in its place.
        safe = available if self._final or available >= self._box_end else available - (BEGINNING_BYTES - 1)
        end = min(self._box_end, cut_at, safe)
        self._take_packets(end, is_all=self._final or cut_at < self._box_end)
        if cut_at < self._box_end:
            raise ValueError("an MP4 box is cut short")
        is_passed = end >= self._box_end
        self._box_end = None if is_passed else self._box_end
        return is_passed

    def _take_packets(self, end: int, *, is_all: bool) -> None:
        """Take the packets that end by `end`, and pass over what is between them; with `is_all` no more come."""
        assert self._box_end is not None
        boxes = self._boxes
        while (sample := self._next) is not None and sample.offset < self._box_end:
            at, after = sample.offset, sample.end
            if at < boxes.at or after > self._box_end or sample.size_bytes > MAX_PACKET_BYTES:
                self._drop_unread("whose place is not where the fragment says")
                break
            if after > end or (self.track is None and not self._prove(end, is_all=is_all)):
                end = min(at, end)
                break
            self._count_between(at)
            found, self._next = in_a_row(sample, self._samples, end)
            taken_to = self._rows.add(PacketRow.of(found), boxes.buf, boxes.offset, self._timescale, self._shift)
            boxes.counted = max(boxes.counted, taken_to)
            boxes.pos = taken_to - boxes.offset
        boxes.pos = max(boxes.pos, end - boxes.offset)
        self._count_between(end)

    @property
    def _timescale(self) -> int:
        # Without a header the clock is taken to count samples, as the clock of sound in MP4 should.
        assert self.track is not None
        return self.movie.timescale if self.movie else self.track.head.rate_hz

    def _count_between(self, end: int) -> None:
        """Count the bytes of the box that streams by up to the offset `end`, in which there is no packet."""
        (start, end), track = self._boxes.uncounted(end), self.track or self._known
        if start == end:
            return
        if self._box_kind != b"mdat":
            self.ledger.structure(start, end)
        elif self._foreign or (track and track.others):
            self.ledger.set_aside(start, end, track.others_reason if track else OTHER_TRACK)
        elif self._flat:
            self.ledger.set_aside(start, end, _NO_PACKETS)
        else:
            self.ledger.damage(start, end, "packets that no fragment lists")

    def _drop_unread(self, why: str) -> None:
        if self._next is not None:
            self.ledger.damage(self._boxes.at, self._boxes.at, f"packets {why}")
            self._runs.note_break()
            self._expect(iter(()))

    # -- where the sequence breaks off

    def _break_off(self, reason: str, *, is_explained: bool = False) -> None:
        """The sequence makes no sense from here on."""
        self._boxes.break_off(reason, is_explained=is_explained)
        self._box_end = None
        self._unplaced = ()
        self._expect(iter(()))

    def _find_resync_point(self) -> bool:
        """Whether there is a sequence to read; where it broke off, look for where the next one begins."""
        if self._boxes.is_broken:
            found = self._boxes.next_sequence()
            if found is None:
                return False
            self._go_on(found)
        return True

    def _go_on(self, offset: int) -> None:
        """The sequence goes on at `offset`, or ends there."""
        start = self._rows.take_back(offset)  # it begins in a packet of a box cut short
        self._boxes.counted = self._boxes.counted if start is None else start
        self._boxes.go_on(offset)
        self._explained = True
        self._runs.note_break()

    # -- recordings, fragments, packets

    def _expect(self, samples: Iterator[Sample]) -> None:
        self._samples = samples
        self._next = next(samples, None)

    def _begin_recording(self, body: bytes) -> None:
        self.movie = read_movie(body)
        self.track = self.movie.track
        self._rows.begin_recording(self.track.head)
        self._rows.placed = True
        self._awaits_index = False
        self._fragment, self._unplaced = None, ()
        self._shift = self._end_time = 0
        self._expect(self.movie.samples)
        self._flat = self._next is not None
        if self._next is not None and self._next.offset < self._boxes.at:
            raise index_at_end()

    def _begin_fragment(self, body: bytes) -> None:
        self._drop_unread("that are outside of their fragment")
        self._foreign = self._awaits_index = False
        known = self.movie.defaults if self.movie else {}
        track = self.track or self._known
        # Among several tracks the number decides; the only one there is needs none.
        number = track.number if track and track.others else None
        fragment = read_fragment(body, self._boxes.at, number, known)
        if fragment is None:
            if number is None:
                raise ValueError("a moof box without a track")
            self._foreign = True
            return
        self._open_fragment(fragment)
        self._unplaced = fragment.samples
        self._expect(iter(fragment.samples))

    def _open_fragment(self, fragment: MovieFragment) -> None:
        """The packets that come next are of this fragment."""
        if not self._explained and (missing := missing_between(self._fragment, fragment, self._end_time)):
            self.ledger.damage(self._boxes.at, self._boxes.at, f"{missing} MP4 fragments are missing")
            self._runs.note_break()
        if fragment.is_damaged:
            self.ledger.damage(self._boxes.at, self._boxes.at, WRONG_BOX)
        counted = fragment.time is None
        self._shift = self._end_time if counted else 0
        placed = not counted or (self._rows.placed and not self._explained)
        self._rows.begin_fragment(placed=placed, new_base=not counted)
        self._end_time = self._shift + fragment.end_time
        self._fragment, self._explained = fragment, False
        self.ledger.numbers.append(fragment.number)

    def _take_whole_fragments(self) -> None:
        """Take the fragments that come next, as far as each is there whole with its packets and plain."""
        boxes, rows = self._boxes, self._rows
        if self.movie is None or self._next is not None or self._unplaced or self.movie.track.others:
            return
        number, defaults, timescale = self.movie.track.number, self.movie.defaults, self.movie.timescale
        while (whole := whole_fragment(boxes.buf, boxes.pos, boxes.offset, number, defaults)) is not None:
            end = boxes.offset + whole.end
            if not boxes.begins_at(end) and (end < boxes.end or boxes.beginning(whole.row.start, end) is not None):
                return
            boxes.tried_here()
            self._foreign = self._awaits_index = False
            self._open_fragment(whole.fragment)
            boxes.structure(whole.row.start)
            boxes.counted = rows.add(whole.row, boxes.buf, boxes.offset, timescale, self._shift)
            boxes.pos = whole.end

    def _prove(self, end: int, *, is_all: bool) -> bool:
        """Find out of what kind the packets are that no header described; False where more bytes are needed.

        `end` is the offset up to which they are there; with `is_all` no more come.
        """
        assert self._fragment is not None
        samples = [sample for sample in self._placed_samples if sample.end <= end]
        if not samples or (len(samples) < min(ENOUGH, len(self._placed_samples)) and not is_all):
            return False
        packets = list(map(self._bytes().packet, samples))
        is_all = is_all or len(samples) == len(self._placed_samples)
        ticks = self._fragment.end_time - (self._fragment.time or 0)
        found = self._fragment.track, samples, packets, self._mime_type, self._known
        self.track = proved_track(*found, is_all=is_all, ticks=ticks)
        if self.track is None:
            return False
        self._rows.begin_recording(self.track.head)
        self.header_missing = self._known is None
        self._runs.note_break()
        return True
