"""What is in each chunk of a part, read by itself: for parts whose chunks are not plainly one recording in order.

Each chunk is read once and forgotten; what is kept is when it was recorded, and a short digest of each packet, by which
copies and seams are found.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from collections import Counter
from itertools import accumulate
from math import nan
from statistics import median_low
from typing import TYPE_CHECKING

from msgspec import Struct, field

from ..errors import RecordingError
from ..media.matroska.ebml import SIMPLE_BLOCK
from ..media.opus import kinds_of
from ..media.pcm import PcmHead, UnknownFormatError
from ..media.probe import begins_recording, open_demuxer, what_is
from ..media.riff.headers import begins_wav, holds_no_samples
from ..model import SAMPLES_PER_MS
from .packet_times import end_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..audio.odd_samples import OddStretch
    from ..media.packets import Damage, Demuxer, PacketRun, Track
    from ..model import ChunkRef

WEBM, OGG = "WebmDemuxer", "OggDemuxer"
_SAMPLES = "PcmDemuxer"
_CLOCKLESS = ("AdtsDemuxer", "Mp3Demuxer", _SAMPLES)
_FEW = 5  # packets; chosen: a single timestamp may be damaged
PROVING = 3  # packets; chosen: fewer may be taken for those of another track
_EDGE_BYTES = 1 << 16  # kept of each chunk's ends; chosen: little memory, several packets
_BLANK = bytes(4)  # bytes; chosen: of two copies, one with as many zeroes more was overwritten
_ZEROES = rb"\0+"
_ODD_KIND = 1 << 14  # zeroes; chosen: more than are in any packet
_BLOCK_STAMP_BYTES = 3  # relative time and flags before a block's packet (RFC 9559, section 10.2)


class Dialect(Struct, frozen=True):
    """How a recorder writes: chunks of two recorders mostly differ in it."""

    container: str
    track: int
    packet_samples: int

    @property
    def ticks_per_ms(self) -> int:
        """How fine the container's times are: WebM counts ms, Ogg and MP4 samples."""
        return 1 if self.container == WEBM else SAMPLES_PER_MS

    @property
    def has_clock(self) -> bool:
        """Whether the container has times; else bytes alone show how long what is lost lasted."""
        return self.container not in _CLOCKLESS


class ChunkSurvey(Struct):
    """One chunk by itself.  Times are in ms of its recorder's clock, offsets in bytes of the chunk.

    `what` names bytes that are no recording, `refusal` is why a recording with a header is not read.
    `start_ms` and `end_ms` are None where no base of times is in it.
    `head_ms` and `tail_ms` are the times of its first packet and of its last packet's end, both from the base that
    they belong to: a chunk that continues another begins where that ends.  One that `begins_base` begins with its own.
    `digests`, `offsets`, `sizes`, `durations` and `times_ms` are its packets', in order; an offset of -1 is a packet
    that is not in one piece, a time of NaN one whose base is not in the chunk.  `guessed_ms` are those by the last base
    before damage, too.
    `doubts` say what speaks against each packet (0: nothing): how many zeroes it has one after another, where that are
    several, more where it is of a kind that hardly any other is.  `variety` of them differ from one another.
    `kinds` are those of its packets; see `packet_kinds`.
    `bases` is how many bases of times are in it, and `numbers` are those of its first and last page or fragment,
    where it has such. `shared_bytes` at its ends, which last `shared_ms`, are in its neighbours too; `follows` is the
    chunk that ends with what it begins with. The last `proved_bytes` of a chunk that is too long are what was noted
    of it. `odd` are stretches of samples that something else was written over. `chunks` is how many were
    read as this one (`cut_rows`).
    """

    chunk: ChunkRef
    sha256: str
    size_bytes: int
    what: str = ""
    has_header: bool = False
    dialect: Dialect | None = None
    start_ms: float | None = None
    end_ms: float | None = None
    head_ms: float = 0.0
    tail_ms: float = 0.0
    begins_base: bool = False
    digests: array[int] = field(default_factory=lambda: array("Q"))
    offsets: array[int] = field(default_factory=lambda: array("q"))
    sizes: array[int] = field(default_factory=lambda: array("q"))
    durations: array[int] = field(default_factory=lambda: array("q"))
    times_ms: array[float] = field(default_factory=lambda: array("d"))
    guessed_ms: array[float] = field(default_factory=lambda: array("d"))
    doubts: array[int] = field(default_factory=lambda: array("h"))
    variety: int = 0
    kinds: frozenset[int] = frozenset()
    damages: list[Damage] = field(default_factory=list)
    damaged_bytes: int = 0
    bases: int = 0
    numbers: tuple[int, int] | None = None
    shared_bytes: int = 0
    shared_ms: float = 0.0
    follows: ChunkRef | None = None
    proved_bytes: int = 0
    head_bytes: bytes = b""
    tail_bytes: bytes = b""
    odd: list[OddStretch] = field(default_factory=list)
    track: Track | None = None
    refusal: RecordingError | None = None
    chunks: int = 1

    @property
    def ticks_per_ms(self) -> int:
        """How fine its times are; see `Dialect`."""
        return self.dialect.ticks_per_ms if self.dialect else 1

    @property
    def has_clock(self) -> bool:
        """Whether its container has times, as far as it shows."""
        return self.dialect is None or self.dialect.has_clock

    @property
    def length_ms(self) -> float:
        """How much sound is in it that is not in its neighbours too."""
        return sum(self.durations) / SAMPLES_PER_MS - self.shared_ms

    @property
    def lasts_ms(self) -> float:
        """How long all of its bytes last: without a clock, what is cut at its ends counts as much as what is whole."""
        whole_bytes = self.size_bytes - self.damaged_bytes
        if whole_bytes <= 0 or self.dialect is None or self.dialect.has_clock:
            return self.length_ms
        return self.length_ms * self.size_bytes / whole_bytes

    def damaged_between(self, start: int, stop: int) -> int:
        """How many bytes between two offsets are of no use."""
        ends = ((max(start, d.offset), min(stop, d.offset + d.length_bytes)) for d in self.damages)
        return sum(max(0, last - first) for first, last in ends)

    @property
    def repeats_itself(self) -> bool:
        """Whether most of its packets are alike, as of silence: a chunk without a clock may be the same as another."""
        return 2 * self.variety < len(self.digests)

    @property
    def says_what_it_is(self) -> bool:
        """Whether others can be read by what its header says; a WAV file's does not begin a recording."""
        return self.has_header or (self.track is not None and isinstance(self.track.head, PcmHead))

    @property
    def counts_from_before(self) -> bool:
        """Whether its first packet counts from a base of times that is not in it."""
        return self.dialect is not None and self.dialect.has_clock and bool(self.digests) and not self.begins_base

    @property
    def counted_ms(self) -> float:
        """How long after a base that is in a chunk before its first packet begins; 0 where it begins with its own."""
        return self.head_ms if self.counts_from_before else 0.0

    @property
    def is_torn_at_start(self) -> bool:
        """Whether its first bytes are of no use by themselves."""
        return any(damage.offset <= 1 and damage.length_bytes for damage in self.damages)

    @property
    def begins_in_a_block(self) -> bool:
        """Whether its first bytes are a block's head without its id, where Chrome cuts its blobs."""
        size_bytes = 1 if self.head_bytes[:1] >= b"\x80" else 2  # of the block's size (RFC 8794): silence is short
        head = self.head_bytes[size_bytes : size_bytes + 4]
        if len(head) < 4 or head[3] & 0x7F:  # no flag but that of a key frame
            return False
        return head[0] == self.dialect.track | 0x80 if self.dialect else head[0] > 0x80

    @property
    def ends_in_a_block(self) -> bool:
        """Whether its last byte is a block's id, behind which Chrome cuts its blobs."""
        is_webm = self.dialect is not None and self.dialect.container == WEBM
        return is_webm and self.tail_bytes[-1:] == bytes([SIMPLE_BLOCK]) and not self.is_torn_at_end

    @property
    def is_torn_at_end(self) -> bool:
        """Whether its last bytes are of no use by themselves."""
        return any(damage.offset + damage.length_bytes == self.size_bytes for damage in self.damages)

    @property
    def is_useless(self) -> bool:
        """Whether it holds bytes, and nothing that a demuxer could make anything of."""
        return bool(self.size_bytes) and bool(self.what)

    def packet_end(self, index: int) -> int:
        """The offset after a packet."""
        return self.offsets[index] + self.sizes[index]

    def sound_ms(self, start: int, stop: int) -> float:
        """How much sound is in the packets that begin in these bytes."""
        pairs = zip(self.offsets, self.durations, strict=True)
        return sum(duration for offset, duration in pairs if start <= offset < stop) / SAMPLES_PER_MS


def survey(chunk: ChunkRef, data: bytes, mime_type: str = "", track: Track | None = None) -> ChunkSurvey:
    """Read a chunk by itself; `track` is that of a header in another chunk, for one too short to prove what it is."""
    found = ChunkSurvey(chunk, hashlib.sha256(data).hexdigest(), len(data), has_header=begins_recording(data))
    found.head_bytes, found.tail_bytes = data[:_EDGE_BYTES], data[-_EDGE_BYTES:]
    is_pcm = track is not None and isinstance(track.head, PcmHead)
    read = _read(data, mime_type, track if is_pcm else None)
    is_one_of_two = track is not None and bool(track.second)  # by itself it shows two voices, and not which is joined
    if track and not is_pcm and not found.has_header and (is_one_of_two or _packets(read) < PROVING):
        known = _read(data, mime_type, track)
        is_better = isinstance(read, RecordingError) or _packets(known) > _packets(read)
        read = known if is_better or (is_one_of_two and _packets(known)) else read
    if isinstance(read, RecordingError):
        found.what = what_is(data)
        if isinstance(read, UnknownFormatError):
            found.refusal = read
        elif found.has_header or begins_wav(data):
            found.refusal, found.what = read, found.what or read.message
        return found
    demuxer, runs = read
    found.damages = list(demuxer.ledger.damages)
    found.damaged_bytes = sum(account.damaged_bytes for account in demuxer.ledger.accounts)
    found.track = demuxer.track
    numbers = demuxer.ledger.numbers
    found.numbers = (min(numbers), max(numbers)) if numbers else None
    if not runs:
        found.what = "" if holds_no_samples(data) else what_is(data)
        found.start_ms = found.end_ms = 0.0 if found.has_header else None  # an MP4's first blob is a header alone
        found.dialect = Dialect(type(demuxer).__name__, _track_number(demuxer), 0) if demuxer.track else None
        return found
    found.dialect = _dialect(demuxer, runs)
    payloads = (payload for run in runs for payload in run.payloads)
    found.kinds = kinds_of(payloads, demuxer.track.head if demuxer.track else None)
    _note_times(found, runs)
    _note_packets(found, runs, data)
    found.odd = odd_inside([payload for run in runs for payload in run.payloads], demuxer.track)
    return found


def odd_inside(payloads: Sequence[bytes], track: Track | None) -> list[OddStretch]:
    """Where something else was written over samples, as far as it shows; in what has a codec nothing is sought."""
    if track is None or not isinstance(track.head, PcmHead):
        return []
    from ..audio.odd_samples import odd_stretches  # noqa: PLC0415 - needs numpy, which other recordings do not

    return odd_stretches(b"".join(payloads), track.head)


def _read(data: bytes, mime_type: str, track: Track | None) -> tuple[Demuxer, list[PacketRun]] | RecordingError:
    try:
        demuxer = open_demuxer(data, mime_type=mime_type, track=track)
        return demuxer, [*demuxer.feed(data), *demuxer.flush()]
    except RecordingError as error:
        return error


def _packets(read: tuple[Demuxer, list[PacketRun]] | RecordingError) -> int:
    return 0 if isinstance(read, RecordingError) else sum(len(run.payloads) for run in read[1])


def _dialect(demuxer: Demuxer, runs: Sequence[PacketRun]) -> Dialect:
    container = type(demuxer).__name__
    lengths = Counter(duration for run in runs for duration in run.durations)
    # Bare samples are packets of our own: how many are in one says nothing of the recorder.
    samples = 1 if container == _SAMPLES else lengths.most_common(1)[0][0]
    return Dialect(container, _track_number(demuxer), samples)


def _track_number(demuxer: Demuxer) -> int:
    """The number by which recorders differ: browsers in WebM; in Ogg each recording has a random one."""
    return demuxer.track.number if demuxer.track else 0


def _note_times(found: ChunkSurvey, runs: Sequence[PacketRun]) -> None:
    found.head_ms, found.tail_ms = runs[0].times_ms[0], end_ms(runs[-1].times_ms, runs[-1].durations)
    found.begins_base = runs[0].placed and runs[0].bases[:1] == [0]
    found.bases = sum(len(run.bases) for run in runs if run.placed)
    found.start_ms = start_ms(runs)
    if found.start_ms is None:
        return
    found.end_ms = found.tail_ms
    last_run, last_base = [(run, base) for run in runs for base in run.bases][-1]
    found.tail_ms -= last_run.times_ms[last_base]


def start_ms(runs: Sequence[PacketRun]) -> float | None:
    """Where the first of a chunk's packets begins: the first whose base of times is there, less those before it.

    None where none is.
    """
    index = next((index for index, run in enumerate(runs) if run.placed and run.bases), None)
    if index is None:
        return None
    run, first = runs[index], runs[index].bases[0]
    earlier = sum(sum(other.durations) for other in runs[:index]) + sum(run.durations[:first])
    return _begin_ms(run, first) - earlier / SAMPLES_PER_MS


def _begin_ms(run: PacketRun, first: int) -> float:
    """Where a packet begins on the recorder's clock, by itself and the next few: a single time may be damaged."""
    times, durations = run.times_ms[first : first + _FEW], run.durations[first : first + _FEW]
    offsets = accumulate(durations, initial=0)
    return median_low(time - offset / SAMPLES_PER_MS for time, offset in zip(times, offsets, strict=False))


def _note_packets(found: ChunkSurvey, runs: Sequence[PacketRun], data: bytes) -> None:
    # A block's time in its cluster distinguishes silence from the same silence elsewhere.
    stamp_bytes = _BLOCK_STAMP_BYTES if found.dialect and found.dialect.container == WEBM else 0
    at, based = 0, False
    found.variety = len({payload for run in runs for payload in run.payloads})
    for run in runs:
        based = based or bool(run.bases)
        found.times_ms.extend(run.times_ms if based and run.placed else [nan] * len(run.times_ms))
        found.guessed_ms.extend(run.times_ms if based else [nan] * len(run.times_ms))
        for payload, duration in zip(run.payloads, run.durations, strict=True):
            place = data.find(payload, at)
            at = place + len(payload) if place >= 0 else at
            stamp = data[place - stamp_bytes : place] if place >= stamp_bytes else b""
            found.digests.append(int.from_bytes(hashlib.blake2b(stamp + payload, digest_size=8).digest(), "big"))
            found.offsets.append(place)
            found.sizes.append(len(payload))
            found.durations.append(duration)
            is_odd = bool(found.kinds) and payload[0] >> 2 not in found.kinds
            found.doubts.append(_ODD_KIND if is_odd else _zeroes_in(payload))


def _zeroes_in(payload: bytes) -> int:
    """How many zeroes a packet has one after another, 0 where these are few."""
    if _BLANK not in payload:
        return 0
    return max(map(len, re.findall(_ZEROES, payload)))


def torn_between(before: ChunkSurvey, after: ChunkSurvey) -> str:
    """Why two chunks do not go on with one another, though none is missing; empty where they do.

    What is cut in the middle of a packet on both sides may be one packet.
    """
    if before.is_torn_at_end and not after.is_torn_at_start:
        return f"the end of chunk {before.chunk.seq} is damaged"
    if after.is_torn_at_start and not before.is_torn_at_end:
        return f"the beginning of chunk {after.chunk.seq} is damaged"
    return ""
