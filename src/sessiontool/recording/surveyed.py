"""The chunks of a part, each read by itself, under the numbers that were noted for them.

Each chunk is read once and forgotten; once more where numbers moved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..media.opus import OpusHead
from . import findings
from .manifest import Noted
from .noted_numbers import numbered, numbers_as_noted
from .padding import PaddingFinder
from .renumbered import Renumbered
from .repeats import RepeatFinder, Repeats
from .sequence import moved
from .slices import are_slices
from .survey import ChunkSurvey, survey

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..documents.models import PartEntry
    from ..model import ChunkRef, Finding
    from .runs import Read


@dataclass(frozen=True, slots=True)
class SurveyedPart:
    """What is in each chunk of a part, and what was noted of it, both without what chunks repeat.

    `digests` are the SHA-256 of whole chunks; `renumbered` says which the chunks are in the store, and `findings` why.
    """

    listed: Sequence[ChunkRef]
    entry: PartEntry | None
    read: Read
    surveys: Sequence[ChunkSurvey]
    digests: dict[ChunkRef, str]
    repeats: Repeats
    renumbered: Renumbered
    findings: Sequence[Finding] = ()


def survey_part(listed: Sequence[ChunkRef], entry: PartEntry | None, read: Read) -> SurveyedPart:
    """Read each chunk of a part by itself."""
    found = _survey(listed, entry, read, Renumbered({chunk: chunk for chunk in listed}))
    numbers = {} if _say_when(found.surveys) else numbers_as_noted(found.surveys, found.entry)
    if not numbers:
        return found
    renumbered = Renumbered(numbered(found.surveys, numbers))
    again = _survey([*renumbered.originals], entry, renumbered.read_by(read), renumbered)
    return replace(again, findings=[*_findings(renumbered.originals, found.entry)])


def _findings(originals: Mapping[ChunkRef, ChunkRef], entry: PartEntry | None) -> Iterator[Finding]:
    """The chunks that changed places, and those whose numbers moved on."""
    known = {chunk.seq for chunk in entry.chunks} if entry else set()
    noted = {original: number.seq for number, original in originals.items() if number.seq in known}
    out_of_place = moved([*noted])
    for chunk in out_of_place:
        yield findings.out_of_order(chunk, by="what was noted of it decides")
    others = [chunk for chunk, number in noted.items() if chunk.seq != number and chunk not in out_of_place]
    if others:
        yield findings.numbers_moved(others, noted[others[0]])


def _say_when(surveys: Sequence[ChunkSurvey]) -> bool:
    """Whether the chunks say when they were recorded: clusters, pages and fragments of one recording of Opus do."""
    heads = (one.track.head for one in surveys if one.track)
    is_opus = all(isinstance(head, OpusHead) for head in heads)
    return is_opus and not are_slices(surveys)


def _survey(listed: Sequence[ChunkRef], entry: PartEntry | None, read: Read, renumbered: Renumbered) -> SurveyedPart:
    mime_type = (entry.mime_type if entry else None) or ""
    surveys: list[ChunkSurvey] = []
    track = None
    noted, finder, padding = Noted(entry), RepeatFinder(mime_type), PaddingFinder(mime_type)
    for chunk in listed:
        data = read(chunk)
        surveys.append(survey(chunk, data, mime_type, track))
        surveys[-1].proved_bytes = noted.proved_bytes(chunk.seq, data)
        finder.look_at(surveys[-1], data)
        padding.look_at(surveys[-1], data, noted.chunks.get(chunk.seq), track)
        track = track or (surveys[-1].track if surveys[-1].says_what_it_is else None)
    digests = {one.chunk: one.sha256 for one in surveys}
    padding.end()
    repeats = finder.settle(read, surveys, padding.found)
    entry, read = repeats.noted(entry, read), repeats.reading(read)
    return SurveyedPart(listed, entry, read, surveys, digests, repeats, renumbered)
