"""Where a sequence of WebM elements goes on after bytes that make no sense.

Sound is full of bytes that look like ids, so one id proves nothing.  A place is believed when a sequence of elements
starts there, each ending where the next begins, with a block or a part of the header in it, and every block agrees with
the recording: track number, size, flags without lacing or sizes that add up, a packet kind (TOC byte) that was seen
before or lasts as long, and times that do not run back.  One block is enough where all of that agrees and its packet
keeps Opus's rules: then some forty bits are right, and a block between two damages is not lost.

Candidates are found by a pattern, at the speed of one: bytes made to look like blocks must not cost seconds a megabyte.
"""

from __future__ import annotations

import re
import struct
from functools import cache
from typing import TYPE_CHECKING

from msgspec import Struct

from ..opus import MAX_PACKET_BYTES, is_opus, most_bytes, packet_samples
from . import ebml
from .elements import LIVE_CLUSTER
from .lacing import LACING_FLAGS, MOST_LACED_BYTES, laced_packets

if TYPE_CHECKING:
    from collections.abc import Collection

_SEQUENCE_ELEMENTS = 3
"""Chosen: whole elements in succession, masters apart, that make a place plausible where no more bytes lack."""

_LONG_SEQUENCE_ELEMENTS = 8
"""Chosen: as many where the packets are of another kind than those before, some of which may have been damaged."""

_MOST_BETWEEN = 8  # elements between two blocks; chosen
_UNPROVEN = 5
"""Chosen: as many elements without a block or a part of the header are not a sequence."""

_SIZE = (
    rb"(?:[\x80-\xff]|[\x40-\x7f].|[\x20-\x3f]..|[\x10-\x1f]...|[\x08-\x0f].{4}|"
    rb"[\x04-\x07].{5}|[\x02\x03].{6}|\x01.{7})"
)
_UNLACED = b"[" + b"".join(b"\\x%02x" % flags for flags in range(256) if not flags & LACING_FLAGS) + b"]"
_HEADS = rb"\x1f(?=\x43\xb6\x75)|\x1a(?=\x45\xdf\xa3)|\x15(?=\x49\xa9\x66)|\x16(?=\x54\xae\x6b)"
_GROUP = rb"\xa0(?=" + _SIZE + rb"\xa1)"
_TIMESTAMP = rb"\xe7(?=[\x81-\x88])"
_CUT = rb"[\xa0\xa1\xa3](?=.{0,11}\Z)"
_EVIDENCE = frozenset({ebml.SIMPLE_BLOCK, ebml.BLOCK, ebml.EBML, ebml.INFO, ebml.TRACKS})
_CLUSTER_CHILDREN = frozenset({ebml.TIMESTAMP, ebml.POSITION, ebml.PREV_SIZE, ebml.VOID, ebml.CRC_32})
_GROUP_CHILDREN = frozenset(
    {ebml.BLOCK_DURATION, ebml.BLOCK_ADDITIONS, ebml.REFERENCE_BLOCK, ebml.REFERENCE_PRIORITY, ebml.DISCARD_PADDING}
)
_MASTERS = frozenset({ebml.CLUSTER, ebml.SEGMENT, ebml.BLOCK_GROUP})
_BLOCK_HEAD = struct.Struct(">BhB")  # track, relative time, flags
_SHORT_BLOCK = struct.Struct(">BHBhB")  # id, two-byte size, track, relative time, flags
_LONG_BLOCK = struct.Struct(">BIBhB")  # the same with a four-byte size, as Firefox writes it
_TINY_BLOCK = struct.Struct(">BBBhB")  # and with one of a byte
_BLOCK_FORMS = (
    (_TINY_BLOCK, 0x85, 0xFE),
    (_SHORT_BLOCK, 0x4005, 0x7FFE),
    (_LONG_BLOCK, 0x10000005, 0x10000000 + MAX_PACKET_BYTES),
)
"""Heads, and the least and largest size in bytes as written, with the length marker (RFC 8794, section 4)."""
_BITS = (8, 2, 8, 7, 8)  # of id, size, track, flags, TOC byte: those that a random byte gets right (by definition)
_FEW_BITS, _MANY_BITS = 10, 16  # of a block's head, with its id and without; chosen
_USUAL_FLAGS = (0x80, 0x00)  # of Chrome's blocks and of Firefox's (measured)
_BEFORE_ALL = -(1 << 15)  # ms: the least relative timestamp (RFC 9559, section 10.1)
_MOST_TRACKS = 8  # chosen: the highest number that is believed of a track no header described
_MOST_TOGETHER = 3  # chosen: and as many tracks in one sequence
_SOON_MS = 600_000  # chosen: no more is believed to be missing before a timestamp without its cluster
MAX_PICTURE_BYTES = 1 << 20
"""The largest block that a sequence is believed with (chosen: a video key frame)."""

CUT_PREFIXES = (b"", b"\xa3", b"\x1f")
"""What Chrome leaves at the end of the blob before: nothing, a SimpleBlock's id, the first byte of a Cluster's id."""


class Known(Struct, frozen=True):
    """What a sequence must agree with: the track's number (None: unknown), those of others, and TOC bytes seen.

    `cluster_ms` is the last timestamp: one that begins a sequence comes after it, and not long after.  Where blocks are
    `laced` such a one may begin a sequence, too.
    """

    number: int | None
    tocs: frozenset[int] = frozenset()
    others: frozenset[int] = frozenset()
    cluster_ms: int = 0
    laced: bool = False


class Search(Struct, frozen=True):
    """Where a plausible sequence begins (None where there is none yet), and what before may be forgotten."""

    found: int | None
    forget: int


def find_resync_point(
    buf: bytes,
    start: int,
    known: Known,
    *,
    final: bool,
    stop: int | None = None,
    ends: Collection[int] = (),
    but: Collection[int] = (),
) -> Search:
    """The first plausible place at or after `start`, and before `stop`; none of `but`.

    With `final` no more bytes will come, so a shorter sequence that runs into the end is believed too; so is one that
    runs into one of `ends`, where pieces meet.
    """
    undecided = len(buf)
    for match in _candidates(known.number, known.others, known.laced).finditer(buf, start):
        at = match.start()
        if stop is not None and at >= stop:
            break
        if at in but:
            continue
        verdict = sequence_at(buf, at, known, final=final)
        if not verdict and any(sequence_at(buf, at, known, final=True, end=end) for end in ends if end > at):
            verdict = True
        if verdict:
            return Search(at, at)
        if verdict is None:
            undecided = min(undecided, at)
    return Search(None, max(start, min(undecided, len(buf) - 3)))


@cache
def _candidates(number: int | None, others: frozenset[int], laced: bool) -> re.Pattern[bytes]:
    """Where a sequence of blocks of track `number` (None: any) may begin; at the bytes' end all that may become one."""
    numbers = [] if number is None else sorted({number, *others})
    track = b"[" + b"".join(b"\\x%02x" % (one | 0x80) for one in numbers) + b"]" if numbers else rb"[\x81-\x88]"
    block = rb"[\xa1\xa3](?=" + _SIZE + track + rb".." + (b"." if laced else _UNLACED) + rb")"
    return re.compile(b"|".join((_HEADS, block, _GROUP, _TIMESTAMP, _CUT)), re.DOTALL)


def sequence_at(
    buf: bytes, pos: int, known: Known, *, final: bool, end: int | None = None, one_is_enough: bool = True
) -> bool | None:
    """Whether a plausible sequence of elements begins at `pos`; None where the bytes end before that can be decided.

    With `end` the bytes end there.  `one_is_enough` where one block may be believed that agrees in everything; without
    it, something like another head has to follow.
    """
    end = len(buf) if end is None else end
    sequence = _ElementSequence(buf, end, known)
    while not (
        sequence.proven and sequence.elements >= (_SEQUENCE_ELEMENTS if sequence.is_alike else _LONG_SEQUENCE_ELEMENTS)
    ):
        if sequence.proven and sequence.familiar and end - pos <= 1 and buf[pos:end] in CUT_PREFIXES:
            return True
        try:
            after = sequence.step(pos)
        except ValueError:
            return False
        if after is None:
            return (final and sequence.proven and sequence.familiar) or None
        if sequence.certain and (one_is_enough or resembles_head(buf, after, known)):
            return True
        pos = after
    return sequence.is_alike or sequence.is_uniform


class BlockHead(Struct, frozen=True):
    """What a block says of itself: the number of its track, and its flags."""

    number: int
    flags: int


def next_block(buf: bytes, pos: int) -> BlockHead | None:
    """The first block of the sequence that goes on at `pos`; None where there is none among the next few elements."""
    for _ in range(_MOST_BETWEEN):
        try:
            header = ebml.read_header(buf, pos)
        except ValueError:
            return None
        if header is None:
            return None
        element_id, size, body = header
        if element_id in (ebml.SIMPLE_BLOCK, ebml.BLOCK):
            return BlockHead(buf[body] & 0x7F, buf[body + 3]) if body + 4 <= len(buf) else None
        if element_id not in _MASTERS and not _plausible_other(element_id, size):
            return None
        pos = body if element_id in _MASTERS else body + size
    return None


class _ElementSequence:
    """Walks from element to element and keeps what they must agree in."""

    def __init__(self, buf: bytes, end: int, known: Known) -> None:
        self.elements = 0  # that are whole, masters apart
        self.proven = False  # there is more among them than a few bytes of sound could look like
        self.familiar = True  # nothing in the sequence is new: every packet is of a kind seen before
        self.alike = True  # every packet lasts as long as one of a kind seen before
        self.certain = False  # one block agrees in so much that no bytes of sound could look like it
        self._buf = buf
        self._end = end
        self._known = known
        self._number = known.number
        self._in_master = False  # the last element was a master's beginning
        self._last_times: dict[int, int] = {}
        self._begun = False
        self._lengths: set[int] = set()  # of packets

    @property
    def is_alike(self) -> bool:
        """Whether its packets are of kinds seen before, or last as long."""
        return self.familiar or self.alike

    @property
    def is_uniform(self) -> bool:
        """Whether its packets last equally long."""
        return len(self._lengths) == 1

    def step(self, pos: int) -> int | None:
        """Where the element at `pos` ends, or a master's body begins; None where bytes lack.

        ValueError where it is implausible.
        """
        header = ebml.read_header(self._buf, pos)
        if header is None or header[2] > self._end:
            return None
        element_id, size, body = header
        if element_id in _MASTERS:
            return self._step_into(element_id, body)
        if element_id in (ebml.SIMPLE_BLOCK, ebml.BLOCK):
            if not 5 <= size <= MAX_PICTURE_BYTES:
                raise ValueError("size of a block")
            if body + 6 > self._end:
                return None
            self._check_block(body, size)
        elif not _plausible_other(element_id, size):
            raise ValueError("element")
        if body + size > self._end:
            return None
        if element_id == ebml.TIMESTAMP and not self._begun:
            self._check_timestamp(body, size)
        self._begun = True
        self._in_master = False
        self.elements += 1
        self.proven = self.proven or element_id in _EVIDENCE
        if not self.proven and self.elements >= _UNPROVEN:
            raise ValueError("nothing but small elements")
        return body + size

    def _step_into(self, element_id: int, body: int) -> int:
        if self._in_master:
            raise ValueError("an empty master")
        self._in_master = self._begun = True
        if element_id == ebml.CLUSTER:
            self._last_times.clear()
        return body

    def _check_timestamp(self, body: int, size: int) -> None:
        """A timestamp without its cluster is believed where it follows the last one soon."""
        later_ms = int.from_bytes(self._buf[body : body + size], "big") - self._known.cluster_ms
        if not 0 < later_ms < _SOON_MS:
            raise ValueError("timestamp")

    def _check_block(self, body: int, size: int) -> None:
        track, time, flags = _BLOCK_HEAD.unpack_from(self._buf, body)
        number = track & 0x7F
        if track < 0x81 or time < self._last_times.get(number, _BEFORE_ALL):
            raise ValueError("flags or time of a block")
        self._last_times[number] = time
        if number in self._known.others:
            return
        packets = self._packets(body, size, flags)
        if self._known.number is None:  # which track is the sound's is not known: any may be a picture's
            if not 1 <= number <= _MOST_TRACKS or len(self._last_times) > _MOST_TOGETHER:
                raise ValueError("track number")
            return
        most = MOST_LACED_BYTES if flags & LACING_FLAGS else most_bytes(packets[0])
        if number != self._known.number or size - 4 > most:
            raise ValueError("track number, or size for the kind of packet")
        for packet in packets:
            self._check_packet(packet[:2])
        self.certain = self.familiar and bool(self._known.tocs) and self._is_opus(body, size, flags, packets)

    def _packets(self, body: int, size: int, flags: int) -> list[bytes]:
        """The beginning of the only packet; where there are several all of them, none while the block is not whole."""
        if not flags & LACING_FLAGS:
            return [self._buf[body + 4 : body + 6]]
        return laced_packets(self._buf[body : body + size]) if body + size <= self._end else []

    def _is_opus(self, body: int, size: int, flags: int, packets: list[bytes]) -> bool:
        if body + size > self._end:
            return False
        return len(packets) > 1 or (flags in _USUAL_FLAGS and is_opus(self._buf[body + 4 : body + size]))

    def _check_packet(self, start: bytes) -> None:
        samples = packet_samples(start)
        if not samples:
            raise ValueError("packet kind")
        self._lengths.add(samples)
        tocs = self._known.tocs
        self.familiar = self.familiar and (not tocs or start[0] in tocs)
        self.alike = self.alike and (not tocs or samples in _lengths(tocs, start[1:]))


@cache
def _lengths(tocs: frozenset[int], count: bytes) -> frozenset[int]:
    """How long packets are that begin with one of `tocs` and have so many frames."""
    return frozenset(packet_samples(bytes((toc,)) + count) for toc in tocs)


def _plausible_other(element_id: int, size: int) -> bool:
    if element_id in _CLUSTER_CHILDREN or element_id in _GROUP_CHILDREN:
        return 0 <= size <= 8 or (element_id in (ebml.VOID, ebml.BLOCK_ADDITIONS) and 0 <= size < 1 << 16)
    return (
        element_id in (ebml.EBML, ebml.INFO, ebml.TRACKS, ebml.SEEK_HEAD, ebml.CUES, ebml.TAGS) and 0 <= size < 1 << 20
    )


def resembles_head(buf: bytes, at: int, known: Known, head_bytes: int = 0, *, bits: int = _FEW_BITS) -> bool:
    """Whether a block's head or a cluster's id is at `at`, but for some damage to it: what is before ended there.

    So many `bits` of it have to be right.  Without its id it is believed only where it is as long as that of the block
    before, of `head_bytes`.
    """
    if known.number is None or len(buf) < at + len(LIVE_CLUSTER):
        return False
    head = buf[at : at + len(LIVE_CLUSTER)]
    if sum(a == b for a, b in zip(head[:5], LIVE_CLUSTER, strict=False)) >= 2 or head[5:] == LIVE_CLUSTER[5:]:
        return True
    for header, least, most in _BLOCK_FORMS:
        if header.size != head_bytes and buf[at] != ebml.SIMPLE_BLOCK:
            continue
        element_id, size, track, _, flags = header.unpack_from(buf, at)
        agree = (
            *(element_id == ebml.SIMPLE_BLOCK, least <= size <= most, track == known.number | 0x80),
            *(flags in _USUAL_FLAGS, buf[at + header.size] in known.tocs),
        )
        right = sum(count for count, agrees in zip(_BITS, agree, strict=True) if agrees)
        if right >= (bits if agree[0] else max(bits, _MANY_BITS)):
            return True
    return False
