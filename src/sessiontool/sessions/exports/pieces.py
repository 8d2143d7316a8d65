"""Which stretches of a recording are exported: one, or one for each utterance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ...errors import NotFoundError, RecordingError
from ...media.opus import SAMPLES_PER_SECOND
from .clip_transcript import times_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .options import ExportOptions
    from .source import Source

GAP_MARGIN_S = 5.0
"""Seconds of sound before a gap and after it, chosen: enough to hear what was interrupted, and how it goes on."""


class ExportPiece(Struct, frozen=True):
    """A stretch of the recording, in samples; of an utterance, the first part of its files' names, its id and role."""

    start: int
    end: int
    stem: str = ""
    utterance: str | None = None
    role: str | None = None

    def json(self) -> dict[str, Any]:
        """Where it is, as exports.json says it for each file."""
        return {
            "start_s": round(self.start / SAMPLES_PER_SECOND, 6),
            "end_s": round(self.end / SAMPLES_PER_SECOND, 6),
            "start_sample": self.start,
            "end_sample": self.end,
            **({} if self.utterance is None else {"utterance": self.utterance}),
        }


def pieces_of(
    source: Source, options: ExportOptions, report: Mapping[str, Any], transcript: Mapping[str, Any]
) -> list[ExportPiece]:
    """The pieces that are asked for, in the order of their starts; at least one.

    Raises UsageError (a stretch behind the end), NotFoundError (no such utterance, no such gap), RecordingError (the
    utterance has no place in the sound, or none has).
    """
    if options.gap is not None:
        return [_around_gap(source, report, options.gap)]
    if options.utterance is None and not options.each_utterance:
        return [ExportPiece(*options.stretch(source.session_id, source.samples))]
    if options.utterance is not None and options.utterance not in {entry.get("id") for entry in _entries(transcript)}:
        raise NotFoundError(
            f"{source.session_id} has no utterance {options.utterance[:40]!r}",
            hint="transcript.json has the ids of its utterances",
        )
    found = sorted(_spoken(source, options, transcript), key=lambda piece: (piece.start, piece.end))
    if not found:
        what = "no utterance" if options.each_utterance else f"utterance {options.utterance}, but it"
        raise RecordingError(f"{source.session_id} has {what} has a place in the sound", hint="see its transcript.json")
    return found


def _spoken(source: Source, options: ExportOptions, transcript: Mapping[str, Any]) -> Iterator[ExportPiece]:
    for number, entry in enumerate(_entries(transcript), 1):
        role, times = entry.get("role"), times_of(entry)
        is_wanted = options.each_utterance or entry.get("id") == options.utterance
        if times is None or not is_wanted or (options.roles and options.each_utterance and role not in options.roles):
            continue
        start, end = (min(source.samples, max(0, round(at * SAMPLES_PER_SECOND))) for at in times)
        if start < end:
            stem = f"{number:04d}-" if options.each_utterance else ""
            yield ExportPiece(start, end, stem, str(entry.get("id")), role if isinstance(role, str) else None)


def _around_gap(source: Source, report: Mapping[str, Any], number: int) -> ExportPiece:
    """The gap of that number, from 1, with what was recorded on either side of it."""
    timeline = report.get("timeline")
    spans = [span for span in timeline if isinstance(span, dict)] if isinstance(timeline, list) else []
    gaps = [span.get("output_samples") for span in spans if span.get("kind") == "silence"]
    gap = gaps[number - 1] if number <= len(gaps) else None
    if not isinstance(gap, list) or len(gap) != 2 or not all(type(at) is int for at in gap):
        has = f"{len(gaps)} gaps" if len(gaps) != 1 else "one gap"
        raise NotFoundError(f"{source.session_id} has {has}, and none of number {number}", hint="see its report.json")
    margin = round(GAP_MARGIN_S * SAMPLES_PER_SECOND)
    start, end = max(0, gap[0] - margin), min(source.samples, gap[1] + margin)
    if start >= end:
        raise RecordingError(f"gap {number} of {source.session_id} is not in its recording", hint="merge it again")
    return ExportPiece(start, end)


def _entries(transcript: Mapping[str, Any]) -> list[dict[str, Any]]:
    entries = transcript.get("utterances")
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
