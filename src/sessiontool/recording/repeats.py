"""Bytes that a chunk has from others once more: a recording's beginning before each chunk, or the whole of it again.

An uploader puts the header, or all of the first blob, before each chunk so that it can be played; another sends the
whole recording again when it ends.  A recorder that was started again writes the same header, and its times begin anew:
then nothing is repeated.  What is repeated is proved by the bytes and set aside; the rest of a chunk is read as if it
had been stored alone.

Not here: near copies, and bytes shared at a seam (`copies`).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from ..errors import RecordingError
from ..media.matroska.ebml import SIMPLE_BLOCK
from ..media.probe import open_demuxer
from ..media.repeated_heads import begins_anew, doubled_bytes, head_bytes, repeated_heads, shares_more_than_header
from .copies import differ_by_damage
from .findings import beginning_repeated, overlap, padded
from .padding import PADDING
from .records import Stretch
from .survey import ChunkSurvey, survey

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..documents.models import PartEntry
    from ..model import ChunkRef, Finding
    from .records import Assembly
    from .runs import Read

_APART_MS = 1000
"""So much earlier than what was recorded before may a chunk begin that goes on with it (chosen, as in `recorders`)."""
_MARK_BYTES = 24  # chosen: of a chunk's beginning, by which its place in another is found
_LEAST_BYTES = 64  # chosen: smaller chunks may be inside of others by chance
_LARGE = 1.5  # chosen, a ratio to the median: smaller chunks are not searched for others
_TRIED = 4  # chunks that may be next behind bytes that no other has; chosen: each costs a search of the whole chunk
FROM_BEFORE = "upload wrapping: the recording's beginning once more"
INSIDE = "a copy"


class KnownChunk(Struct, frozen=True):
    """A chunk by which its copies are recognised."""

    chunk: ChunkRef
    size_bytes: int
    sha256: str
    mark: bytes

    @classmethod
    def of(cls, chunk: ChunkRef, data: bytes, sha256: str) -> KnownChunk:
        """What is to be known of a chunk."""
        return cls(chunk, len(data), sha256, data[:_MARK_BYTES])

    def is_at(self, data: bytes, at: int) -> bool:
        return (
            data.startswith(self.mark, at)
            and at + self.size_bytes <= len(data)
            and hashlib.sha256(data[at : at + self.size_bytes]).hexdigest() == self.sha256
        )


class Repeats(Struct):
    """What was found in a part: of each chunk its first bytes that others have, and the chunks that others have whole.

    `tails` are padding at the ends of chunks.  Offsets are those in the stored chunk.  Chunks of `covered` numbers are
    not there, and their bytes are in another one.
    """

    heads: dict[ChunkRef, list[Stretch]] = field(default_factory=dict)
    inside: dict[ChunkRef, list[Stretch]] = field(default_factory=dict)
    covered: set[int] = field(default_factory=set)
    tails: dict[ChunkRef, Stretch] = field(default_factory=dict)

    def cut(self, chunk: ChunkRef) -> int:
        """How many bytes at its beginning a chunk repeats."""
        return sum(one.size_bytes for one in self.heads.get(chunk, ()))

    def own(self, chunk: ChunkRef, data: bytes) -> bytes:
        """A chunk without what it repeats, and without padding."""
        end = self.tails[chunk].byte_offset if chunk in self.tails else len(data)
        return data[self.cut(chunk) : end] if chunk in self.heads or chunk in self.tails else data

    def reading(self, read: Read) -> Read:
        """`read` without what is repeated."""
        return lambda chunk: self.own(chunk, read(chunk))

    def noted(self, entry: PartEntry | None, read: Read) -> PartEntry | None:
        """What the recorder noted, of chunks without what they repeat; sizes may be those of either."""
        by_number = {chunk.seq: chunk for chunk in (*self.heads, *self.tails)}
        if entry is None or not by_number:
            return entry
        chunks = []
        for noted in entry.chunks:
            chunk = by_number.get(noted.seq)
            if chunk and noted.bytes == chunk.object.size_bytes:
                own = self.own(chunk, data := read(chunk))
                is_whole = noted.sha256 in {None, hashlib.sha256(data).hexdigest()}
                digest = hashlib.sha256(own).hexdigest() if noted.sha256 else None
                noted = replace(noted, bytes=len(own), sha256=digest) if is_whole else noted  # noqa: PLW2901
            chunks.append(noted)
        return replace(entry, chunks=chunks)

    def findings(self, part: str) -> Iterator[Finding]:
        """Which chunks repeat what comes before."""
        by_first: dict[ChunkRef, list[ChunkRef]] = {}
        for chunk, (one, *_) in self.heads.items():
            if one.kept_in:
                by_first.setdefault(one.kept_in, []).append(chunk)
        for first, chunks in by_first.items():
            size_bytes = sum(map(self.cut, chunks))
            if len(chunks) == 1 and size_bytes == first.object.size_bytes:  # no wrapping: it was sent again, and whole
                yield overlap(chunks[0], first, size_bytes, at_start=True)
            else:
                yield beginning_repeated(part, chunks, size_bytes, first)
        if self.tails:
            yield padded(part, [*self.tails], sum(one.size_bytes for one in self.tails.values()))

    def settle(self, assembly: Assembly, chunks_from: int, findings_from: int, digests: Mapping[ChunkRef, str]) -> None:
        """Count what was set aside in the records since then, and move all places behind it."""
        for record in assembly.chunks[chunks_from:]:
            if record.verdict == "unread":
                continue
            for stretches in (record.damage, record.set_aside):
                stretches[:] = [self._moved(record.chunk, one) for one in stretches]
            if record.chunk in self.heads:
                count = self.cut(record.chunk)
                record.set_aside[:0] = self.heads[record.chunk]
                record.account.set_aside_bytes += count
                record.account.size_bytes += count
            if tail := self.tails.get(record.chunk):
                record.set_aside.append(tail)
                record.account.set_aside_bytes += tail.size_bytes
                record.account.size_bytes += tail.size_bytes
            record.sha256 = digests[record.chunk]
        cuts = {(chunk.part, chunk.seq): self.cut(chunk) for chunk in self.heads}
        for index, one in enumerate(assembly.findings[findings_from:], findings_from):
            cut = cuts.get((one.part or "", -1 if one.seq is None else one.seq), 0)
            if cut and one.byte_offset is not None:
                assembly.findings[index] = replace(one, byte_offset=one.byte_offset + cut)

    def _moved(self, chunk: ChunkRef, one: Stretch) -> Stretch:
        kept_at = one.kept_at + self.cut(one.kept_in) if one.kept_in else one.kept_at
        return replace(one, byte_offset=one.byte_offset + self.cut(chunk), kept_at=kept_at)


class _First(Struct):
    """The first chunk of a part that begins a recording, and how long it was noted to be (0: nothing is noted)."""

    chunk: ChunkRef
    data: bytes
    survey: ChunkSurvey
    noted_bytes: int

    def is_cut_copy_of(self, data: bytes) -> bool:
        """Whether `data` may be all of what it is the beginning of: that is no later chunk's.

        It is shorter than noted, or nothing is noted and it ends inside a packet, as no blob of a recorder does.
        """
        if not shares_more_than_header(self.data, data):
            return False
        is_cut = self.survey.is_torn_at_end and self.data[-1] != SIMPLE_BLOCK  # behind a block's id Chrome's blobs end
        return len(self.data) < len(data) <= self.noted_bytes or (is_cut and not self.noted_bytes)


class RepeatFinder:
    """Looks at the chunks of a part, one after another; `settle` says what they repeat."""

    def __init__(self, mime_type: str) -> None:
        self._mime_type = mime_type
        self._first: _First | None = None
        self._known: list[KnownChunk] = []
        self._begins: list[ChunkRef] = []
        self._alike = 0  # chunks with the header of the first
        self._going_on = 0  # of those, that go on behind what was before
        self._end_ms = 0.0
        self._rests: dict[ChunkRef, tuple[int, ChunkSurvey]] = {}
        self._boundary = 0

    def look_at(self, found: ChunkSurvey, data: bytes, noted_bytes: int = 0) -> None:
        """The next chunk, what is in it, and how long the one of its number was noted to be."""
        self._known.append(KnownChunk.of(found.chunk, data, found.sha256))
        if not found.has_header:
            return
        self._begins.append(found.chunk)
        if self._first is None:
            self._first = self._without_double(_First(found.chunk, data, found, noted_bytes))
            self._end_ms = self._first.survey.end_ms or 0.0
        elif data != self._first.data and not self._first.is_cut_copy_of(data):
            self._compare(found, data, self._first)

    def _without_double(self, first: _First) -> _First:
        """The first chunk, where it has its own beginning before it as the others have."""
        count = doubled_bytes(first.data)
        if not count:
            return first
        rest = survey(first.chunk, first.data[count:], self._mime_type)
        self._rests[first.chunk] = count, rest
        return _First(first.chunk, first.data[count:], rest, first.noted_bytes)

    def _compare(self, found: ChunkSurvey, data: bytes, first: _First) -> None:
        """What a chunk has behind the beginning that it shares with the first one, if it does."""
        chunk = found.chunk
        for count in self._counts(first, data):
            rest = survey(chunk, data[count:], self._mime_type, first.survey.track)
            if rest.has_header or (first.survey.digests and begins_anew(data[count:])):
                continue
            if found.digests and not rest.digests:
                continue  # its sound is found by its own header
            if rest.start_ms is None and differ_by_damage(first.survey, found):
                return  # it is a copy of the first one, whose own base of times is damaged
            self._alike += 1
            apart_ms = min(_APART_MS, first.survey.length_ms / 2) if first.survey.digests else _APART_MS
            goes_on = rest.start_ms is None or rest.start_ms >= self._end_ms - apart_ms
            restarts = rest.start_ms is not None and abs(rest.start_ms - (first.survey.start_ms or 0.0)) < _APART_MS
            if goes_on:
                self._going_on += 1
                self._end_ms = rest.end_ms or self._end_ms
            if goes_on or not restarts:
                self._rests[chunk] = count, rest
            return

    def _counts(self, first: _First, data: bytes) -> Iterator[int]:
        """Where what a chunk repeats may end; inside the first chunk it ends where the rest goes on with that."""
        whole_or_head = {len(first.data), head_bytes(first.data)}
        for count in repeated_heads(first.data, data):
            if count in whole_or_head or count == self._boundary:
                yield count
            elif not self._boundary and self._joins(first.data, data[count:]):
                self._boundary = count
                yield count

    def _joins(self, before: bytes, rest: bytes) -> bool:
        try:
            demuxer = open_demuxer(before, mime_type=self._mime_type)
            demuxer.feed(before)
            demuxer.feed(rest)
            demuxer.flush()
        except RecordingError:
            return False
        return not demuxer.ledger.damages

    def settle(
        self, read: Read, surveys: list[ChunkSurvey], padded: Mapping[ChunkRef, tuple[int, ChunkSurvey]]
    ) -> Repeats:
        """What is repeated or `padded`; of those chunks `surveys` are replaced with those of what is their own."""
        repeats = Repeats()
        for chunk in self._large():
            self._look_inside(chunk, read(chunk), repeats)
        if self._first is not None and self._going_on * 2 > self._alike:
            kept = {one.kept_in for stretches in repeats.inside.values() for one in stretches}
            for chunk, (count, _) in self._rests.items():
                if chunk not in repeats.heads and chunk not in repeats.inside and chunk not in kept:
                    kept_at = count if chunk == self._first.chunk else 0
                    repeats.heads[chunk] = [Stretch(0, count, FROM_BEFORE, self._first.chunk, kept_at)]
        for index, one in enumerate(surveys):
            surveys[index] = self._of_its_own(one, read, repeats, padded)
        return repeats

    def _of_its_own(
        self, one: ChunkSurvey, read: Read, repeats: Repeats, padded: Mapping[ChunkRef, tuple[int, ChunkSurvey]]
    ) -> ChunkSurvey:
        chunk, cut = one.chunk, repeats.cut(one.chunk)
        count, rest = self._rests.get(chunk, (0, one))
        if chunk in padded and chunk not in repeats.inside:
            start, rest = padded[chunk]
            repeats.tails[chunk] = Stretch(start, one.size_bytes - start, PADDING)
            count = 0
        if count == cut:
            return rest
        track = self._first.survey.track if self._first else None
        return survey(chunk, repeats.own(chunk, read(chunk)), self._mime_type, track)

    # -- chunks that hold others

    def _large(self) -> list[ChunkRef]:
        """The chunks that may hold all of others: they begin a recording, and are larger than most."""
        sizes = sorted(one.size_bytes for one in self._known)
        usual = sizes[len(sizes) // 2] if sizes else 0
        by_chunk = {one.chunk: one.size_bytes for one in self._known}
        return [chunk for chunk in self._begins if by_chunk[chunk] > _LARGE * usual]

    def _look_inside(self, chunk: ChunkRef, data: bytes, repeats: Repeats) -> None:
        """Find other chunks in one: it repeats them, or where it has more between them, they repeat it."""
        others = [one for one in self._known if one.chunk != chunk and _LEAST_BYTES <= one.size_bytes < len(data)]
        found = find_all(data, [one for one in others if one.chunk not in repeats.inside])
        if len(found) < 2:
            return
        ends = [0, *(at + one.size_bytes for at, one in found)]
        if all(at == end for (at, _), end in zip(found, ends, strict=False)):
            stretches = [Stretch(at, one.size_bytes, INSIDE, one.chunk, 0) for at, one in found]
            (repeats.inside if ends[-1] == len(data) else repeats.heads)[chunk] = stretches
            repeats.covered.update(range(found[-1][1].chunk.seq + 1, chunk.seq) if ends[-1] < len(data) else ())
            return
        before = -1
        for (at, one), end in zip(found, ends, strict=False):
            repeats.inside[one.chunk] = [Stretch(0, one.size_bytes, INSIDE, chunk, at)]
            repeats.covered.update(range(before + 1, one.chunk.seq) if at > end else ())
            before = one.chunk.seq


def find_all(data: bytes, others: Sequence[KnownChunk]) -> list[tuple[int, KnownChunk]]:
    """Where chunks are in a larger one, byte for byte, as they follow one another in it."""
    found: list[tuple[int, KnownChunk]] = []
    left, at = list(others), 0
    while left and at < len(data):
        hit = max((one for one in left if one.is_at(data, at)), key=lambda one: one.size_bytes, default=None)
        if hit is None:
            places = [(place, index) for index, one in enumerate(left[:_TRIED]) if (place := _find(data, one, at)) >= 0]
            if not places:
                break
            at, index = min(places)
            hit = left[index]
        index = left.index(hit)
        left = left[index + 1 :] + left[:index]
        found.append((at, hit))
        at += hit.size_bytes
    return found


def _find(data: bytes, one: KnownChunk, at: int) -> int:
    place = data.find(one.mark, at)
    return place if place >= 0 and one.is_at(data, place) else -1
