"""The boxes of an MP4 that say where its packets of Opus or AAC are (ISO/IEC 14496-12).

Bytes of whole boxes in, values out: `read_movie` for `moov`; `fragments` reads `moof`.  Malformed boxes are a
ValueError or struct.error; a recording that cannot be joined is a RecordingError.  Only what leads to packets is read.

The pre-skip.  `dOps` has one, but "Encapsulation of Opus in ISO Base Media File Format" (section 4.3.2) calls it
informative, asks for at least 80 ms whatever the encoder's delay is, and leaves it to the edit list to drop anything.
Chrome does as it says: it writes 3840 samples and no edit list, and its first 80 ms are sound (which FFmpeg drops).
So an edit list decides; without one, 80 ms or more is that advice and nothing is dropped, and less is the encoder's
delay, as in Ogg.

The priming of AAC.  No header of AAC has it: an edit list does, or `iTunSMPB`; else the program that wrote
the file tells it, and where that is not known it is 0, and the head says so.
"""

from __future__ import annotations

import struct
from itertools import chain, islice, pairwise, repeat
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from ..opus import SAMPLES_PER_SECOND, OpusHead
from ..packets import Track
from .aac_priming import priming_of
from .sound_entries import aac_head, boxes_of, opus_head, refuse_codecs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..aac import AacHead

_ADVISED_PRE_SKIP = 3840  # samples: 80 ms (Opus in ISOBMFF, section 4.3.2)


class Sample(NamedTuple):
    """Where a packet is: its offset in the stream and its size; its decoding time, and its duration.

    Both count in the track's timescale; the duration is 0 where nothing states it.
    """

    offset: int
    size_bytes: int
    time: int
    duration: int = 0

    @property
    def end(self) -> int:
        """The offset after it."""
        return self.offset + self.size_bytes


class Defaults(Struct, frozen=True):
    """A track's sample duration (in units of its timescale) and size where a fragment does not say."""

    duration: int
    size_bytes: int


class Movie(Struct, frozen=True):
    """What `moov` says: the track of sound, its clock, and where its packets are if they are not in fragments."""

    track: Track
    timescale: int
    defaults: dict[int, Defaults] = field(default_factory=dict)
    samples: Iterator[Sample] = field(default_factory=lambda: iter(()))


def read_header(buf: bytes, pos: int) -> tuple[bytes, int | None, int] | None:
    """Kind of a box, size (None: to the end of the file) and place of its body; None where bytes lack."""
    if pos + 8 > len(buf):
        return None
    size, kind, head = int.from_bytes(buf[pos : pos + 4], "big"), buf[pos + 4 : pos + 8], 8
    if size == 1:
        if pos + 16 > len(buf):
            return None
        size, head = int.from_bytes(buf[pos + 8 : pos + 16], "big"), 16
    if size == 0:
        return kind, None, pos + head
    if size < head:
        raise ValueError(f"box of {size} bytes")
    return kind, size - head, pos + head


def children(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and body of each box in `body`."""
    pos = 0
    while pos < len(body):
        header = read_header(body, pos)
        if header is None:
            return  # a few bytes of padding
        kind, size, start = header
        pos = len(body) if size is None else start + size
        if pos > len(body):
            raise ValueError(f"box {name_of(kind)} is longer than the one it is in")
        yield kind, body[start:pos]


def pick(body: bytes, *kinds: bytes) -> list[bytes]:
    """The body of the first box of each kind in `body`, empty where there is none."""
    found: dict[bytes, bytes] = {}
    for kind, child in children(body):
        if kind in kinds:
            found.setdefault(kind, child)
    return [found.get(kind, b"") for kind in kinds]


def each(body: bytes, wanted: bytes) -> Iterator[bytes]:
    return (child for kind, child in children(body) if kind == wanted)


def read_movie(body: bytes) -> Movie:
    """The track of a `moov` box, the first of Opus, else of AAC; RecordingError names what is there instead."""
    traks = [_Trak(trak) for trak in each(body, b"trak")]
    opus = [trak for trak in traks if trak.is_opus] or [trak for trak in traks if trak.codec == b"mp4a"]
    sound = opus[0] if opus else None
    if sound is None:
        refuse_codecs(trak.codec for trak in traks)
    others = frozenset(trak.number for trak in traks) - {sound.number}
    extends, user_data = pick(body, b"mvex", b"udta")
    head = sound.head(user_data)
    defaults = {u32(trex, 4): Defaults(u32(trex, 12), u32(trex, 16)) for trex in each(extends, b"trex")}
    second = frozenset(trak.number for trak in opus) - {sound.number}
    pictures = frozenset(trak.number for trak in traks if trak.is_video)
    track = Track(sound.number, head, sound.handler_name, others, second, pictures)
    return Movie(track, sound.timescale, defaults, sound.samples())


def sound_in(trak: bytes) -> OpusHead | AacHead | None:
    """What the body of a `trak` box says of its sound of Opus or AAC; None for any other track."""
    track = _Trak(trak)
    return track.head(b"") if track.is_opus or track.codec == b"mp4a" else None


class _Trak:
    """The boxes of a track that matter here."""

    def __init__(self, body: bytes) -> None:
        header, media, edits = pick(body, b"tkhd", b"mdia", b"edts")
        self._media_header, description, inner = pick(media, b"mdhd", b"hdlr", b"minf")
        (self._edits,) = pick(edits, b"elst")
        (table,) = pick(inner, b"stbl")
        entries, self._times, self._chunks, self._sizes, *offsets = pick(
            table, b"stsd", b"stts", b"stsc", b"stsz", b"stco", b"co64"
        )
        self._offsets, self._long_offsets = offsets
        self.codec, self.entry = next(children(entries[8:]), (b"\0", b""))
        self.number = u32(header, 20 if header[:1] == b"\1" else 12)
        self.is_video = description[8:12] == b"vide"
        self.handler_name = description[24:].strip(b"\0").decode("utf-8", "replace")

    @property
    def is_opus(self) -> bool:
        """Whether it says so; damage to one letter of that is mended by the `dOps` in it."""
        alike = sum(a == b for a, b in zip(self.codec, b"Opus", strict=True)) if len(self.codec) == 4 else 0
        return alike == 4 or (alike == 3 and b"dOps" in self.entry)

    @property
    def timescale(self) -> int:
        return u32(self._media_header, 20 if self._media_header[:1] == b"\1" else 12) or SAMPLES_PER_SECOND

    def head(self, movie_user_data: bytes) -> OpusHead | AacHead:
        """What its sample entry says, with the pre-skip or priming; see the module's docstring."""
        specific, esds, wave = pick(boxes_of(self.entry), b"dOps", b"esds", b"wave")
        if self.is_opus:
            return self._opus_head(opus_head(specific))
        head = aac_head(esds or pick(wave, b"esds")[0])  # QuickTime's files have it in a `wave` (QTFF)
        edited = self._edited(head.rate_hz)
        if edited:
            return head.with_priming(edited)
        return head.with_priming(priming_of(movie_user_data, self.handler_name))

    def _opus_head(self, declared: OpusHead) -> OpusHead:
        edited = self._edited(SAMPLES_PER_SECOND)
        advised = declared.pre_skip if declared.pre_skip < _ADVISED_PRE_SKIP else 0
        return replace(declared, pre_skip=advised if edited is None else min(edited, 0xFFFF))

    def _edited(self, rate_hz: int) -> int | None:
        """What an edit list says that players shall drop at the start, in samples; None without one."""
        for _, media_time, _ in entries(">Qqi" if self._edits[:1] == b"\1" else ">Iii", self._edits[8:]):
            if media_time >= 0:  # -1 is a wait before the sound
                return media_time * rate_hz // self.timescale
        return None

    def samples(self) -> Iterator[Sample]:
        """The packets of a file without fragments, one by one, as their tables may be long."""
        sizes, times = self._each_size(), self._each_time()
        offsets = entries(">Q", self._long_offsets[8:]) if self._long_offsets else entries(">I", self._offsets[8:])
        for (offset,), count in zip(offsets, self._each_count(), strict=False):
            at = offset
            for size, time in zip(islice(sizes, count), times, strict=False):
                yield Sample(at, size, time)
                at += size

    def _each_size(self) -> Iterator[int]:
        table = self._sizes or bytes(12)
        size, count = u32(table, 4), u32(table, 8)
        if size:
            return repeat(size, count)
        return (listed for (listed,) in islice(entries(">I", table[12:]), count))

    def _each_count(self) -> Iterator[int]:
        """Packets in each chunk: `stsc` lists the chunks where their number changes."""
        starts = ((first, count) for first, count, _ in entries(">III", self._chunks[8:]))
        for (first, count), (after, _) in pairwise(chain(starts, [(1 << 32, 0)])):
            yield from repeat(count, max(0, after - first))

    def _each_time(self) -> Iterator[int]:
        time = 0
        for count, duration in entries(">II", self._times[8:]):
            for _ in range(count):
                yield time
                time += duration


# -- fields


def u32(body: bytes, pos: int) -> int:
    return number_at(body, pos, 4)


def number_at(body: bytes, pos: int, width: int) -> int:
    if pos + width > len(body):
        raise ValueError(f"a box of {len(body)} bytes ends early")
    return int.from_bytes(body[pos : pos + width], "big")


def entries(layout: str, body: bytes) -> Iterator[tuple[int, ...]]:
    """As many whole entries as there are in `body`."""
    entry = struct.Struct(layout)
    return entry.iter_unpack(body[: len(body) - len(body) % entry.size])


def name_of(kind: bytes) -> str:
    return repr(kind.decode("latin-1"))
