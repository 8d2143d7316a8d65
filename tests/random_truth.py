"""What is true of a damaged folder: the packets that are still whole, and those whose time is still written.

Told from the origin of every stored byte alone.  Bytes belong together where they lie in one file as far from one
another as they were recorded, or in files of which each begins where the one before ends.  A packet is whole where all
that it needs is there so.  Chrome cuts its blobs one byte inside an element: where the blob before is lost, that byte
is not needed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from random_folder import DAMAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from random_folder import Folder, Upload
    from random_recordings import Range, Recording

_LONGEST_PACKET_BYTES = (
    4_000  # of a packet with its head (chosen: three frames of 1,275 bytes; RFC 6716, section 3.2.1)
)


@dataclass(slots=True)
class Group:
    """Bytes of one recording that belong together: sorted ranges.

    `shift` leads from a place in the recording to one in `data`, the file (None where it is two).  `opens_at`: a file
    begins there, and what was before it is lost.
    """

    source: int
    ranges: list[Range]
    shift: int = 0
    data: bytes | None = None
    opens_at: int | None = None

    def has(self, wanted: Range) -> bool:
        index = bisect_right(self.ranges, (wanted[0], wanted[1] + (1 << 60))) - 1
        return index >= 0 and self.ranges[index][0] <= wanted[0] and wanted[1] <= self.ranges[index][1]


@dataclass(slots=True)
class Truth:
    """By recording: `whole` packets, those of them whose `clock` is readable with them; `hurt` payloads, by packet.

    A hurt payload is damaged and lies between its true bounds: it may be in the result, for nobody can know.
    """

    whole: defaultdict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    clocked: defaultdict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    hurt: dict[bytes, tuple[int, int]] = field(default_factory=dict)


def truth_of(folder: Folder) -> Truth:
    truth = Truth()
    for group in _groups(folder):
        recording = folder.recordings[group.source]
        found = set(_whole(recording, group))
        truth.whole[group.source] |= found
        truth.clocked[group.source] |= {index for index in found if group.has(recording.packets[index].clock)}
        if group.data is not None:
            truth.hurt |= {payload: (group.source, index) for index, payload in _hurt(recording, group, found)}
    return truth


def _groups(folder: Folder) -> Iterator[Group]:
    files = [upload for upload in folder.stored() if upload.pieces]
    made: dict[int, dict[tuple[int, int], Group]] = {}
    for upload in files:
        made[id(upload)] = _groups_of(upload, _is_lost_before(upload, files))
        yield from made[id(upload)].values()
    begins = defaultdict(list)
    for upload in files:
        begins[upload.pieces[0].source, upload.pieces[0].start].append(upload)
    for upload in files:
        last = upload.pieces[-1]
        key = (last.source, last.start - (len(upload.data) - len(last.data)))
        for after in begins[last.source, last.end] if last.source != DAMAGE else ():
            one, other = made[id(upload)][key], made[id(after)][last.source, last.end]
            row = _merged([*one.ranges, *other.ranges])
            for further in _rest_of_a_packet(after, begins):
                row = _merged([*row, *made[id(further)][last.source, further.pieces[0].start].ranges])
            yield Group(last.source, row, opens_at=one.opens_at)
        yield from _joined(upload, files)


def _joined(upload: Upload, files: Sequence[Upload]) -> Iterator[Group]:
    """The bytes of a file and those that follow it in others, of which one may begin with bytes that it has, too.

    A packet that begins in one and is damaged in the next lies between its true bounds as well.
    """
    last = upload.pieces[-1]
    if last.source == DAMAGE:
        return
    for after in files:
        first = after.pieces[0]
        if after is not upload and first.source == last.source and first.start <= last.end <= first.end:
            data = upload.data + after.data[last.end - first.start :]
            yield Group(last.source, [(last.start, first.end)], len(upload.data) - last.end, data)


def _rest_of_a_packet(upload: Upload, begins: Mapping[tuple[int, int], Sequence[Upload]]) -> Iterator[Upload]:
    """The files behind one that goes on with another, where it is so short that a packet may go on behind it."""
    size_bytes = 0
    while len(upload.pieces) == 1 and (size_bytes := size_bytes + len(upload.data)) < _LONGEST_PACKET_BYTES:
        piece = upload.pieces[0]
        after = begins.get((piece.source, piece.end))
        if not after:
            return
        upload = after[0]
        yield upload


def _groups_of(upload: Upload, is_lost_before: bool) -> dict[tuple[int, int], Group]:
    """The file's groups by recording and where in it the file's first byte would be."""
    found: dict[tuple[int, int], list[Range]] = defaultdict(list)
    at = 0
    for piece in upload.pieces:
        if piece.source != DAMAGE:
            found[piece.source, piece.start - at].append((piece.start, piece.end))
        at += len(piece.data)
    first = upload.pieces[0]
    opens = (first.source, first.start) if is_lost_before else None
    return {
        key: Group(key[0], _merged(ranges), -key[1], upload.data, key[1] if key == opens else None)
        for key, ranges in found.items()
    }


def _merged(ranges: Iterable[Range]) -> list[Range]:
    merged: list[Range] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _is_lost_before(upload: Upload, files: Sequence[Upload]) -> bool:
    """Whether the byte before the file is lost, and not there and damaged."""
    before = (one for one in files if (one.source, one.index) == (upload.source, upload.index - 1))
    return not any(
        one.pieces[-1].source == DAMAGE and any(piece.source != DAMAGE for piece in one.pieces) for one in before
    )


def _whole(recording: Recording, group: Group) -> Iterator[int]:
    packets, outer = recording.packets, recording.outer_starts
    for start, end in group.ranges:
        first = index = bisect_left(outer, start)
        if first and start == group.opens_at:
            packet = packets[first - 1]
            if start <= packet.outer[0] + packet.optional and packet.outer[1] <= end:
                yield first - 1
        while index < len(packets) and packets[index].outer[1] <= end:
            yield index
            index += 1
    if recording.family in {"ogg", "mp4"} and len(group.ranges) > 1:
        for index in _between(recording, group):
            if all(group.has(need) for need in packets[index].needs):
                yield index


def _between(recording: Recording, group: Group) -> range:
    outer = recording.outer_starts
    return range(bisect_left(outer, group.ranges[0][0]), bisect_left(outer, group.ranges[-1][1]))


def _hurt(recording: Recording, group: Group, whole: set[int]) -> Iterator[tuple[int, bytes]]:
    """What lies in a file where payloads were that are no longer whole, and which they were."""
    assert group.data is not None
    first = max(0, bisect_left(recording.outer_starts, group.ranges[0][0]) - 1)
    for index in range(first, _between(recording, group).stop):
        packet = recording.packets[index]
        if index not in whole and packet.outer[1] + group.shift <= len(group.data):
            yield index, b"".join(group.data[start + group.shift : end + group.shift] for start, end in packet.body)
