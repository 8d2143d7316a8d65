"""Is each byte of each chunk in a published recording?  Found out from the chunks and the recording alone.

A report says what a merge made of the chunks.  A party that may write to a store may write a report, and a merge may be
wrong; so no report is asked here.  Each chunk is read again: its packets have to be in the recording (`packet_index`),
and the rest has to be the container's own.  What is neither is named: damage, other tracks, packets of
another recording.

Some things need not be read: a chunk that is byte for byte another one, or several behind one another; the bytes with
which a chunk repeats the end of the one before it, as a resumed upload does; and those of the recording's beginning
that an uploader put before a chunk which goes on behind what was read.

The order of the chunks is the caller's.  A wrong one proves nothing that is not true: packets that two chunks share are
then not found.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ...errors import RecordingError
from ...media.probe import begins_recording
from ...media.repeated_heads import doubled_bytes
from ...media.upload_wrappers import Unwrapper
from ...recording.repeats import KnownChunk, find_all
from .packet_index import UNKNOWN_TIME, PacketIndex
from .streams import ProofStream, Unproved, foreign_chunks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from ...media.packets import PacketRun
    from ...model import ChunkRef
    from .streams import ProofRun

_MOST_NAMED = 3
"""Places that a message lists, as parts of a line; chosen."""
_DIVERSE_BYTES = 100
"""Different values; chosen: a chunk of digital silence is inside of others by chance."""
_MOST_MS = 1 << 40
"""Chosen: 30 years; a time beyond is damage."""


def sentence(unproved: Sequence[Unproved]) -> str:
    """What is not in the result, in words: the most in each of a few chunks, and how many more chunks there are."""
    most: dict[str, Unproved] = {}
    for one in unproved:
        if one.key not in most or most[one.key].size_bytes < one.size_bytes:
            most[one.key] = one
    worst = sorted(most.values(), key=lambda one: -one.size_bytes)
    named = [
        f"{one.key} holds {one.size_bytes:,} byte{'s'[: one.size_bytes > 1]} at byte {one.byte_offset:,} "
        f"that are not in the result: {one.reason}"
        for one in worst[:_MOST_NAMED]
    ]
    more = len(most) - len(named)
    return "; ".join([*named, *([f"{more:,} more chunk(s) hold such bytes"] if more else [])])


class Proof:
    """Takes chunks one after another, each `take`n in the order of the recording; `end` says that there are no more.

    One chunk, the one before it and the largest that begins a recording are in memory.
    """

    def __init__(
        self,
        packets: Iterable[Sequence[bytes]],
        foreign: Collection[tuple[str | None, int | None]] = (),
        most_bytes: int = 1 << 28,
    ) -> None:
        """`packets` are those of the published recording, in pieces of any length.

        `foreign` are parts and numbers of chunks that the merge found to be of another recording; none holds more than
        `most_bytes` in what an upload wrapped around it.
        """
        self.unproved: list[Unproved] = []
        self.sha256: dict[str, str] = {}
        """Of each chunk, by its key."""
        self._index = PacketIndex(packets)
        self._part = ""
        self._stream: ProofStream | None = None
        self._before: ProofStream | None = None  # the recording into which the stream's header came
        self._streams = 0
        self._recordings: dict[tuple[int, int], int] = {}  # a number for each recording in each stream
        self._runs: list[ProofRun] = []  # of the part, those that are closed
        self._foreign = foreign
        self._unwrapper = Unwrapper(most_bytes)
        self._headed = ""  # the key of the first chunk of which bytes before the recording's header were taken
        self._seen: set[str] = set()
        self._known: list[KnownChunk] = []
        self._whole = b""  # the largest chunk that begins a recording

    @property
    def found_packets(self) -> int:
        """How many packets of the chunks are in the recording."""
        return self._index.claims

    def take(self, chunk: ChunkRef, data: bytes) -> None:
        """The next chunk and its bytes."""
        key, sha256 = chunk.object.key, hashlib.sha256(data).hexdigest()
        self.sha256[key] = sha256
        unwrapped = self._unwrapper.unwrap(data)
        data = unwrapped.data if unwrapped else data
        self._headed = self._headed or (key if self._unwrapper.unproved_bytes else "")
        if (chunk.part, chunk.seq) in self._foreign:
            self._note_foreign(chunk)
        if sha256 in self._seen or not data:  # what is wrong with it was said of the other one
            return
        self._seen.add(sha256)
        inside = self._inside(chunk, data)
        if inside == len(data) or (len(set(data)) >= _DIVERSE_BYTES and data in self._whole):
            return
        self._whole = data if begins_recording(data) and len(data) > len(self._whole) else self._whole
        if chunk.part != self._part:
            self._end_part()
            self._part = chunk.part
        skipped = max(inside, self._stream.repeated_bytes(data) if self._stream else 0)
        if skipped == len(data):
            return
        if self._stream and (inside or begins_recording(data)) and (head := self._stream.repeated_head(data, inside)):
            skipped = head
        elif begins_recording(data):
            self._close(self._before)
            self._before, self._stream = self._stream, None
            skipped = max(skipped, doubled_bytes(data))
        elif self._stream and not self._stream.is_continued_by(data):
            self._close(self._stream)
            self._before, self._stream = None, self._before
        if skipped < len(data):
            self._feed(chunk, data, skipped)

    def end(self) -> None:
        """There are no more chunks."""
        self._end_part()
        if count := self._unwrapper.unproved_bytes:
            self._note(Unproved(self._headed, 0, count, "before the recording's header, and in no other chunk"))

    def _end_part(self) -> None:
        self._close(self._before)
        self._close(self._stream)
        self._before = self._stream = None
        for chunk in foreign_chunks(self._runs):
            self._note_foreign(chunk)
        self._runs = []

    def _inside(self, chunk: ChunkRef, data: bytes) -> int:
        """How many bytes at its beginning are whole chunks that were taken before, byte for byte; notes this one."""
        covered = 0
        if begins_recording(data):
            for at, one in find_all(data, self._known):
                covered += one.size_bytes if at == covered else 0
        self._known.append(KnownChunk.of(chunk, data, hashlib.sha256(data).hexdigest()))
        return covered

    # -- the streams

    def _feed(self, chunk: ChunkRef, data: bytes, skipped: int) -> None:
        try:
            if self._stream is None:
                self._streams += 1
                self._stream = ProofStream(data[skipped:], self._streams)
            runs = self._stream.feed(chunk, data, skipped)
        except RecordingError as error:
            self.unproved.append(Unproved(chunk.object.key, skipped, len(data) - skipped, error.message))
            self._stream = None  # the next chunk may be the first of another one
            return
        self._find(self._stream, runs)

    def _close(self, stream: ProofStream | None) -> None:
        if stream is not None:
            self._find(stream, stream.close())
            self.unproved += stream.unused()
            self._runs.append(stream.run())

    def _note_foreign(self, chunk: ChunkRef) -> None:
        """All of a chunk, also where its packets are in the result: it may be all that there is of its own session."""
        self._note(Unproved(chunk.object.key, 0, chunk.object.size_bytes, "of another recording than most of its part"))

    def _note(self, found: Unproved) -> None:
        if found not in self.unproved:
            self.unproved.append(found)

    # -- their packets

    def _find(self, stream: ProofStream, runs: Sequence[PacketRun]) -> None:
        payloads = [payload for run in runs for payload in run.payloads]
        for packet, inside in stream.hidden(set(payloads)):
            if inside or not self._index.holds(packet):
                self.unproved.append(stream.unproved_at(packet, len(packet), "a packet inside another element"))
        missing = self._index.claim(payloads, [*self._times(stream, runs)]) if payloads else None
        if missing is not None:
            size_bytes = sum(map(len, payloads[missing.first :][: missing.packets]))
            reason = f"{missing.packets} of {len(payloads)} packets are {missing.reason}"
            self.unproved.append(stream.unproved_at(payloads[missing.first], size_bytes, reason))

    def _times(self, stream: ProofStream, runs: Sequence[PacketRun]) -> Iterator[int]:
        """When packets were recorded: alike for two packets of one recording alone."""
        for run in runs:
            number = self._recordings.setdefault((stream.number, run.recording), len(self._recordings))
            for time_ms in run.times_ms:
                known = run.placed and 0 <= time_ms < _MOST_MS
                yield number * _MOST_MS + time_ms if known else UNKNOWN_TIME
