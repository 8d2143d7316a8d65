"""The chunks of a part, each read by itself, under the numbers that were noted for them.

Each chunk is read once and forgotten; once more where numbers moved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..errors import RecordingError
from ..media.opus import OpusHead
from ..media.pcm import PcmHead
from ..media.probe import begins_recording, open_demuxer
from . import findings
from .manifest import Noted, without_wrapping
from .noted_numbers import numbered, numbers_as_noted, without_copies
from .padding import PaddingFinder
from .read_by_others import survey_again
from .renumbered import Renumbered
from .repeats import RepeatFinder, Repeats
from .seam_order import SeamOrder
from .sequence import missing_numbers, moved
from .slices import are_slices
from .survey import ChunkSurvey, survey
from .wrong_bits import BitMender

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from ..documents.models import PartEntry
    from ..media.packets import Track
    from ..model import ChunkRef, Finding
    from .runs import Read


_HEAD_BYTES = 4096  # chosen: of the first chunks, where a header is cut; Chrome's first blob may be one byte (measured)
_MOSTLY = 0.75
"""Of the chunks; chosen: others may be copies, or damaged."""


class SurveyedPart(Struct, frozen=True):
    """What is in each chunk of a part, and what was noted of it, both without what chunks repeat.

    `digests` are the SHA-256 of whole chunks; `renumbered` says which the chunks are in the store.  Of those that are
    `mended` one bit is put right.  `findings` say why.
    """

    listed: Sequence[ChunkRef]
    entry: PartEntry | None
    read: Read
    surveys: Sequence[ChunkSurvey]
    digests: dict[ChunkRef, str]
    repeats: Repeats
    renumbered: Renumbered
    mended: Collection[ChunkRef] = ()
    findings: Sequence[Finding] = ()


def survey_part(listed: Sequence[ChunkRef], entry: PartEntry | None, read: Read) -> SurveyedPart:
    """Read each chunk of a part by itself."""
    found = _survey(listed, entry, read, Renumbered({chunk: chunk for chunk in listed}))
    numbers = {chunk: chunk.seq for chunk in listed} | numbers_as_noted(found.surveys, found.entry)
    originals = {one.chunk: numbers[one.chunk] for one in without_copies(found.surveys)}
    are_undated = any(one.start_ms is None and numbers[one.chunk] != one.chunk.seq for one in found.surveys)
    if _say_when(found.surveys) and not (are_undated or _moved_on(originals, found.entry)):
        return found
    doubts = [findings.sound_jumps(chunk) for chunk in _by_seams(found, numbers)]
    noted = Noted(found.entry)
    odd = [one for one in found.surveys if one.odd and one.track and not noted.has_exactly(one)]
    doubts += [findings.odd_samples(one.chunk, one.odd, one.track.head.rate_hz) for one in odd if one.track]
    if all(chunk.seq == number for chunk, number in numbers.items()):
        return replace(found, findings=[*found.findings, *doubts])
    renumbered = Renumbered(numbered(found.surveys, numbers))
    again = _survey([*renumbered.originals], entry, renumbered.read_by(read), renumbered)
    return replace(again, findings=[*found.findings, *_findings(renumbered.originals, found.entry), *doubts])


def _say_when(surveys: Sequence[ChunkSurvey]) -> bool:
    """Whether the chunks say when they were recorded: clusters, pages and fragments of one recording of Opus do."""
    heads = (one.track.head for one in surveys if one.track)
    is_opus = all(isinstance(head, OpusHead) for head in heads)
    return is_opus and not are_slices(surveys)


def _moved_on(numbers: Mapping[ChunkRef, int], entry: PartEntry | None) -> bool:
    """Whether what was noted of chunks is noted under other numbers, and not only of some that changed places.

    `numbers` are those of all but copies.  Where much of what is there was not noted, that is of other chunks.
    """
    known = {chunk.seq for chunk in entry.chunks} if entry else set()
    others = {chunk: number for chunk, number in numbers.items() if number in known}
    if len(others) < _MOSTLY * len(numbers):
        return False
    out_of_place = {*moved(sorted(others, key=others.__getitem__))}
    return any(chunk.seq != number for chunk, number in others.items() if chunk not in out_of_place)


def _by_seams(found: SurveyedPart, numbers: dict[ChunkRef, int]) -> list[ChunkRef]:
    """Put `numbers` right by how chunks go on with one another; returns those that do not though nothing says why."""
    sounding = [one for one in without_copies(found.surveys) if one.digests and one.track]
    first = next((one for one in sounding if one.says_what_it_is), sounding[0] if sounding else None)
    if first is None or first.track is None or (first.has_clock and not isinstance(first.track.head, PcmHead)):
        return []
    in_order = sorted(sounding, key=lambda one: numbers[one.chunk])
    order = SeamOrder(in_order, [numbers[one.chunk] for one in in_order], Noted(found.entry), first.track)
    order.settle(missing_numbers([replace(chunk, seq=number) for chunk, number in numbers.items()], found.entry))
    numbers.update(zip((one.chunk for one in order.chunks), order.numbers, strict=True))
    return [order.chunks[at].chunk for at in order.unexplained if not order.is_torn_at(at)]


def _findings(originals: Mapping[ChunkRef, ChunkRef], entry: PartEntry | None) -> Iterator[Finding]:
    """The chunks that changed places, and those whose numbers moved on."""
    known = {chunk.seq for chunk in entry.chunks} if entry else {original.seq for original in originals.values()}
    noted = {original: number.seq for number, original in originals.items() if number.seq in known}
    out_of_place = moved([*noted])
    for chunk in out_of_place:
        yield findings.out_of_order(chunk, by="what was noted of it, or how it goes on with others, decides")
    others = [chunk for chunk, number in noted.items() if chunk.seq != number and chunk not in out_of_place]
    if others:
        yield findings.numbers_moved(others, noted[others[0]])


def _track_of(head: bytes, mime_type: str) -> Track | None:
    """The track of a header that is in several chunks; None where it is not whole."""
    try:
        demuxer = open_demuxer(head, mime_type=mime_type)
        demuxer.feed(head)
    except RecordingError:
        return None
    return demuxer.track


def _survey(listed: Sequence[ChunkRef], entry: PartEntry | None, read: Read, renumbered: Renumbered) -> SurveyedPart:
    mime_type = (entry.mime_type if entry else None) or ""
    surveys: list[ChunkSurvey] = []
    track = None
    digests: dict[ChunkRef, str] = {}
    noted, finder, padding = Noted(entry), RepeatFinder(mime_type), PaddingFinder(mime_type)
    mender = BitMender(noted)
    head = b""
    uploads: dict[int, int] = {}
    for chunk in listed:
        data = read(chunk)
        if entry and (size := noted.wrapped_size(chunk, data)):
            uploads[chunk.seq] = size
        if track is None and len(head) < _HEAD_BYTES:
            head += data[:_HEAD_BYTES]
            track = _track_of(head, mime_type) if begins_recording(head) and not begins_recording(data) else None
        surveys.append(survey(chunk, data, mime_type, track))
        surveys[-1].proved_bytes = noted.proved_bytes(chunk.seq, data)
        digests[chunk] = surveys[-1].sha256
        if mender.look_at(surveys[-1], data):
            data = mender.mended(chunk, data)
            surveys[-1] = survey(chunk, data, mime_type, track)
            surveys[-1].proved_bytes = noted.proved_bytes(chunk.seq, data)
        its_note = None if chunk.seq in uploads else noted.chunks.get(chunk.seq)
        finder.look_at(surveys[-1], data, (its_note and its_note.bytes) or 0)
        padding.look_at(surveys[-1], data, its_note, track)
        track = track or (surveys[-1].track if surveys[-1].says_what_it_is else None)
    read = mender.reading(read)
    survey_again(surveys, read, mime_type)
    padding.end()
    entry = entry and without_wrapping(entry, uploads)
    repeats = finder.settle(read, surveys, padding.found)
    entry, read = repeats.noted(entry, read), repeats.reading(read)
    found = SurveyedPart(listed, entry, read, surveys, digests, repeats, renumbered, mender.found)
    return replace(found, findings=[*mender.findings()])
