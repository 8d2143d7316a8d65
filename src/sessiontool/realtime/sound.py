"""The sound that a log of events carries -> when each piece of it was heard, on the session clock.

Over a WebSocket all sound is in the events: `input_audio_buffer.append` from the microphone, and
`response.output_audio.delta` for the loudspeaker.  Recorders that lay it out while they run go by the wall clock, and
are wrong whenever they are busy.  Here the input is as long as its samples say, and pinned to the times at which it was
sent; the output is played as a client plays it: each answer from its arrival, or behind the one before, until it ends
or is cut off.

Not here: the samples themselves (`audio.lanes`).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from ..documents.log_clock import SessionTimes
from ..options import LogOptions
from .event_types import SOUND_FRAGMENTS
from .log import read_log
from .timestamps import set_times

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import BinaryIO

    from .event import Event
    from .payloads import AudioFormat

INPUT, OUTPUT = "user", "assistant"

_STALL_MS = 200.0  # chosen: shorter ones are no interruption of the input but two clocks that run apart
_APART_MS = 20.0  # chosen: the input is pinned anew where its samples and its times are so far apart
_AHEAD_MS = 30_000.0  # chosen: an append that is not late comes at least once in so long
_RATES = {"pcm": 24_000, "mulaw": 8_000, "alaw": 8_000}  # samples a second where none is named; Realtime's (measured)
_LOGGED_RATES = (8_000, 16_000, 24_000, 48_000)  # samples a second of PCM; chosen: what clients send
_LEAST_SPAN_MS = 2000.0  # chosen: of less input no rate is derived

_DEFAULT_TIMES = SessionTimes()
_DEFAULT_OPTIONS = LogOptions()


@dataclass(frozen=True, slots=True)
class WireFormat:
    """How sound is coded: `pcm` (16 bits, little-endian), `mulaw` or `alaw`; mono."""

    codec: str = "pcm"
    rate_hz: int = 24_000

    @property
    def sample_bytes(self) -> int:
        return 2 if self.codec == "pcm" else 1

    def ms(self, size_bytes: int) -> float:
        """How long so many bytes sound."""
        return size_bytes / self.sample_bytes * 1000 / self.rate_hz

    def bytes_of(self, ms: float) -> int:
        """The bytes of whole samples that fit into a time."""
        return int(ms * self.rate_hz / 1000) * self.sample_bytes


class SoundPiece(NamedTuple):
    """Sound that is heard from `at_ms` of the session clock on, kept as `size_bytes` from byte `offset`."""

    at_ms: float
    offset: int
    size_bytes: int


@dataclass(slots=True)
class HeardLane:
    """What one side says: pieces in the order of their times, none over another.

    `unheard_ms` were generated and cut off before they were played; `stalls` is how often the sound stood still, and
    `overlap_ms` is what came faster than time passes, and is left out.
    """

    role: str
    format: WireFormat = WireFormat()
    pieces: list[SoundPiece] = field(default_factory=list)
    events: int = 0
    unheard_ms: float = 0.0
    stalls: int = 0
    overlap_ms: float = 0.0

    @property
    def end_ms(self) -> float:
        """When its last piece ends, on the session clock."""
        return self.pieces[-1].at_ms + self.format.ms(self.pieces[-1].size_bytes) if self.pieces else 0.0


def read_heard_lanes(
    file: BinaryIO,
    kept: BinaryIO,
    times: SessionTimes = _DEFAULT_TIMES,
    options: LogOptions = _DEFAULT_OPTIONS,
) -> list[HeardLane]:
    """What a log says was heard of each side; the sound itself goes to `kept`.  Sides without sound are left out."""
    log = read_log(file, options, kept)
    set_times(log.events, times, options.zone)
    formats = _formats(log.events)
    sent = [one for one in log.events if _is(one, "audio")]
    made = [one for one in log.events if _is(one, "delta")]
    input_format = formats[INPUT] or _format_by_rate(sent)
    if any(event.at_ms is None for event in (*sent, *made)):
        _set_times_by_input(log.events, input_format)
    output_format = formats[OUTPUT] or _format_by_spans(made) or formats[INPUT] or WireFormat()
    zero_ms = _stream_zero_ms(log.events)
    lanes = [_input_lane(sent, input_format, zero_ms), _output_lane(log.events, output_format, zero_ms)]
    return [lane for lane in lanes if lane.pieces]


def _is(event: Event, name: str) -> bool:
    """Whether an event carries sound in the field of that name: `audio` is what was sent, `delta` what was received."""
    return event.sound_bytes > 0 and SOUND_FRAGMENTS.get(event.kind) == name


# -- formats


def _formats(events: Iterable[Event]) -> dict[str, WireFormat | None]:
    """The formats that the sessions name, the first of each side: None where none is."""
    found: dict[str, WireFormat | None] = {INPUT: None, OUTPUT: None}
    for event in events:
        session = event.payload.session
        if session is None or session.audio is None:
            continue
        for role, side in ((INPUT, session.audio.input), (OUTPUT, session.audio.output)):
            if side is not None and side.format is not None and found[role] is None:
                found[role] = _format(side.format)
    return found


def _format(named: AudioFormat) -> WireFormat | None:
    kind = (named.type or "").lower()
    codec = "mulaw" if "ulaw" in kind or "pcmu" in kind else "alaw" if "alaw" in kind or "pcma" in kind else "pcm"
    return WireFormat(codec, named.rate or _RATES[codec])


def _format_by_rate(sent: Sequence[Event]) -> WireFormat:
    """Where no format is named: PCM of the rate at which the input came, as it is sent while it is spoken."""
    times = [event.at_ms for event in sent if event.at_ms is not None]
    span_ms = times[-1] - times[0] if times else 0.0
    if span_ms < _LEAST_SPAN_MS:
        return WireFormat()
    measured = sum(event.sound_bytes for event in sent[1:]) / 2 * 1000 / span_ms
    return WireFormat("pcm", min(_LOGGED_RATES, key=lambda rate: abs(rate - measured)))


def _format_by_spans(made: Sequence[Event]) -> WireFormat | None:
    """The format of a Live session's output, whose events say how long they sound; None where they do not."""
    spans = [(one.sound_bytes, one.span_ms[1] - one.span_ms[0]) for one in made if one.span_ms is not None]
    length_ms = sum(ms for _, ms in spans)
    if length_ms <= 0:
        return None
    measured = sum(size for size, _ in spans) / 2 * 1000 / length_ms
    return WireFormat("pcm", min(_LOGGED_RATES, key=lambda rate: abs(rate - measured)))


# -- when it was heard


def _set_times_by_input(events: Sequence[Event], form: WireFormat) -> None:
    """Where no time is logged: the input is the clock, as it is sent while it is spoken."""
    now_ms = 0.0
    for event in events:
        if _is(event, "audio"):
            now_ms += form.ms(event.sound_bytes)
        event.at_ms = now_ms


def _input_lane(sent: Sequence[Event], form: WireFormat, zero_ms: float) -> HeardLane:
    """The input: samples one after another, begun anew where it stood still for longer than the network can hold it up.

    An append is sent when its last sample was heard, or later: how far the clock of the samples is behind is what comes
    soonest of those around it.
    """
    lane = HeardLane(INPUT, form, events=len(sent))
    if sent and all(event.span_ms for event in sent):
        _place_by_spans(lane, sent, zero_ms)
        return lane
    ends_ms = list(accumulate(form.ms(event.sound_bytes) for event in sent))
    late_ms = [(event.at_ms or 0.0) - end for event, end in zip(sent, ends_ms, strict=True)]
    soonest = _soonest(late_ms, ends_ms)
    offset_ms = soonest[0] if soonest else 0.0
    for event, end_ms, least_ms in zip(sent, ends_ms, soonest, strict=True):
        apart_ms = least_ms - offset_ms
        if abs(apart_ms) > _APART_MS:
            offset_ms = least_ms
            lane.stalls += apart_ms > _STALL_MS
            lane.overlap_ms += max(0.0, -apart_ms)
        _append(lane, SoundPiece(end_ms - form.ms(event.sound_bytes) + offset_ms, event.sound_at, event.sound_bytes))
    return lane


def _place_by_spans(lane: HeardLane, sent: Sequence[Event], zero_ms: float) -> None:
    """Place sound whose events say where in the stream it is; they may come in any order."""
    for event in sorted(sent, key=lambda one: one.span_ms or (0.0, 0.0)):
        start_ms = zero_ms + (event.span_ms[0] if event.span_ms else 0.0)
        if lane.pieces and start_ms > lane.end_ms + _STALL_MS:
            lane.stalls += 1
        _append(lane, SoundPiece(start_ms, event.sound_at, event.sound_bytes))


def _soonest(late_ms: Sequence[float], ends_ms: Sequence[float]) -> list[float]:
    """The least of each value and of those that follow it within `_AHEAD_MS` of sound."""
    found: list[float] = []
    window: deque[int] = deque()  # places whose values may be the least of a window: rising to the right
    for place in range(len(late_ms) - 1, -1, -1):
        while window and late_ms[window[0]] >= late_ms[place]:
            window.popleft()
        window.appendleft(place)
        while ends_ms[window[-1]] > ends_ms[place] + _AHEAD_MS:
            window.pop()
        found.append(late_ms[window[-1]])
    return found[::-1]


@dataclass(slots=True)
class _Queued:
    """A piece in a player's queue; `before_ms` of its item come before it."""

    piece: SoundPiece
    item_id: str
    before_ms: float


class _Player:
    """Plays output as a client does: in the order of its arrival, and never two pieces at once."""

    def __init__(self, form: WireFormat) -> None:
        self.form = form
        self.lane = HeardLane(OUTPUT, form)
        self._queue: list[_Queued] = []
        self._item_ms: dict[str, float] = {}  # how much of each item was received
        self._played_ms: dict[str, float] = {}
        self._cut: set[str] = set()

    def add(self, event: Event, zero_ms: float) -> None:
        """Queue what an event carries; `zero_ms` is where the clock of a stream begins that says its times."""
        name, length_ms = event.item_id or "", self.form.ms(event.sound_bytes)
        self.lane.events += 1
        if name in self._cut:  # it was on its way when its answer was cut off
            self.lane.unheard_ms += length_ms
            return
        start_ms = max(event.at_ms or 0.0, self._free_ms())
        if event.span_ms is not None:
            start_ms = zero_ms + event.span_ms[0]
        piece = SoundPiece(start_ms, event.sound_at, event.sound_bytes)
        self._queue.append(_Queued(piece, name, self._item_ms.get(name, 0.0)))
        self._item_ms[name] = self._item_ms.get(name, 0.0) + length_ms

    def played(self, item_id: str, ms: float) -> None:
        """A client said how much of an item it has played so far."""
        self._played_ms[item_id] = max(ms, self._played_ms.get(item_id, 0.0))

    def cut_item(self, item_id: str, heard_ms: float) -> None:
        """An item was cut off after so much of it: what follows is not played, and what plays next need not wait."""
        if self._item_ms.get(item_id, 0.0) <= heard_ms:
            return
        self._cut.add(item_id)
        kept: list[_Queued] = []
        while self._queue:
            last = self._queue.pop()
            if last.item_id != item_id:
                kept.append(last)
                continue
            kept += self._shortened(last, heard_ms - last.before_ms)
            if last.before_ms <= heard_ms:
                break
        self._queue += reversed(kept)

    def cut_at(self, at_ms: float) -> None:
        """All that would be played from now on is thrown away."""
        while self._queue and self._end_ms(self._queue[-1]) > at_ms:
            last = self._queue.pop()
            if last.item_id:
                self._cut.add(last.item_id)
            if kept := self._shortened(last, at_ms - last.piece.at_ms):
                self._queue += kept
                return

    def finish(self) -> HeardLane:
        for item_id, ms in self._played_ms.items():
            self.cut_item(item_id, ms)
        for queued in self._queue:
            _append(self.lane, queued.piece)
        return self.lane

    def _free_ms(self) -> float:
        """When all that was received will have been played."""
        return self._end_ms(self._queue[-1]) if self._queue else float("-inf")

    def _end_ms(self, queued: _Queued) -> float:
        return queued.piece.at_ms + self.form.ms(queued.piece.size_bytes)

    def _shortened(self, queued: _Queued, ms: float) -> list[_Queued]:
        """What is left of a piece that is heard for `ms`: none where that is nothing."""
        piece = queued.piece
        size = min(piece.size_bytes, self.form.bytes_of(max(0.0, ms)))
        self.lane.unheard_ms += self.form.ms(piece.size_bytes - size)
        return [_Queued(piece._replace(size_bytes=size), queued.item_id, queued.before_ms)] if size else []


def _output_lane(events: Sequence[Event], form: WireFormat, zero_ms: float) -> HeardLane:
    player = _Player(form)
    for event in events:
        payload, kind = event.payload, event.kind
        if _is(event, "delta"):
            player.add(event, zero_ms)
        elif kind in {"conversation.item.truncated", "conversation.item.truncate"} and payload.item_id:
            if payload.audio_end_ms is not None:
                player.cut_item(payload.item_id, payload.audio_end_ms)
        elif kind in {"output_audio_buffer.cleared", "output_audio_buffer.clear"} and event.at_ms is not None:
            player.cut_at(event.at_ms)
        elif kind == "playback.played" and payload.item_id and payload.ms is not None:
            player.played(payload.item_id, payload.ms)
    return player.finish()


def _stream_zero_ms(events: Sequence[Event]) -> float:
    """Where a stream's own clock (a Live session's, a telephone's) begins: no input comes before it has sounded."""
    begun = [event.at_ms for event in events if event.kind in {"session.started", "session.created"}][:1]
    timed = [(event, event.at_ms, event.span_ms) for event in events]
    heard = [at - span[1] for one, at, span in timed if span and at is not None and _is(one, "audio")]
    found = [at for at in (*begun, *heard) if at is not None]
    return min(found or [at - span[0] for _, at, span in timed if span and at is not None], default=0.0)


def _append(lane: HeardLane, piece: SoundPiece) -> None:
    """Add a piece; one that goes on where the last one ends, in time and in the file, becomes part of it."""
    if lane.pieces:
        last = lane.pieces[-1]
        end_ms = last.at_ms + lane.format.ms(last.size_bytes)
        if abs(piece.at_ms - end_ms) < 0.5 and piece.offset == last.offset + last.size_bytes:
            lane.pieces[-1] = last._replace(size_bytes=last.size_bytes + piece.size_bytes)
            return
    lane.pieces.append(piece)
