"""Reads Ogg with one Opus stream, as Firefox records it (RFC 3533 pages, RFC 7845 Opus in Ogg).

The contract is that of `packets.Demuxer`: pieces may be cut anywhere.  Nothing here decodes; Opus alone is read.

The strategy.  A page is believed when its checksum is right, whatever is before it.  Of one whose checksum is wrong the
packets are kept whose bounds are sure (`pages`), and the wrong checksum is noted as damage of no bytes, as it does not
show which bytes are wrong.  Everything else is skipped and noted.  Page numbers show whether any is missing.

The times.  A page's granule position counts the samples up to the end of its last whole packet, the pre-skip included;
a packet's time is that less the durations from it to there.  So a lost page is a jump in the times and moves nothing
after it.  A granule of a page with a wrong checksum counts only where it agrees with what came before, or with the
page's number (`page_pace`).  Recorder time zero is the first sample of the recording's first packet, the pre-skip
included.  Where the first page of sound is there, its first packet is at 0 whatever its granule says (a stream joined
late counts from somewhere else); where it is lost, granules are taken as they are.
"""

from __future__ import annotations

from itertools import accumulate

from msgspec import Struct
from msgspec.structs import replace

from ...errors import RecordingError
from ..opus import MAX_FRAME_BYTES, MAX_PACKET_BYTES, SAMPLES_PER_MS, OpusHead, PacketSamples, is_opus
from ..packets import CUT, NO_OPUS, OTHER_TRACK, Ledger, PacketRun, Track, second_opus
from ..run_collector import RunCollector
from .headers import beginnings, codec_of, headless_track, writing_app
from .page_pace import PagePace
from .page_sequence import PageSequence
from .pages import CONTINUED, FIRST, LAST, NO_GRANULE, ExpectedPage, Page, PagePiece

_NEAR_SAMPLES = 96_000  # 2 s; chosen: a first page holds one second (measured in Firefox)


class OggPacket(Struct, frozen=True):
    """A packet and the places in the stream where its parts are."""

    data: bytes
    places: tuple[tuple[int, int], ...]
    is_whole: bool = True


class OggDemuxer:
    """Bytes in, packets out; see the module's docstring.

    `mime_type` is what the recorder noted, `track` what is known of the recording from elsewhere if its header is not
    in the stream.  `end_trim_samples` is what the last page asks players to leave off (RFC 7845, section 4.5); its
    packets come whole.  Raises RecordingError only where nothing can follow: no Opus stream, one of more than two
    channels, or a stretch without a header that cannot be proved to be Opus.
    """

    def __init__(self, *, mime_type: str = "", track: Track | None = None) -> None:
        self.track: Track | None = None
        self.header_missing = False
        self._pages = PageSequence()
        self.ledger: Ledger = self._pages.ledger
        self.end_trim_samples = 0
        self._mime_type = mime_type
        self._known = track  # the header that is known from elsewhere
        self._others = dict.fromkeys(track.second if track else (), "Opus")  # streams passed over, and their codecs
        self._tags = -1, b""  # of a stream whose first page is lost: its number, and the packet
        self._beginning = False  # the last page was a stream's first: more of them may follow
        self._recording = -1
        self._ended = False  # its last page was read
        self._next_number: int | None = None
        self._open: list[PagePiece] | None = None  # the pieces of a packet that goes on in the next page
        self._open_bytes = 0
        self._zero: int | None = None  # the granule of recorder time zero
        self._position = 0  # samples since then, up to the end of the last packet
        self._first_is_damaged = False  # its first page had a wrong checksum
        self._usual = 0  # samples of the last packet
        self._adrift = False  # the position is older than the last break
        self._pace = PagePace()
        self._samples = PacketSamples()
        self._runs = RunCollector()

    # -- the calls

    def feed(self, data: bytes) -> list[PacketRun]:
        """The packets completed by `data`, the next piece of the stream."""
        self._pages.append(data)
        self._read(final=False)
        return self._runs.take()

    def discontinuity(self, reason: str) -> list[PacketRun]:
        """Bytes are missing after what was fed: what is pending cannot be completed."""
        runs = self.flush()
        self._pages.lose(reason)
        return runs

    def flush(self) -> list[PacketRun]:
        """No more bytes will come, or not in this sequence: returns packets that waited for the bytes after them."""
        self._read(final=True)
        self._pages.end()
        self._drop_open()
        return self._runs.take()

    def _read(self, *, final: bool) -> None:
        while page := self._pages.next_page(self._expected(), final=final):
            self._read_page(page)

    def _expected(self) -> ExpectedPage:
        tocs = frozenset(start[0] for start, samples in self._samples.items() if samples)
        track = self.track or self._known
        return ExpectedPage(track.number if track else None, self._next_number, tocs, self._open is not None)

    # -- pages and streams

    def _read_page(self, page: Page) -> None:
        beginning, self._beginning = self._beginning, bool(page.flags & FIRST)
        if page.flags & FIRST:
            self._begin_stream(page, grouped=beginning)
            return
        if self._is_tags(page):
            return
        if self.track is None or page.stream != self.track.number:
            if not self._adopt(page):
                self._set_aside(page)
                return
            track = headless_track(page, self._mime_type, self._known, self._tags)
            if track is None:
                self.ledger.damage(page.offset, page.offset + page.size_bytes, "packets that are not proved to be Opus")
                return
            self._begin_recording(track, None)
            self.header_missing = self._known is None
        self._check_number(page := self._as_written(page))
        self._ended = bool(page.flags & LAST)
        self.ledger.structure(page.offset, page.offset + page.head_bytes)
        if page.is_intact:
            self.ledger.numbers.append(page.number)
        else:
            self._first_is_damaged = self._first_is_damaged or self._zero is None
            self.ledger.damage(page.offset, page.offset, f"the checksum of Ogg page {page.number} is wrong")
        # Some programs end a stream with an empty packet: there is nothing in it to keep or to lose.
        packets = [packet for packet in self._packets_of(page) if packet.data and not self._read_tags(packet)]
        if packets:
            self._place(page, packets)

    def _is_tags(self, page: Page) -> bool:
        """Whether it is the second page of a recording whose first one is lost: it says that this is Opus."""
        if (self.track and page.stream == self.track.number) or page.stream in self._others:
            return False
        if len(page.pieces) != 1 or not page.pieces[0].data.startswith(b"OpusTags"):
            return False
        self._tags = page.stream, page.pieces[0].data
        self.ledger.structure(page.offset, page.offset + page.size_bytes)
        return True

    def _set_aside(self, page: Page) -> None:
        codec = self._others.get(page.stream)
        reason = second_opus(page.stream) if codec == "Opus" else OTHER_TRACK
        self.ledger.set_aside(page.offset, page.offset + page.size_bytes, reason)

    def _begin_stream(self, page: Page, *, grouped: bool) -> None:
        """A stream's first page.  Multiplexed streams begin together (`grouped`); the first with Opus counts."""
        start = page.pieces[0].data if page.pieces else b""
        codec = codec_of(start)
        self._others[page.stream] = codec
        if grouped and self.track is not None:
            others = frozenset({*self.track.others, page.stream})
            second = self.track.second | ({page.stream} if codec == "Opus" else frozenset())
            self.track = replace(self.track, others=others, second=second)
            self._set_aside(page)
            return
        try:
            head = OpusHead.parse(start) if codec == "Opus" else None
        except RecordingError as error:
            if self.track is None:
                raise
            head, codec = None, error.message
        if head is None:
            self._set_aside(page)
            if self.track is not None:
                self.ledger.damage(page.offset, page.offset, f"from here on the Ogg file holds {codec}")
            return
        del self._others[page.stream]
        self.ledger.structure(page.offset, page.offset + page.size_bytes)
        self._begin_recording(Track(page.stream, head, ""), page.number + 1)
        self.header_missing = False

    def _begin_recording(self, track: Track, next_number: int | None) -> None:
        self.track = track
        self._recording += 1
        self._ended = False
        self._next_number = next_number
        self._drop_open()
        self._zero, self._position, self._adrift, self._first_is_damaged = None, 0, next_number is None, False
        self._pace = PagePace()
        if next_number is not None:
            self._pages.explained = False

    def _adopt(self, page: Page) -> bool:
        """Whether a page of another stream belongs to a recording whose first pages are lost.

        It does if nothing else is known, or the one at hand has ended or lost bytes, and its packets might be Opus.
        """
        if page.stream in self._others:
            is_second = self._known is not None and page.stream in self._known.second
            if self.track is None and not is_second and not self.ledger.damages:
                raise RecordingError(
                    f"no Opus stream in the Ogg file; it holds: {', '.join(sorted(set(self._others.values())))}",
                    hint="record with mimeType 'audio/ogg;codecs=opus'; other codecs would have to be re-encoded",
                )
            return False
        if self.track is not None and not (self._pages.explained or self._ended):
            self._others[page.stream] = "an unknown codec"
            return False
        whole = beginnings(page)
        return bool(whole) and (self.track is None or all(is_opus(piece.data) for piece in whole))

    def _as_written(self, page: Page) -> Page:
        """A damaged page with the number that is written in it, where its granule goes with that."""
        if self._zero is None or page.written in (None, page.number) or page.granule == NO_GRANULE:
            return page
        begin = page.granule - self._usual * len(page.pieces)
        return replace(page, number=page.written) if self._pace.fits(page.written, begin) else page

    def _check_number(self, page: Page) -> None:
        expected, self._next_number = self._next_number, page.number + 1
        if expected != page.number:
            self._runs.note_break()
            self._drop_open()
            self._adrift = True
            if expected is not None and not self._pages.explained:
                missing = page.number - expected
                what = f"{missing} Ogg pages are missing" if missing > 0 else f"Ogg page {page.number} comes too late"
                self.ledger.damage(page.offset, page.offset, what)
        self._pages.explained = False

    def _packets_of(self, page: Page) -> list[OggPacket]:
        """The packets that end on this page, and what is there of those that do not end at all."""
        pieces = list(page.pieces)
        packets = []
        if page.flags & CONTINUED and pieces:
            piece = pieces.pop(0)
            if self._open is None:
                self.ledger.damage(piece.offset, piece.offset + len(piece.data), CUT)
            else:
                self._continue(piece)
                if pieces or not page.open:
                    packets += self._joined()
        if not (page.open and not pieces):
            self._drop_open()
        if page.open and pieces:
            self._open, self._open_bytes = [], 0
            self._continue(pieces.pop())
        return packets + [OggPacket(piece.data, (_place_of(piece),), piece.is_whole) for piece in pieces]

    def _drop_open(self) -> None:
        """The packet that goes on does not go on here."""
        for piece in self._open or ():
            self.ledger.damage(*_place_of(piece), CUT)
        self._open = None

    def _continue(self, piece: PagePiece) -> None:
        """Add to the packet that goes on; of one that is too long (a picture in the tags) the beginning is kept."""
        assert self._open is not None
        keep = piece.data if self._open_bytes <= MAX_PACKET_BYTES else b""
        self._open.append(replace(piece, data=keep))
        self._open_bytes += len(piece.data)

    def _joined(self) -> list[OggPacket]:
        assert self._open is not None
        pieces, self._open = self._open, None
        places = tuple((piece.offset, piece.offset + piece.size_bytes) for piece in pieces)
        packet = OggPacket(b"".join(piece.data for piece in pieces), places)
        if self._open_bytes <= MAX_PACKET_BYTES or packet.data.startswith(b"OpusTags"):
            return [packet]
        for start, end in places:
            self.ledger.damage(start, end, f"a packet of {self._open_bytes:,} bytes is not Opus")
        return []

    # -- packets

    def _read_tags(self, packet: OggPacket) -> bool:
        """Whether the packet is the second header; it names the program that wrote the recording."""
        if self._position or not packet.data.startswith(b"OpusTags"):
            return False
        assert self.track is not None
        self.track = replace(self.track, writing_app=writing_app(packet.data))
        for start, end in packet.places:
            self.ledger.structure(start, end)
        return True

    def _place(self, page: Page, packets: list[OggPacket]) -> None:
        good = self._good(page, packets)
        durations = [
            self._samples[packet.data[:2]] if is_good else 0 for packet, is_good in zip(packets, good, strict=True)
        ]
        if not page.is_intact:
            usual = self._usual or max(durations)
            durations = [duration or usual for duration in durations]
        gone = self._usual * sum(not piece.data and piece.size_bytes > 0 for piece in page.pieces)  # cut off
        start, placed = self._start_of(page, sum(durations) + gone)
        self._adrift = not placed
        base = page.granule != NO_GRANULE
        ends = accumulate(durations, initial=start)
        for packet, is_good, duration, samples in zip(packets, good, durations, ends, strict=False):
            if not is_good:
                self._runs.note_break()
                reason = NO_OPUS if packet.is_whole else CUT
                for place in packet.places:
                    self.ledger.damage(*place, reason)
                continue
            time_ms = samples // SAMPLES_PER_MS
            self._runs.add(self._recording, placed, packet.data, time_ms, duration, base=base)
            base = False
            self._usual = duration
            for place in packet.places:
                self.ledger.payload(*place)
        self._position = start + sum(durations)

    def _good(self, page: Page, packets: list[OggPacket]) -> list[bool]:
        """Which packets are Opus; on a page with a wrong checksum they have to be of the kind of the others too."""
        every = [packet.data for packet in packets]
        if page.is_intact:
            return [bool(self._samples[data[:2]]) and (len(data) <= MAX_FRAME_BYTES or is_opus(data)) for data in every]
        expected = self._expected().or_of(every)
        return [packet.is_whole and expected.fits(PagePiece(0, packet.data, len(packet.data))) for packet in packets]

    def _start_of(self, page: Page, length: int) -> tuple[int, bool]:
        """Recorder time in samples of the first packet that ends on this page, and whether it is known.

        `length` is that of all that end there.
        """
        is_last = bool(page.flags & LAST)
        if page.granule == NO_GRANULE:
            return self._position, not self._adrift
        if not page.is_intact:
            known = self._zero is not None and page.granule - self._zero - length == self._position
            if not known and not (self._adrift and self._pace.fits(page.number, page.granule - length)):
                return self._position, not self._adrift
        if self._zero is None:
            trimmed = is_last and page.granule < length
            zero = page.granule - length - self._position
            # What is before it is on a page with a wrong checksum: its packets may be too many or too few.
            near = self._first_is_damaged and abs(zero) < _NEAR_SAMPLES
            self._zero = 0 if self._adrift or trimmed or near else zero
        start = page.granule - self._zero - length
        self._pace.add(page.number, page.granule)
        if not is_last:
            return start, True
        self.end_trim_samples = max(0, self._position - start)
        return max(start, self._position), True


def _place_of(piece: PagePiece) -> tuple[int, int]:
    return piece.offset, piece.offset + len(piece.data)
