"""Gaps of a recording filled with the sound of another one of the same conversation: `merge --fill-from`.

A gap is of silent packets, a packet each 20 ms.  Those for which the other recording has sound are replaced, one by
one, with packets that are encoded of it; every recorded packet stays as it is and where it is, and so does the length.
Pauses stay silent: the recorder was paused on purpose.
"""

from __future__ import annotations

from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from ..media.matroska.muxer import WebmMuxer
from ..media.opus import SILENT_PACKET_SAMPLES, OpusHead, PacketSamples
from ..media.packets import PacketDigest
from ..model import SAMPLE_RATE
from ..timeline import Span, Timeline
from . import result_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from ..alignment.recordings import Comparison
    from .join import Recording

_FILLED = frozenset({"lost", "suspended", "between_parts", "between_slices"})
"""Causes of gaps in which the conversation went on."""
_LEAST_PACKETS = 5  # chosen: a tenth of a second; what is shorter is hardly heard
_LEAST_SILENT_FRAMES = 100  # chosen: so much digital silence, a second, is a gap of the other recording
_AT_ONCE = 1024  # packets that are written at once; chosen


class _Fill(Struct, frozen=True):
    """Packets of the span of that number to fill, `first` to `after`, by the other's sound from sample `start` on."""

    span: int
    first: int
    after: int
    start: int


class Filled(Struct, frozen=True):
    """A recording with filled gaps, and the gaps that were not, with the reason; (start, end) in output samples."""

    recording: Recording
    filled: tuple[tuple[int, int], ...] = ()
    left: tuple[tuple[tuple[int, int], str], ...] = ()


def fill_gaps(session_id: str, recording: Recording, comparison: Comparison, path: Path, levels: Any) -> Filled:
    """Fill what gaps can be filled from the recording at `path`; `levels` are its own, a frame each 10 ms.

    The file of the recording is written anew.  RecordingError where the other's sound cannot be read.
    """
    from ..audio.gap_sound import GapSound, packets_for_gaps  # noqa: PLC0415 - PyAV, which few merges need here

    spans, head = recording.timeline.spans, recording.head
    fills: list[_Fill] = []
    left: list[tuple[tuple[int, int], str]] = []
    for number, span in enumerate(spans):
        if span.kind != "silence" or span.cause not in _FILLED or span.silent_packets < _LEAST_PACKETS:
            continue
        found, why = _fills_of(number, span, comparison, levels)
        if not isinstance(head, OpusHead):
            found, why = [], f"a recording of {head.codec} is not filled, only one of Opus"
        fills += found
        if not found:
            left.append(((span.output_start, span.output_end), why))
    if not fills or not isinstance(head, OpusHead):
        return Filled(recording, left=tuple(left))
    digests: list[str] = []
    sounds = [GapSound(fill.start, fill.after - fill.first) for fill in fills]
    made = packets_for_gaps(path, sounds, head.channels, swapped=bool(comparison.swapped))
    edges = [start + head.pre_skip for start, _ in (_extent(spans[fill.span], fill) for fill in fills)]
    _write(recording.path, head, edges, _hashed(made, digests), result_files.track_uid(session_id))
    return Filled(_with_spans(recording, fills, digests), _places(spans, fills), tuple(left))


def _begin(span: Span) -> int:
    """Where a gap's first packet begins, in output samples; at the recording's start it may be before 0."""
    return span.output_end - span.silent_packets * SILENT_PACKET_SAMPLES


def _fills_of(number: int, span: Span, comparison: Comparison, levels: Any) -> tuple[list[_Fill], str]:
    """The runs of a gap's packets for which the other recording has sound; without one, why."""
    from ..audio.energy import FLOOR_DB  # noqa: PLC0415 - numpy, which few merges without it need

    offset_s = comparison.offset_at(span.output_start / SAMPLE_RATE, span.output_end / SAMPLE_RATE)
    if offset_s is None:
        return [], "how long it is by the other recording is not what it is by the recorder's clock"
    offset = round(offset_s * SAMPLE_RATE)
    starts = [_begin(span) + place * SILENT_PACKET_SAMPLES + offset for place in range(span.silent_packets)]
    loud = levels.max(axis=0) > FLOOR_DB
    has_sound, is_loud = _at_packets(starts, _without_short_silences(loud)), _at_packets(starts, loud)
    fills = []
    for is_there, run in groupby(range(span.silent_packets), key=lambda place: has_sound[place]):
        places = list(run)
        if is_there and len(places) >= _LEAST_PACKETS and any(is_loud[place] for place in places):
            fills.append(_Fill(number, places[0], places[-1] + 1, starts[places[0]]))
    return fills, "the other recording has no sound there either"


def _without_short_silences(loud: Any) -> Any:
    """Which frames are loud, or of a silence too short to be a gap of that recording."""
    there, at = loud.copy(), 0
    for is_loud, run in groupby(loud.tolist()):
        length = sum(1 for _ in run)
        there[at : at + length] = is_loud or length < _LEAST_SILENT_FRAMES
        at += length
    return there


def _at_packets(starts: Sequence[int], frames: Any) -> list[bool]:
    """For each packet that begins at these samples whether all frames of it are; what is outside is not."""
    from ..audio.energy import FRAME_MS  # noqa: PLC0415

    samples = SAMPLE_RATE * FRAME_MS // 1000
    last = SILENT_PACKET_SAMPLES // samples
    firsts = [start // samples for start in starts]
    return [
        first >= 0 and first + last < len(frames) and bool(frames[first : first + last + 1].all()) for first in firsts
    ]


def _write(path: Path, head: OpusHead, edges: Sequence[int], made: Iterator[list[bytes]], uid: int) -> None:
    """Write a recording anew with the packets of `made` in place of those from the edges on (samples of packets)."""
    from .align_recording import packets_of  # noqa: PLC0415

    target = path.with_suffix(".filled")
    clusters = path.with_suffix(".clusters")
    with clusters.open("w+b") as body, target.open("wb") as out:
        muxer, lengths = WebmMuxer(body), PacketSamples()
        packets = _replaced(packets_of(path), lengths, edges, made)
        while some := list(islice(packets, _AT_ONCE)):
            muxer.write(some, lengths.of(some))
        muxer.finish(out, head, writing_app=result_files.writing_app(), track_uid=uid)
    clusters.unlink()
    target.replace(path)


def _hashed(made: Iterable[list[bytes]], digests: list[str]) -> Iterator[list[bytes]]:
    for packets in made:
        digest = PacketDigest()
        digest.update(packets)
        digests.append(digest.hexdigest())
        yield packets


def _replaced(
    packets: Iterable[bytes], lengths: PacketSamples, edges: Sequence[int], made: Iterator[list[bytes]]
) -> Iterator[bytes]:
    """The packets of a recording, those of `made` in the place of as many from each of the edges (samples) on."""
    position, at = 0, 0
    instead: list[bytes] = []
    for packet in packets:
        if at < len(edges) and position >= edges[at]:
            instead, at = next(made)[::-1], at + 1
        position += lengths[packet[:2]]
        yield instead.pop() if instead else packet


def _places(spans: Sequence[Span], fills: Sequence[_Fill]) -> tuple[tuple[int, int], ...]:
    return tuple((max(0, start), end) for start, end in (_extent(spans[fill.span], fill) for fill in fills))


def _extent(span: Span, fill: _Fill) -> tuple[int, int]:
    begin = _begin(span)
    return begin + fill.first * SILENT_PACKET_SAMPLES, begin + fill.after * SILENT_PACKET_SAMPLES


def _with_spans(recording: Recording, fills: Sequence[_Fill], digests: Sequence[str]) -> Recording:
    """The recording with the filled spans in its timeline, and their packets counted as what they are."""
    by_span = {
        number: [(fill, digest) for _, fill, digest in group]
        for number, group in groupby(
            ((fill.span, fill, digest) for fill, digest in zip(fills, digests, strict=True)), key=lambda one: one[0]
        )
    }
    spans: list[Span] = []
    silences = dict(recording.assembly.order.silences)
    for number, span in enumerate(recording.timeline.spans):
        pieces = list(_split(span, by_span[number])) if number in by_span else [span]
        if span.output_start in silences:
            silences |= {piece.output_start: silences[span.output_start] for piece in pieces}
        spans += pieces
    recording.assembly.order.silences = silences
    count = sum(fill.after - fill.first for fill in fills)
    return replace(
        recording,
        timeline=Timeline(spans),
        silent_packets=recording.silent_packets - count,
        filled_packets=recording.filled_packets + count,
    )


def _split(span: Span, fills: Sequence[tuple[_Fill, str]]) -> Iterator[Span]:
    """A silence as spans: what is filled of it, and what stays silent before, between and behind."""
    at = 0
    for fill, digest in fills:
        if fill.first > at:
            yield _piece(span, at, fill.first)
        piece = _piece(span, fill.first, fill.after)
        yield replace(piece, kind="filled", silent_packets=0, filled_packets=piece.silent_packets, filled_sha256=digest)
        at = fill.after
    if at < span.silent_packets:
        yield _piece(span, at, span.silent_packets)


def _piece(span: Span, first: int, after: int) -> Span:
    """Some of a silence's packets as a span of their own; its clocks run as they do through the whole."""
    begin = _begin(span)
    places = [begin + first * SILENT_PACKET_SAMPLES, begin + after * SILENT_PACKET_SAMPLES]
    output = [span.output_start if not first else places[0], places[1]]
    recorder = _clock(span, output, (span.recorder_start_us, span.recorder_end_us))
    session = _clock(span, output, (span.session_start_us, span.session_end_us))
    return Span("silence", span.part, span.cause, output[0], output[1], *recorder, *session, after - first)


def _clock(span: Span, output: Sequence[int], clock_us: tuple[int, int]) -> tuple[int, int]:
    """What a clock that goes from one time to another in a span shows from one output sample of it to another."""
    length, passed_us = max(1, span.output_end - span.output_start), clock_us[1] - clock_us[0]
    start, end = (clock_us[0] + (at - span.output_start) * passed_us // length for at in output)
    return start, end
