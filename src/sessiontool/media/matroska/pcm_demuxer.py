"""Reads WebM with one track of PCM, as Chrome records it (`audio/webm;codecs=pcm`): DocType matroska, `A_PCM`.

The contract is that of `packets.Demuxer`.  All blocks are equally long but for the last, so where elements make
no sense, the next cluster, or the next block that another follows, is where they go on.

Chrome's block timestamps jitter; its samples do not.  Time passes where `gap_filling` finds that they differ for good.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...errors import RecordingError
from ..packets import CUT, NO_OPUS, Ledger, PacketRun, Track
from ..pcm import PcmHead, SampleClock
from ..run_collector import RunCollector
from . import ebml

if TYPE_CHECKING:
    from collections.abc import Iterator

_INT, _FLOAT = "A_PCM/INT/LIT", "A_PCM/FLOAT/IEEE"
_ENCODINGS = {(_INT, 8): "u8", (_INT, 16): "s16le", (_INT, 24): "s24le", (_INT, 32): "s32le", (_FLOAT, 32): "f32le"}
_INTO = frozenset({ebml.SEGMENT, ebml.CLUSTER, ebml.BLOCK_GROUP})
_MOST_BYTES = 1 << 20  # of an element; chosen: a block has 4 KB, and a Cues element of a day less
_BLOCK_HEAD_BYTES = 4  # track, relative time, flags (RFC 9559, section 10.2)
_CLUSTER = b"\x1f\x43\xb6\x75"  # id (RFC 9559, section 5.1.3)
_SIZE_BYTES = 4  # of a Cluster's id; chosen: what may be the beginning of one at the end of the buffer


class PcmWebmDemuxer:
    """Bytes in, blocks out; see the module's docstring.  `track` is known from elsewhere where no header is here."""

    header_missing = False

    def __init__(self, track: Track | None = None) -> None:
        self.ledger = Ledger()
        self.track = track
        self._buf = b""
        self._pos = 0  # in it, up to which it was read
        self._offset = 0  # of that place in the stream
        self._recording = 0 if track else -1
        self._writing_app = ""
        self._cluster_ms: int | None = None if track else 0
        self._guess_ms = 0
        self._is_broken = bool(track)
        self._reason = "the beginning of a blob"
        self._new_base = True
        self._clock: SampleClock | None = None
        self._runs = RunCollector()

    def feed(self, data: bytes) -> list[PacketRun]:
        """The blocks completed by `data`, the next piece of the stream."""
        self.ledger.begin_piece(len(data))
        self._buf = self._buf[self._pos :] + data
        self._pos = 0
        self._read(is_final=False)
        return self._runs.take()

    def discontinuity(self, reason: str) -> list[PacketRun]:
        """Bytes are missing after what was fed."""
        runs = self.flush()
        self._is_broken, self._reason, self._cluster_ms = True, reason, None
        self._runs.note_break()
        return runs

    def flush(self) -> list[PacketRun]:
        """No more bytes will come, or not in this sequence."""
        self._read(is_final=True)
        rest = len(self._buf) - self._pos
        if rest:
            self.ledger.damage(self._offset, self._offset + rest, CUT)
        self._forget(rest)
        return self._runs.take()

    # -- elements

    def _read(self, *, is_final: bool) -> None:
        while True:
            if self._is_broken and not self._resync(is_final=is_final):
                return
            try:
                length = self._element()
            except ValueError as error:
                self._is_broken, self._reason = True, str(error)
                self._runs.note_break()
                self._skip(1)
                continue
            if length is None:
                return
            self._forget(length)

    def _element(self) -> int | None:
        """Read the element that the buffer begins with: how many bytes of it are read, None where bytes lack."""
        header = ebml.read_header(self._buf, self._pos)
        if header is None:
            return None
        element_id, size, body = header
        body -= self._pos
        if element_id in _INTO:
            self.ledger.structure(self._offset, self._offset + body)
            return body
        if not 0 <= size <= _MOST_BYTES or element_id not in _KNOWN:
            raise ValueError("no WebM element that belongs here")
        start = self._pos + body
        if start + size > len(self._buf):
            return None
        content = self._buf[start : start + size]
        if element_id == ebml.SIMPLE_BLOCK:
            self._block(content, body)
            return body + size
        self._header(element_id, content)
        self.ledger.structure(self._offset, self._offset + body + size)
        return body + size

    def _header(self, element_id: int, content: bytes) -> None:
        if element_id == ebml.EBML:
            self._recording += 1
            self._cluster_ms, self._clock = 0, None
        elif element_id == ebml.INFO:
            self._writing_app = dict(ebml.children(content)).get(ebml.WRITING_APP, b"").decode("utf-8", "replace")
        elif element_id == ebml.TRACKS:
            self.track = _track(content, self._writing_app)
        elif element_id == ebml.TIMESTAMP:
            self._cluster_ms = int.from_bytes(content, "big")
            self._new_base = True

    def _block(self, content: bytes, body: int) -> None:
        if self.track is None:
            raise RecordingError("no Tracks in front of the blocks", hint="store the recording's first chunk too")
        head = self.track.head
        assert isinstance(head, PcmHead)
        start, end = self._offset + body, self._offset + body + len(content)
        if len(content) < _BLOCK_HEAD_BYTES or content[0] & 0x7F != self.track.number:
            raise ValueError("a block of a track that the recording has not")
        sound = content[_BLOCK_HEAD_BYTES:]
        if not sound or len(sound) % head.frame_bytes or content[3] & 0x06:
            raise ValueError(NO_OPUS.replace("Opus packet", "block of whole samples"))
        self.ledger.structure(self._offset, start + _BLOCK_HEAD_BYTES)
        self.ledger.payload(start + _BLOCK_HEAD_BYTES, end)
        self._clock = self._clock or SampleClock(head.rate_hz)
        length = self._clock.advance(len(sound) // head.frame_bytes)
        relative_ms = int.from_bytes(content[1:3], "big", signed=True)
        placed = self._cluster_ms is not None
        base_ms = self._guess_ms if self._cluster_ms is None else self._cluster_ms
        self._runs.add(self._recording, placed, sound, base_ms + relative_ms, length, base=self._new_base and placed)
        self._new_base = False

    # -- where they make no sense

    def _resync(self, *, is_final: bool) -> bool:
        """Skip bytes up to where elements go on; False where that is not in the buffer."""
        found = next(self._candidates(), None)
        if found is None:
            rest = len(self._buf) - self._pos
            self._skip(rest if is_final else max(0, rest - self._longest_block()))
            return False
        self._skip(found - self._pos)
        self._is_broken = False
        return True

    def _candidates(self) -> Iterator[int]:
        """Where a cluster or recording begins, or a block of the track that another element follows.

        Chrome ends a blob behind the first byte of a cluster's id, so that its time is what the next one has of it.
        """
        pattern = b"\x1f\x43\xb6\x75|\x1a\x45\xdf\xa3|(?P<time>\xe7(?:\x81.|\x82..|\x83.{3}|\x84.{4}))"
        if self.track is not None:
            number = re.escape(bytes((self.track.number | 0x80,)))
            pattern += b"|(?P<block>\xa3(?:[\x40-\x7f].|[\x80-\xff]|\x10...)" + number + b"..[\x00\x80])"
        for match in re.compile(pattern, re.DOTALL).finditer(self._buf, self._pos):
            block = {"block": match.start(), "time": match.end()}.get(match.lastgroup or "")
            if block is None or self._is_followed(block):
                yield match.start()

    def _is_followed(self, at: int) -> bool:
        header = ebml.read_header(self._buf, at)
        if header is None or self.track is None or not isinstance(self.track.head, PcmHead):
            return False
        _, size, body = header
        end = body + size
        whole = (size - _BLOCK_HEAD_BYTES) % self.track.head.frame_bytes == 0
        return whole and (self._buf[end : end + 1] == b"\xa3" or self._buf[end : end + _SIZE_BYTES] == _CLUSTER)

    def _longest_block(self) -> int:
        head = self.track.head if self.track else None
        return 4 * head.block_bytes if isinstance(head, PcmHead) else _MOST_BYTES

    def _skip(self, count: int) -> None:
        if count:
            self.ledger.damage(self._offset, self._offset + count, self._reason)
        self._forget(count)

    def _forget(self, count: int) -> None:
        self._pos += count
        self._offset += count


_KNOWN = frozenset(
    {
        *(ebml.EBML, ebml.INFO, ebml.TRACKS, ebml.TIMESTAMP, ebml.SIMPLE_BLOCK, ebml.VOID, ebml.CRC_32),
        *(ebml.SEEK_HEAD, ebml.CUES, ebml.TAGS),
    }
)


def _track(body: bytes, writing_app: str) -> Track:
    """The first track of PCM in a Tracks element (RecordingError for PCM of another kind)."""
    for element_id, entry in ebml.children(body):
        fields = dict(ebml.children(entry)) if element_id == ebml.TRACK_ENTRY else {}
        codec = fields.get(ebml.CODEC_ID, b"").rstrip(b"\0").decode("ascii", "replace")
        if not codec.startswith("A_PCM/"):
            continue
        audio = dict(ebml.children(fields.get(ebml.AUDIO, b"")))
        bits = int.from_bytes(audio.get(ebml.BIT_DEPTH, b""), "big")
        encoding = _ENCODINGS.get((codec, bits or 32))
        if encoding is None:
            raise RecordingError(f"{codec} with {bits} bits", hint="record with mimeType 'audio/webm;codecs=opus'")
        rate = round(ebml.read_float(audio.get(ebml.SAMPLING_FREQUENCY, b"")) or 8000)
        channels = int.from_bytes(audio.get(ebml.CHANNELS, b"\1"), "big")
        number = int.from_bytes(fields.get(ebml.TRACK_NUMBER, b"\1"), "big")
        return Track(number, PcmHead(channels, rate, encoding), writing_app)
    raise RecordingError("no track of PCM", hint="record with mimeType 'audio/webm;codecs=opus'")
