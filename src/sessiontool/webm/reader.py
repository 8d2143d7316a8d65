"""Reads a WebM stream with one Opus track, handed over in pieces cut anywhere, and gives back its packets.

The contract.  `feed` takes the next piece and returns the packets that it completes; `lost` says that bytes are
missing here; `close` says that no more will come.  A piece may begin and end inside an element, as every blob of
Chrome does.

The strategy.  A live recording's segment and clusters have no size, and every id above a cluster's level is unlike
every id in it, so elements are read as one flat row: masters are stepped into, what carries no packets is skipped.
Where the row breaks off (a lost or cut or damaged piece) `resync` finds the next place from which one runs on, and
`damages` tells what was skipped.

A cluster's timestamp may be on the lost side of a cut.  Packets after a break are therefore not `placed` until the
next cluster begins: their times count from the last timestamp known, which may be the wrong one.  Placing them is not
done here.
"""

from __future__ import annotations

import struct
from dataclasses import replace

from ..errors import RecordingError
from . import ebml
from .elements import BLOCKS, BUFFERED, MASTERS, MAX_FOREIGN_BLOCK_BYTES, PASSED_OVER, check_size
from .opus import MAX_PACKET_BYTES, PacketSamples
from .packets import Damage, Packets, Track
from .resync import CUT_PREFIXES, ends_before, find_row, next_block, row_at
from .runs import RunCollector
from .tracks import guessed_track, opus_track, require_webm

_FAST_BLOCK = struct.Struct(">BHBhB")  # id, two-byte size, track, relative time, flags
_LONG_BLOCK = struct.Struct(">BIBhB")  # the same with a four-byte size, as Firefox has it
_BLOCK_HEAD = struct.Struct(">BhB")  # track, relative time, flags
_LACING_FLAGS = 0x06
_MOST_BOUNDARIES = 8
"""Chunks that all end inside one element: more than a few are no accident of a recording."""


class WebmReader:
    """Bytes in, packets out; see the module's docstring.

    Raises RecordingError only where nothing can follow: not WebM, no Opus track, lacing, encryption.
    """

    def __init__(self) -> None:
        self.track: Track | None = None
        self.cluster_ms = 0  # timestamp of the cluster at hand, or of the last one known
        self.header_missing = False
        self.damages: list[Damage] = []
        self._buf = b""
        self._offset = 0  # of _buf in the stream
        self._boundaries: list[int] = []  # where in _buf pieces meet
        self._skip = 0  # bytes of a passed-over element that are still to come
        self._recording = -1
        self._placed = False
        self._continued = True
        self._scale_ns = 1_000_000
        self._writing_app = ""
        self._broken_at: int | None = 0  # offset where the row of elements broke off; a stream begins broken
        self._reason = "no WebM header"
        self._cuts = [0]  # where in the buffer the row may go on one byte inside an element, as pieces meet there
        self._headed = False  # the row of elements began with a header
        self._element_at = 0  # where in the buffer the last element began that was read
        self._good_at = 0  # where in the buffer the last packet ended
        self._last_block: Packets | None = None  # the run whose last packet ended there
        self._samples = PacketSamples()
        self._runs = RunCollector()

    # -- the three calls

    def feed(self, data: bytes) -> list[Packets]:
        """The packets completed by `data`, the next piece of the stream, in runs alike in all but the columns."""
        self._continued = True
        if self._skip:
            passed = min(self._skip, len(data))
            self._skip -= passed
            self._offset += passed
            data = data[passed:]
        if len(self._boundaries) < _MOST_BOUNDARIES:
            self._boundaries.append(len(self._buf))
        if self._cuts and len(self._cuts) < _MOST_BOUNDARIES:
            self._cuts.append(len(self._buf))
        self._buf = self._buf + data if self._buf else bytes(data)
        self._read(final=False)
        return self._runs.take()

    def lost(self, reason: str) -> list[Packets]:
        """Bytes are missing after what was fed: what is pending cannot be completed.

        Returns packets that waited for more.
        """
        runs = self.close()
        if self._broken_at is None:
            self._broken_at = self._offset
        self._reason = reason
        self._forget(len(self._buf))
        self._skip = 0
        self._cuts = [0]
        self._runs.note_break()
        self._placed = False
        return runs

    def close(self) -> list[Packets]:
        """No more bytes will come, or not in this row: returns packets that waited for the bytes after them."""
        self._continued = True
        if self._broken_at is not None:
            self._read(final=True)
        while self._broken_at is None and self._row_is_pending():
            self._broken_at, self._reason = self._offset, "an element longer than what is there"
            self._placed, self._continued = False, True
            self._read(final=True)
        return self._runs.take()

    def _row_is_pending(self) -> bool:
        """Whether elements go on inside the one that was waited for.

        Its size was wrong, and they are not part of it.
        """
        number = self.track.number if self.track else None
        return find_row(self._buf, 1, number, self._tocs(), final=True)[0] is not None

    @property
    def pending_bytes(self) -> int:
        """Bytes at the end that belong to no whole element; after its last blob 1 is normal for Chrome."""
        return len(self._buf)

    # -- the row of elements

    def _read(self, *, final: bool) -> None:
        """Read as many whole elements as the buffer holds, and drop them from it."""
        pos = self._good_at = self._element_at = 0
        self._last_block = None
        while True:
            if self._broken_at is not None:
                found = self._search(pos, final=final)
                if found is None:
                    return
                pos = found
            pos = self._read_blocks(pos)
            try:
                after = self._read_element(pos)
            except ValueError as error:
                pos = self._break_off(pos, str(error))
                continue
            if after is None:
                break
            self._element_at, pos = pos, after
            if pos > len(self._buf):
                self._skip = pos - len(self._buf)
                pos = len(self._buf)
        self._forget(pos)

    def _forget(self, count: int) -> None:
        if not count:
            return
        self._buf = self._buf[count:]
        self._offset += count
        self._boundaries = [at - count for at in self._boundaries if at > count]

    def _read_blocks(self, pos: int) -> int:
        """The fast way through a run of ordinary SimpleBlocks; stops before whatever is not one, or not whole."""
        if self.track is None or self._scale_ns != 1_000_000:
            return pos
        buf, started_at = self._buf, pos
        payloads: list[bytes] = []
        times_ms: list[int] = []
        add_payload, add_time = payloads.append, times_ms.append
        unpack, unpack_long, unpack_short = _FAST_BLOCK.unpack_from, _LONG_BLOCK.unpack_from, _BLOCK_HEAD.unpack_from
        number, base_ms = self.track.number | 0x80, self.cluster_ms
        end = len(buf)
        last_header = end - _LONG_BLOCK.size
        while pos <= last_header:
            element_id, size, track, relative_ms, flags = unpack(buf, pos)
            start, after = pos + 7, pos + size - 0x3FFD
            if size >= 0x8000:  # a size of one byte: what follows stands a byte earlier
                track, relative_ms, flags = unpack_short(buf, pos + 2)
                start, after = pos + 6, pos + (size >> 8) - 0x7E
            elif size == 0x1000:  # the first half of a size of four bytes
                element_id, size, track, relative_ms, flags = unpack_long(buf, pos)
                start, after = pos + 9, pos + size - 0x0FFFFFFB
                if after - start > MAX_PACKET_BYTES:
                    break
            if element_id != 0xA3 or track != number or flags & _LACING_FLAGS or not start < after <= end:
                break
            add_payload(buf[start:after])
            add_time(base_ms + relative_ms)
            pos = after
        samples = self._samples
        durations = [samples[payload[:2]] for payload in payloads]
        self._element_at = started_at if len(payloads) == 1 else pos
        last_is_valid = durations and durations[-1]
        if 0 in durations:
            self._drop_invalid(started_at, payloads, times_ms, durations)
        if payloads:
            run = self._run()
            run.payloads += payloads
            run.times_ms += times_ms
            run.durations += durations
            self._good_at, self._last_block = pos, run if last_is_valid else None
        return pos

    def _drop_invalid(self, pos: int, payloads: list[bytes], times_ms: list[int], durations: list[int]) -> None:
        """Take out what no Opus decoder could read; `pos` is where in the buffer the first of the blocks begins."""
        keep = []
        for index, payload in enumerate(payloads):
            size_at = self._buf[pos + 1]
            size = len(payload) + (6 if size_at & 0x80 else 9 if size_at == 0x10 else 7)
            if durations[index]:
                keep.append(index)
            else:
                self.damages.append(Damage(self._offset + pos, size, "not an Opus packet"))
            pos += size
        payloads[:] = [payloads[index] for index in keep]
        times_ms[:] = [times_ms[index] for index in keep]
        durations[:] = [durations[index] for index in keep]

    def _read_element(self, pos: int) -> int | None:
        """Read or step into one element.

        Returns where the next begins (perhaps past the buffer), None where bytes lack.
        """
        header = ebml.read_header(self._buf, pos)
        if header is None:
            return None
        element_id, size, body = header
        if self._headed and self.track is None and (element_id == ebml.CLUSTER or element_id in BLOCKS):
            raise ValueError("sound before any Tracks")  # an element before them had a wrong size
        if element_id in MASTERS:
            self._placed = self._placed and element_id != ebml.CLUSTER
            return body
        if size == ebml.UNKNOWN_SIZE:
            raise ValueError(f"element {element_id:#x} of unknown size")
        if element_id in BLOCKS:
            return self._read_block(body, size)
        if element_id not in BUFFERED and element_id not in PASSED_OVER:
            raise ValueError(f"unexpected element {element_id:#x}")
        check_size(element_id, size)
        if element_id == ebml.ATTACHMENTS:  # too large to be waited for
            return body + size
        if body + size > len(self._buf):  # also of what is passed over: its size might be damage
            return None
        if element_id in BUFFERED:
            self._read_buffered(element_id, self._buf[body : body + size])
        return body + size

    def _read_buffered(self, element_id: int, body: bytes) -> None:
        if element_id == ebml.EBML:
            self._begin_recording(body)
        elif element_id == ebml.INFO:
            info = dict(ebml.children(body))
            self._scale_ns = int.from_bytes(info.get(ebml.TIMESTAMP_SCALE, b""), "big") or 1_000_000
            self._writing_app = info.get(ebml.WRITING_APP, b"").decode("utf-8", "replace")
        elif element_id == ebml.TRACKS:
            self._read_tracks(body)
        else:
            self.cluster_ms = int.from_bytes(body, "big") * self._scale_ns // 1_000_000
            self._placed, self._continued = True, False

    def _read_tracks(self, body: bytes) -> None:
        try:
            self.track, self.header_missing = opus_track(body, self._writing_app), False
        except RecordingError as error:
            if any(self._boundaries):  # the chunk was cut in its header, and the next one's bytes were read as tracks
                raise ValueError("Tracks element cut short") from error
            raise

    def _begin_recording(self, body: bytes) -> None:
        require_webm(body)
        self._recording += 1
        self._headed = True
        self.cluster_ms, self._placed, self._continued = 0, False, False

    def _run(self) -> Packets:
        return self._runs.run(max(self._recording, 0), placed=self._placed, continued=self._continued)

    def _read_block(self, body: int, size: int) -> int | None:
        """Read a Block or SimpleBlock of any size form (RFC 9559, sections 10.1 and 10.2)."""
        buf = self._buf
        if body + 5 > len(buf):
            return None
        number = buf[body] & 0x7F
        if not buf[body] & 0x80 or size < 5:
            raise ValueError(f"block of {size} bytes for a track above 127")
        if self._is_of_another_track(number, body, size):
            return body + size
        if size > MAX_PACKET_BYTES:
            raise ValueError(f"block of {size} bytes")
        if body + size > len(buf):
            return None
        if buf[body + 3] & _LACING_FLAGS:
            following = next_block(buf, body + size)
            if self._samples or (following and not following.flags & _LACING_FLAGS):  # others have none: it is damage
                raise ValueError("laced block")
            raise RecordingError(
                "the recording's blocks are laced (several packets in one block), which MediaRecorder never writes",
                hint="remux the file first: mkvmerge --disable-lacing -o unlaced.webm FILE",
            )
        if self.track is None:
            self.track, self.header_missing = guessed_track(number, buf[body + 4]), True
        self._add_packet(body, size)
        return body + size

    def _is_of_another_track(self, number: int, body: int, size: int) -> bool:
        """Whether a block can be passed over; a row of blocks of one other number says that the header is damaged."""
        if self.track is None or number == self.track.number:
            return False
        following = None if self._samples or self.track.others else next_block(self._buf, body + size)
        if self.damages and following and following.number == number:
            self.track = replace(self.track, number=number)
            return False
        if number not in self.track.others:
            raise ValueError(f"block of track {number}, which the recording has not")
        if size > MAX_FOREIGN_BLOCK_BYTES:
            raise ValueError(f"block of {size} bytes")
        return True

    def _add_packet(self, body: int, size: int) -> None:
        payload = self._buf[body + 4 : body + size]
        duration = self._samples[payload[:2]]
        if not duration:
            self.damages.append(Damage(self._offset + body, size, "not an Opus packet"))
            return
        relative = int.from_bytes(self._buf[body + 1 : body + 3], "big", signed=True)
        run = self._run()
        run.payloads.append(payload)
        run.times_ms.append(self.cluster_ms + relative * self._scale_ns // 1_000_000)
        run.durations.append(duration)
        self._good_at, self._last_block = body + size, run

    # -- where the row breaks off

    def _break_off(self, pos: int, reason: str) -> int:
        """The elements make no sense from `pos` on: note it, and return where in the buffer to search for the next row.

        Where the last thing read began well inside an earlier piece, that piece was cut short and the two halves do not
        belong together: it is taken back, and the search begins where the pieces meet.
        """
        astride = [at for at in self._boundaries if self._element_at + 1 < at < pos]
        self._cuts = astride or [at for at in self._boundaries if at >= pos]
        if astride:
            self._take_back_block(pos)
            pos = self._element_at
        elif not self._cuts:
            pos = self._distrust()
        self._broken_at = self._offset + pos
        self._reason = reason
        self._placed, self._continued = False, True
        return self._cuts[0] if self._cuts else pos + 1

    def _take_back_block(self, pos: int) -> None:
        """Drop the packet that was read last, if it is what ended at `pos`."""
        if self._good_at == pos:
            self._drop_last()
        self._runs.note_break()

    def _distrust(self) -> int:
        """Where the damage begins that was noticed; the packet before it is taken back if it began in that.

        What was read since the last packet was luck.  Damage of any length begins inside a packet far more often than
        between two, so the last packet is believed only if something speaks for it.
        """
        at, run = self._good_at, self._last_block
        number = self.track.number if self.track else None
        if run is None or not run.payloads or ends_before(run.payloads[-1], self._buf, at, number, self._tocs()):
            return at
        return at - self._drop_last()

    def _drop_last(self) -> int:
        """Take the packet that was read last out of its run; returns its size in bytes."""
        run, self._last_block = self._last_block, None
        if run is None or not run.payloads:
            return 0
        run.times_ms.pop()
        run.durations.pop()
        return len(run.payloads.pop())

    def _tocs(self) -> set[int]:
        return {start[0] for start, samples in self._samples.items() if samples}

    def _search(self, pos: int, *, final: bool) -> int | None:
        """Where in the buffer a plausible row begins.

        None, and the buffer shortened, where more bytes are needed for it.
        """
        number = self.track.number if self.track and self._samples else None
        tocs = self._tocs()
        undecided = False
        for at in self._cuts:
            for prefix in CUT_PREFIXES:
                plausible = row_at(prefix + self._buf[at:], 0, number, tocs, final=final)
                if plausible:
                    self._found(at)
                    self._forget(at)
                    self._buf = prefix + self._buf
                    self._offset -= len(prefix)
                    self._good_at = 0
                    return 0
                undecided = undecided or (plausible is None and not final)
        if undecided:  # nothing before is read again: its packets were handed out
            self._forget(pos)
            self._cuts = [at - pos for at in self._cuts]
            return None
        self._cuts = []
        found, forget = find_row(self._buf, pos, number, tocs, final=final)
        if found is None:
            self._forget(forget)
            return None
        return self._found(found)

    def _found(self, pos: int) -> int:
        if self._broken_at is not None and (skipped := self._offset + pos - self._broken_at) > 0:
            self.damages.append(Damage(self._broken_at, skipped, self._reason))
            self._runs.note_break()
            self._continued = True
        self._broken_at = None
        self._headed = False
        self._cuts, self._boundaries = [], [at for at in self._boundaries if at > pos]
        self._element_at = pos
        self._good_at, self._last_block = pos, None
        return pos
