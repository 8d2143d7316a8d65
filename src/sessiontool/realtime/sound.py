"""The sound that a log of events carries -> when each piece of it was heard, on the session clock.

Over a WebSocket all sound is in the events: `input_audio_buffer.append` from the microphone, and
`response.output_audio.delta` for the loudspeaker.  Recorders that lay it out while they run go by the wall clock, and
are wrong whenever they are busy.  Here the input is as long as its samples say, and pinned to the times at which it was
sent; the output is played as a client plays it: each answer from its arrival, or behind the one before, until it ends
or is cut off.

Here is what both need: the formats of the sound, and the clock of a stream.  Not here: how either is laid out
(`microphone`, `playback`), and the samples themselves (`audio.lanes`).
"""

from __future__ import annotations

from array import array
from math import isnan
from typing import TYPE_CHECKING

from msgspec import Struct, field

from .event_types import SOUND_FRAGMENTS
from .heard_lanes import HeardLane, WireFormat
from .microphone import SentSound, lay_out
from .playback import play

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

    from .event import Event
    from .event_table import EventTable
    from .payloads import AudioFormat

SENT, RECEIVED = "audio", "delta"
"""The fields that sound comes in."""
_SIDES = {SENT: "user", RECEIVED: "assistant"}

_RATES = {"pcm": 24_000, "mulaw": 8_000, "alaw": 8_000}  # samples a second where none is named; Realtime's (measured)
_LOGGED_RATES = (8_000, 16_000, 24_000, 48_000)  # samples a second of PCM; chosen: what clients send
_LEAST_SPAN_MS = 2000.0  # chosen: of less input no rate is derived


def heard_lanes(events: EventTable, sound: Mapping[str, BinaryIO]) -> list[HeardLane]:
    """What was heard of each side, whose sound is in the files of `sound`; sides without sound are left out."""
    found = _Survey()
    for event in events:
        found.add(event)
    input_format = found.formats.get(SENT) or _format_by_rate(found.sent)
    if found.is_untimed:
        found = _timed_by_input(events, input_format)
    output_format = found.formats.get(RECEIVED) or found.format_by_spans() or found.formats.get(SENT) or WireFormat()
    sent = HeardLane(_SIDES[SENT], input_format, sound[SENT])
    received = HeardLane(_SIDES[RECEIVED], output_format, sound[RECEIVED])
    lay_out(found.sent, sent, found.zero_ms)
    play(events, received, found.zero_ms)
    return [lane for lane in (sent, received) if lane.pieces]


class _Survey(Struct):
    """What the events say of sound: the first format of each side, the input, and the spans of the output.

    `is_untimed`: of some sound it is not known when it was sent.
    """

    formats: dict[str, WireFormat] = field(default_factory=dict)
    sent: SentSound = field(default_factory=SentSound)
    is_untimed: bool = False
    made_bytes: int = 0
    made_ms: float = 0.0
    begun_ms: float | None = None
    heard_ms: float | None = None
    stated_ms: float | None = None

    def add(self, event: Event) -> None:
        """Take note of an event."""
        if event.sound_bytes:
            self._add_sound(event)
        elif event.payload.session is not None:
            self._add_formats(event)
        if event.at_ms is None:
            return
        if self.begun_ms is None and event.kind in {"session.started", "session.created"}:
            self.begun_ms = event.at_ms
        if event.span_ms is not None:
            self.stated_ms = _least(self.stated_ms, event.at_ms - event.span_ms[0])

    @property
    def zero_ms(self) -> float:
        """Where a stream's own clock (a Live session's, a telephone's) begins: no input comes before it has sounded."""
        known = [at for at in (self.begun_ms, self.heard_ms) if at is not None]
        return min(known or [self.stated_ms or 0.0])

    def format_by_spans(self) -> WireFormat | None:
        """The format of a Live session's output, whose events say how long they sound; None where they do not."""
        return _pcm(self.made_bytes, self.made_ms) if self.made_ms > 0 else None

    def _add_sound(self, event: Event) -> None:
        self.is_untimed = self.is_untimed or event.at_ms is None
        if SOUND_FRAGMENTS[event.kind] == SENT:
            self.sent.add(event)
            if event.span_ms is not None and event.at_ms is not None:
                self.heard_ms = _least(self.heard_ms, event.at_ms - event.span_ms[1])
        elif event.span_ms is not None:
            self.made_bytes += event.sound_bytes
            self.made_ms += event.span_ms[1] - event.span_ms[0]

    def _add_formats(self, event: Event) -> None:
        session = event.payload.session
        sides = session.audio if session else None
        for name, side in ((SENT, sides.input), (RECEIVED, sides.output)) if sides else ():
            if side is not None and side.format is not None:
                self.formats.setdefault(name, _format(side.format))


def _least(known: float | None, value: float) -> float:
    return value if known is None else min(known, value)


# -- formats


def _format(named: AudioFormat) -> WireFormat:
    kind = (named.type or "").lower()
    codec = "mulaw" if "ulaw" in kind or "pcmu" in kind else "alaw" if "alaw" in kind or "pcma" in kind else "pcm"
    return WireFormat(codec, named.rate or _RATES[codec])


def _format_by_rate(sent: SentSound) -> WireFormat:
    """Where no format is named: PCM of the rate at which the input came, as it is sent while it is spoken."""
    times = [at for at in sent.at_ms if not isnan(at)]
    span_ms = times[-1] - times[0] if times else 0.0
    return WireFormat() if span_ms < _LEAST_SPAN_MS else _pcm(sum(sent.sizes_bytes[1:]), span_ms)


def _pcm(size_bytes: int, length_ms: float) -> WireFormat:
    """PCM of which so many bytes take so long."""
    measured = size_bytes / 2 * 1000 / length_ms
    return WireFormat("pcm", min(_LOGGED_RATES, key=lambda rate: abs(rate - measured)))


# -- logs without times


def _timed_by_input(events: EventTable, form: WireFormat) -> _Survey:
    """Where no time is logged: the input is the clock, as it is sent while it is spoken."""
    now_ms, at_ms = 0.0, array("d")
    for event in events:
        if event.sound_bytes and SOUND_FRAGMENTS[event.kind] == SENT:
            now_ms += form.ms(event.sound_bytes)
        at_ms.append(now_ms)
    events.set_times(at_ms)
    found = _Survey()
    for event in events:
        found.add(event)
    return found
