"""What is known of the recording that a stream holds: by its header, or by what its blocks prove."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ...errors import RecordingError
from ..opus import PacketSamples, most_bytes
from ..opus_evidence import UnprovedError, proved_track
from . import ebml
from .cluster_clock import MILLISECOND_NS
from .elements import BLOCKS, LIVE_CLUSTER, MAX_FOREIGN_BLOCK_BYTES
from .resync import Known, find_resync_point, next_block
from .track_entry import opus_track, require_webm

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..packets import Track
    from .cluster_clock import Clock

HAS_OTHERS = "a block with others in it"
FEW_BYTES = 64
"""Chosen: a packet that is not longer is not searched for blocks inside it."""


class Head:
    """The track, and the kinds of its packets.

    `track` may be known from elsewhere; `is_proved` once a header or the packets show that it is Opus.  The unit of
    the `clock` is that of the track.
    """

    def __init__(self, mime_type: str, track: Track | None, clock: Clock) -> None:
        self.track = track
        self.is_missing = False  # the track is known from its packets alone
        self.is_proved = False
        self.is_open = False  # a header began, of which no Tracks came yet
        self.recording = -1  # how many headers there were, less one
        self.is_laced = False  # some blocks hold several packets
        self.samples = PacketSamples()
        self._mime_type = mime_type
        self._begun_at = -1  # the offset of the last EBML header
        self._writing_app = ""
        self._clock = clock
        if track is not None:
            clock.set_unit(track.tick_ns)
        self._unproved_bytes = 0  # so many were not enough to decide
        self._unproved_to = -1  # offset up to which blocks may be anything
        self.usual_bytes = FEW_BYTES  # no block whose packet is not larger is wrong in its size alone
        self._largest = 0  # bytes of the largest packet so far

    # -- headers

    def begin(self, body: bytes, offset: int) -> None:
        """An EBML header; RecordingError where it is that of another kind of file, ValueError after packets."""
        try:
            require_webm(body)
        except RecordingError as error:
            raise self._by_its_place(error) from error
        self.recording += offset != self._begun_at
        self._begun_at = offset
        self.is_open, self.is_proved = True, self.is_proved and bool(self.samples)

    def read_info(self, body: bytes) -> None:
        """The Info element."""
        info = dict(ebml.children(body))
        self._writing_app = info.get(ebml.WRITING_APP, b"").decode("utf-8", "replace")
        self._clock.set_unit(int.from_bytes(info.get(ebml.TIMESTAMP_SCALE, b""), "big") or MILLISECOND_NS)

    def read_tracks(self, body: bytes, *, is_cut: bool) -> None:
        """The Tracks element; `is_cut` where pieces meet in the buffer: then the next one's bytes may be in it."""
        try:
            self.track = replace(opus_track(body, self._writing_app), tick_ns=self._clock.unit_ns)
        except RecordingError as error:
            if is_cut:
                raise ValueError("Tracks element cut short") from error
            self.recording -= bool(self.samples)
            raise self._by_its_place(error) from error
        self.is_missing, self.is_proved, self.is_open = False, True, False

    def _by_its_place(self, refusal: RecordingError) -> Exception:
        """A header of no use is damage if it comes after packets: others of theirs may follow."""
        return ValueError(refusal.message) if self.samples else refusal

    # -- what the blocks say

    def prove(self, buf: bytes, pos: int, offset: int, *, final: bool) -> bool:
        """Find the Opus track among the blocks that begin at `pos`; False where more bytes are needed.

        `offset` is that of `buf`.  ValueError where the blocks may be anything.
        """
        if not final and len(buf) - pos < self._unproved_bytes:
            return False
        if offset + pos < self._unproved_to:
            raise UnprovedError(pos)
        try:
            track = proved_track(buf, pos, self._mime_type, self.track, final=final)
        except UnprovedError as error:
            self._unproved_to = offset + error.end
            raise
        if track is None:
            self._unproved_bytes = (len(buf) - pos) * 5 // 4 + FEW_BYTES
            return False
        self.is_missing = self.track is None
        self.track, self.is_proved = track, True
        self._clock.set_unit(track.tick_ns)
        return True

    def known(self, cluster_ms: int) -> Known:
        """What blocks have to agree with."""
        if self.track is None or not self.samples:
            return Known(None)
        tocs = frozenset(start[0] for start, samples in self.samples.items() if samples)
        return Known(self.track.number, tocs, self.track.others, cluster_ms, self.is_laced)

    def is_foreign(self, buf: bytes, body: int, size: int, *, is_damaged: bool) -> bool:
        """Whether the block at `body` is another track's.

        Several blocks of one other number mean that the header is damaged, where there is damage (`is_damaged`).
        """
        number = buf[body] & 0x7F
        if self.track is None or number == self.track.number:
            return False
        following = None if self.samples or self.track.others else next_block(buf, body + size)
        if is_damaged and following and following.number == number:
            self.track = replace(self.track, number=number)
            return False
        if number not in self.track.others:
            raise ValueError(f"block of track {number}, which the recording has not")
        if size > MAX_FOREIGN_BLOCK_BYTES:
            raise ValueError(f"block of {size} bytes")
        return True

    def goes_on_inside(self, buf: bytes, pos: int, known: Callable[[], Known], *, final: bool) -> bool:
        """Whether elements go on inside the one at `pos`, which is not whole: its size is wrong then.

        A picture is so large that bytes of it may look like a block: it is looked into only if no more bytes will come.
        """
        if not final and (len(buf) - pos < FEW_BYTES or not self.is_proved or self._is_picture(buf, pos)):
            return False
        return find_resync_point(buf, pos + 1, known(), final=True).found is not None

    def _is_picture(self, buf: bytes, pos: int) -> bool:
        """Whether a block of another track is at `pos`."""
        header = ebml.read_header(buf, pos)
        if header is None or header[0] not in BLOCKS or self.track is None:
            return False
        return buf[header[2]] & 0x7F in self.track.others

    def has_others(self, payload: bytes, known: Known) -> bool:
        """Whether other blocks, or the head of a cluster, are in what seems to be a packet."""
        return payload.find(LIVE_CLUSTER, 1) > 0 or find_resync_point(payload, 1, known, final=True).found is not None

    def check_size(self, payload: bytes, known: Known) -> None:
        """ValueError where others are in a packet: its block's size is damaged."""
        size = len(payload)
        if size <= self.usual_bytes:
            return
        if size > 2 * self._largest and self.has_others(payload, known):
            raise ValueError(HAS_OTHERS)
        self._largest = max(self._largest, size)
        most = min(most_bytes(start) for start, samples in self.samples.items() if samples)
        self.usual_bytes = max(FEW_BYTES, min(most, 2 * self._largest))
