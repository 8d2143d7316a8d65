"""Reads a WebM stream with one Opus track, handed over in pieces cut anywhere, and gives back its packets.

The contract.  `feed` takes the next piece and returns the packets that it completes; `discontinuity` says that bytes
are missing here; `flush` says that no more will come.  A piece may begin and end inside an element, as every blob of
Chrome does.  `ledger` counts every byte: packets, the container's own, damage, what is set aside.

The strategy.  A live recording's segment and clusters have no size, and every id above a cluster's level is unlike
every id in it, so elements are read as one flat sequence: masters are stepped into, what carries no packets is skipped.
Where the sequence breaks off (a lost or cut or damaged piece) `recovery` finds what of it is believed and the resync
point.  Where no header describes the track, `opus_evidence` finds the one that is Opus.

A cluster's timestamp may be on the lost side of a cut.  Packets after a break are therefore not `placed` until the
next cluster begins: their times count from the last timestamp known, which may be the wrong one.  Placing them is not
done here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import RecordingError
from ..opus import SAMPLES_PER_MS, most_bytes
from ..packets import ATTACHMENT, CUT, NO_OPUS, Ledger, PacketRun, Track
from ..run_collector import RunCollector
from . import ebml
from .block_runs import Blocks, places, read_blocks
from .cluster_clock import Clock
from .elements import BLOCKS, BUFFERED, LIVE_CLUSTER, MASTERS, PASSED_OVER, check_size
from .headers import HAS_OTHERS, Head
from .lacing import LACING_FLAGS, MOST_LACED_BYTES, laced_packets
from .recovery import Element, Recovery
from .stream import Stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .resync import Known


class WebmDemuxer:
    """Bytes in, packets out; see the module's docstring.

    `mime_type` is what the recorder noted, `track` what is known of the recording from elsewhere if its header is not
    in the stream.  Raises RecordingError only where nothing can follow: not WebM, no Opus track, encryption, or a
    stretch without a header that cannot be proved to be Opus.
    """

    def __init__(self, *, mime_type: str = "", track: Track | None = None) -> None:
        self._clock = Clock()
        self._head = Head(mime_type, track, self._clock)
        self._stream = Stream()
        self.ledger: Ledger = self._stream.ledger  # what became of every byte that was fed
        self._recovery = Recovery(self._stream, self._clock)
        self._wrong_at: int | None = None  # offset of a block that has others in it, or of what is after it
        self._runs = RunCollector()

    @property
    def track(self) -> Track | None:
        """The Opus track, as far as it is known."""
        return self._head.track

    @property
    def header_missing(self) -> bool:
        """Whether no header described the track, here or elsewhere."""
        return self._head.is_missing

    # -- the three calls

    def feed(self, data: bytes) -> list[PacketRun]:
        """The packets completed by `data`, the next piece of the stream, in runs alike in all but the columns."""
        self._clock.continued = True
        self._recovery.forget_recent()
        self._recovery.piece_follows()
        self._stream.append(data)
        if self._recovery.may_be_cut() and self._recovery.is_cut(self._known()):
            self._recovery.break_off(0, CUT, self._known(), final=False)
        self._read(final=False)
        return self._runs.take()

    def discontinuity(self, reason: str) -> list[PacketRun]:
        """Bytes are missing after what was fed: what is pending cannot be completed.

        Returns packets that waited for more.
        """
        try:
            self._close()
        except RecordingError as error:  # too little came to prove anything; what follows may
            self._recovery.end(error.message)
        self._recovery.lose(reason)
        self._runs.note_break()
        self._clock.lose()
        return self._runs.take()

    def flush(self) -> list[PacketRun]:
        """No more bytes will come, or not in this sequence: returns packets that waited for the bytes after them."""
        self._close()
        return self._runs.take()

    def _close(self) -> None:
        self._clock.continued = True
        self._recovery.forget_recent()
        self._read(final=True)
        self._recovery.end(CUT)

    # -- the sequence of elements

    def _read(self, *, final: bool) -> None:
        """Read as many whole elements as the buffer holds, and drop them from it."""
        pos = 0
        while True:
            if self._recovery.broken_at is not None:
                found = self._find_resync_point(final=final)
                if found is None:
                    return
                pos = found
            pos = self._read_blocks(pos)
            try:
                after = self._read_element(pos, final=final)
                if after is None and self._head.goes_on_inside(self._stream.buf, pos, self._known, final=final):
                    raise ValueError("an element longer than what is there")
            except RecordingError:
                self._stream.forget(pos)
                raise
            except ValueError as error:
                if not self._recovery.break_off(pos, str(error), self._known(), final=final):
                    return
                continue
            if after is None:
                self._recovery.wait(pos, final=final)
                return
            pos = after

    def _read_blocks(self, pos: int) -> int:
        """The fast way through a run of ordinary SimpleBlocks; stops before whatever is not one, or not whole."""
        head, clock = self._head, self._clock
        if not head.is_proved or head.track is None or not clock.is_plain:
            return pos
        blocks = read_blocks(self._stream.buf, pos, head.track.number, clock.cluster_ms, head.usual_bytes)
        if not blocks.payloads:
            return pos
        durations = head.samples.of(blocks.payloads)
        if durations.count(durations[0]) < len(durations):
            durations = blocks.without_overlong(durations)
        if 0 in durations:
            self._read_singly(blocks, durations)
            return blocks.end
        if clock.is_odd(blocks.times_ms[0]) or blocks.is_odd(durations):
            count = self._count_before_swallowed(blocks, durations)
            if count < len(durations):
                blocks = blocks.cut(self._stream.buf, count)
                del durations[count:]
                self._wrong_at = self._stream.offset + blocks.end
            if not durations:
                return pos
        self._stream.blocks(blocks)
        run = self._run(blocks.times_ms[0])
        if run.payloads:
            run.payloads += blocks.payloads
            run.times_ms += blocks.times_ms
            run.durations += durations
        else:
            run.payloads, run.times_ms, run.durations = blocks.payloads, blocks.times_ms, durations
        self._recovery.note_blocks(blocks, run)
        return blocks.end

    def _count_before_swallowed(self, blocks: Blocks, durations: Sequence[int]) -> int:
        """How many blocks come before one that has others in it, which shows in the times; 0 if that is before them."""
        known, last = self._known(), self._recovery.last_payload
        if last and self._clock.is_odd(blocks.times_ms[0]) and self._head.has_others(last, known):
            return 0
        gaps = (at for at in blocks.odd_steps(durations) if self._head.has_others(blocks.payloads[at], known))
        return next(gaps, len(durations))

    def _read_singly(self, blocks: Blocks, durations: Sequence[int]) -> None:
        """Blocks of which some hold no packet."""
        columns = zip(places(self._stream.buf, blocks), blocks.payloads, blocks.times_ms, durations, strict=True)
        for (start, body, end), payload, time_ms, duration in columns:
            if duration:
                self._add_packets(start, body, [payload], time_ms, duration)
            else:
                self._refuse(start, end)

    def _add_packets(self, start: int, body: int, payloads: list[bytes], time_ms: int, duration: int) -> None:
        """The packets of a block that begins at `start` in the buffer, the first at `body`; each lasts `duration`."""
        end, offset, count = body + sum(map(len, payloads)), self._stream.offset, len(payloads)
        self._stream.structure(start, body)
        self._stream.payload(body, end)
        run = self._run(time_ms)
        run.payloads += payloads
        run.times_ms += [time_ms + at * duration // SAMPLES_PER_MS for at in range(count)]
        run.durations += [duration] * count
        self._recovery.note(Element(offset + start, offset + body, offset + end, run, packets=count), first=True)

    def _refuse(self, start: int, end: int) -> None:
        """A block from `start` to `end` in the buffer holds no packet."""
        self.ledger.damage(self._stream.real(start), self._stream.offset + end, NO_OPUS)
        self._recovery.forget_recent()

    def _run(self, time_ms: int) -> PacketRun:
        """The run that the next packet belongs to, whose time is known."""
        clock = self._clock
        clock.settle(time_ms, self._recovery.skipped_bytes)
        run = self._runs.run(max(self._head.recording, 0), placed=clock.placed, continued=clock.continued)
        clock.note_packet(run)
        return run

    # -- elements, one by one

    def _read_element(self, pos: int, *, final: bool) -> int | None:
        """Read or step into one element.

        Returns where the next begins (perhaps past the buffer), None where bytes lack.
        """
        if self._stream.offset + pos == self._wrong_at:
            raise ValueError(HAS_OTHERS)
        if self._head.is_proved and (end := self._read_cluster(pos)):
            return end
        header = ebml.read_header(self._stream.buf, pos)
        if header is None:
            return None
        element_id, size, body = header
        if self._head.is_open and not self._head.is_proved and (element_id == ebml.CLUSTER or element_id in BLOCKS):
            raise ValueError("sound before any Tracks")  # an element before them had a wrong size
        if element_id in MASTERS:
            if element_id == ebml.CLUSTER:
                self._clock.begin_cluster()
            return self._pass(pos, body)
        if size == ebml.UNKNOWN_SIZE:
            raise ValueError(f"element {element_id:#x} of unknown size")
        if element_id in BLOCKS:
            return self._read_block(pos, body, size, final=final)
        return self._read_other(element_id, pos, body, size)

    def _read_other(self, element_id: int, pos: int, body: int, size: int) -> int | None:
        """An element that is no master and no block."""
        if element_id not in BUFFERED and element_id not in PASSED_OVER:
            raise ValueError(f"unexpected element {element_id:#x}")
        check_size(element_id, size)
        if element_id == ebml.ATTACHMENTS:  # too large to be waited for
            self._stream.structure(pos, body)
            self._recovery.forget_recent()
            return self._stream.pass_over(body, size, ATTACHMENT)
        end = body + size
        if end > len(self._stream.buf):  # also of what is passed over: its size might be damage
            return None
        if element_id in BUFFERED:
            self._read_buffered(element_id, self._stream.buf[body:end], self._stream.offset + pos)
        return self._pass(pos, end, begins=element_id in (ebml.EBML, ebml.TRACKS))

    def _read_cluster(self, pos: int) -> int | None:
        """The head of a cluster without a size and its timestamp, as both browsers write them; None for another form.

        It is what `_read_element` does with two elements, in one step: there may be one for each second.
        """
        buf, body = self._stream.buf, pos + len(LIVE_CLUSTER) + 1
        if not buf.startswith(LIVE_CLUSTER, pos) or body > len(buf):
            return None
        end = body + (buf[body - 1] ^ 0x80)
        if not body < end <= min(body + 8, len(buf)):
            return None
        self._read_buffered(ebml.TIMESTAMP, buf[body:end], self._stream.offset + pos)
        return self._pass(pos, end)

    def _pass(self, start: int, end: int, *, begins: bool = False) -> int:
        """Count an element that is read; one that `begins` something shows that what was before it ended there."""
        self._stream.structure(start, end)
        offset = self._stream.offset
        self._recovery.note(Element(offset + start, offset + start + 1, offset + end), first=begins)
        return end

    def _read_buffered(self, element_id: int, body: bytes, offset: int) -> None:
        if element_id == ebml.EBML:
            self._head.begin(body, offset)
            self._clock.begin_recording()
        elif element_id == ebml.INFO:
            self._head.read_info(body)
        elif element_id == ebml.TRACKS:
            self._head.read_tracks(body, is_cut=any(self._stream.boundaries))
        else:
            self._clock.set_timestamp(int.from_bytes(body, "big"), offset)

    def _read_block(self, pos: int, body: int, size: int, *, final: bool) -> int | None:
        """Read a Block or SimpleBlock of any size form (RFC 9559, sections 10.1 and 10.2)."""
        buf, end = self._stream.buf, body + size
        if size < 5:
            raise ValueError(f"block of {size} bytes")
        if body + 6 > len(buf) and end > len(buf):
            return None
        if not buf[body] & 0x80:
            raise ValueError(f"block of {size} bytes for a track above 127")
        if not self._head.is_proved and not self._head.prove(buf, pos, self._stream.offset, final=final):
            return None
        if self._head.is_foreign(buf, body, size, is_damaged=bool(self.ledger.damages)):
            return self._set_aside(pos, end, buf[body] & 0x7F)
        laced = buf[body + 3] & LACING_FLAGS
        if size - 4 > (MOST_LACED_BYTES if laced else most_bytes(buf[body + 4 : body + 6])):
            raise ValueError(f"a block of {size} bytes, more than its kind of packet can have")
        if end > len(buf):
            return None
        self._read_packets(pos, body, end)
        return end

    def _set_aside(self, start: int, end: int, number: int) -> int | None:
        """A block of another track; None where it is not whole."""
        assert self.track is not None
        if end > len(self._stream.buf):
            return None
        offset, reason = self._stream.offset, self.track.aside_reason(number)
        self.ledger.set_aside(self._stream.real(start), offset + end, reason)
        self._recovery.note(Element(offset + start, offset + start + 1, offset + end, aside=reason), first=True)
        return end

    def _read_packets(self, pos: int, body: int, end: int) -> None:
        """A whole block of this track, from `pos` to `end`: one packet, or several where it is laced."""
        block = self._stream.buf[body:end]
        payloads = laced_packets(block) if block[3] & LACING_FLAGS else [block[4:]]
        duration = self._head.samples[payloads[0][:2]]
        if not duration:
            self._refuse(pos, end)
            return
        if len(payloads) == 1:
            self._head.check_size(payloads[0], self._known())
        else:
            self._head.is_laced = True
        relative = int.from_bytes(block[1:3], "big", signed=True)
        self._add_packets(pos, end - sum(map(len, payloads)), payloads, self._clock.time_ms(relative), duration)

    # -- where the sequence breaks off

    def _known(self) -> Known:
        """What the next sequence has to agree with."""
        return self._head.known(self._clock.cluster_ms)

    def _find_resync_point(self, *, final: bool) -> int | None:
        """Where in the buffer the next sequence begins."""
        place = self._recovery.search(self._known(), final=final)
        if place is None:
            return None
        if self._recovery.skipped_bytes:
            self._runs.note_break()
            self._clock.continued = True
        if self._recovery.may_have_lost_bytes:
            self._clock.lose()
        self._head.is_open = False
        if place.prefix:
            self._stream.begin_with(place.prefix, place.at)
            return 0
        return place.at
