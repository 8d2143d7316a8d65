"""Times of session.json that count seconds or microseconds: the bytes that would have been recorded in them show it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .models import PartEntry, SessionDocument

_MOST_BYTES_PER_MS = 1500.0
"""Derived: no browser records more; four channels of 32 bits at 96 kHz."""
_LEAST_BYTES_PER_MS = 0.02
"""Chosen: below a packet of silence every 400 ms, which is the least that Opus sends."""
_LEAST_BLOB_BYTES = 1000
"""Chosen: blobs that were noted as smaller on the whole may have been noted in kilobytes."""
_MOST_TIMESLICE_MS = 60_000
"""Chosen: a larger one is no measure, as it may count microseconds too."""
_ALIKE = 3.0  # times; chosen: so far may a timeslice be from the time between two blobs


class _Span(Struct, frozen=True):
    """Blobs of a part: their bytes, and how long they were recorded on the clock that they were noted on."""

    size_bytes: int
    length: float


def in_milliseconds(session: SessionDocument, name: str) -> tuple[SessionDocument, list[Finding]]:
    """The document with its times in milliseconds, and what was concluded.

    What was noted of bytes decides; where that is nothing, times are what they are called.
    """
    spans = [span for part in session.parts for span in _spans(part) if span.length > 0]
    length = sum(span.length for span in spans)
    if not length:
        return session, []
    bytes_per_ms = sum(span.size_bytes for span in spans) / length
    if bytes_per_ms > _MOST_BYTES_PER_MS:
        unit, factor = "seconds", 1000.0
    elif 0 < bytes_per_ms < _LEAST_BYTES_PER_MS and _is_too_slow(session):
        unit, factor = "microseconds", 0.001
    else:
        return session, []
    message = f"{name}: its times count {unit}, by how many bytes were recorded in them"
    hint = "note times in milliseconds since `started_at`"
    parts = [_scaled(part, factor) for part in session.parts]
    return replace(session, parts=parts), [Finding("session-clock", "info", message, hint=hint)]


def _spans(part: PartEntry) -> Iterator[_Span]:
    """The blobs behind the first by their own instants; else all of them by the recorder's start and stop."""
    # By their instants: numbers may have been given in another order.
    timed = sorted((one.emitted_ms, one.bytes or 0) for one in part.chunks if one.emitted_ms is not None)
    if len(timed) > 1:
        yield _Span(sum(size for _, size in timed[1:]), timed[-1][0] - timed[0][0])
    elif part.start_ms is not None and part.stop_ms is not None:
        yield _Span(sum(one.bytes or 0 for one in part.chunks), part.stop_ms - part.start_ms)


def _is_too_slow(session: SessionDocument) -> bool:
    """Whether it is the times that are too long and not the sizes too small, nor blobs as rare as was asked for."""
    sizes = [chunk.bytes for part in session.parts for chunk in part.chunks if chunk.bytes]
    slices = [part for part in session.parts if (part.timeslice_ms or 0) <= _MOST_TIMESLICE_MS]
    steps = [(step, part.timeslice_ms) for part in slices for step in _steps(part)]
    return _middle(sizes) >= _LEAST_BLOB_BYTES and not _fits(steps)


def _steps(part: PartEntry) -> list[float]:
    times_ms = [one.emitted_ms for one in part.chunks if one.emitted_ms is not None]
    return [after - before for before, after in pairwise(times_ms)]


def _fits(steps: list[tuple[float, float | None]]) -> bool:
    """Whether blobs came as often as their timeslice says."""
    ratios = [step / timeslice_ms for step, timeslice_ms in steps if timeslice_ms]
    return bool(ratios) and 1 / _ALIKE < _middle(ratios) < _ALIKE


def _middle(values: Sequence[float]) -> float:
    """One that as many are above as below; without `statistics`, which is slow to load."""
    return sorted(values)[len(values) // 2]


def _scaled(part: PartEntry, factor: float) -> PartEntry:
    def scaled(time: float | None) -> float | None:
        return None if time is None else time * factor

    in_step = _fits([(step, part.timeslice_ms) for step in _steps(part)])
    return replace(
        part,
        start_ms=scaled(part.start_ms),
        stop_ms=scaled(part.stop_ms),
        timeslice_ms=scaled(part.timeslice_ms) if in_step else part.timeslice_ms,
        chunks=[replace(chunk, emitted_ms=scaled(chunk.emitted_ms)) for chunk in part.chunks],
        pauses=[
            replace(pause, start_ms=pause.start_ms * factor, end_ms=pause.end_ms * factor) for pause in part.pauses
        ],
    )
