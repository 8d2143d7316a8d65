"""Where a Realtime session's own clock is on the session clock.

The server counts milliseconds of the sound that it was sent, from 0 in each session, and stands still while none is
sent.  Its events tell such times, and each was received a moment later: the time that sound takes to the server, and
the event back.  So `received - stated` is the clock's offset plus one round trip, now and then more: what counts is
what comes soonest of the bulk.  Round trips are measured where a request and its answer are both in the log; a page
that logs the sound it appends tells the offset without any.

Not here: the sound, which has the last word (`align`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import combinations
from statistics import median
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .conversation import Conversation, Item, Mark, Session

_STEP_MS = 400.0
"""Chosen: a clock that was set anew jumps by more, round trips vary by less."""
_LEAST_AFTER_STEP = 3
"""Marks on either side of a step; chosen: two may be late by chance."""
_DRIFT_SPAN_MS, _DRIFT_MARKS = 600_000.0, 20
"""Time and number of marks below which a drift is not derived; chosen: a clock's drift is then below what its marks
vary by."""
_MOST_DRIFT = 1e-3
"""Ratio; chosen: ten times what a computer's clock is off."""
_ELSEWHERE_MS = 3000.0
"""Chosen: no round trip takes longer; a mark so far off belongs to another session."""
_MOST_PAIRS = 200
"""Marks of which slopes are compared in pairs; chosen: 20,000 pairs take milliseconds."""
_EARLY_MS = 100.0
"""Chosen: a fragment may be sent before its sound has ended by so much."""
_DETECTION_MS = 300.0
"""Chosen: the start of speech is detected by then; later, starts are better evidence than ends."""
_LEAST_SPREAD_MS = 60.0
"""Chosen: round trips differ by as much on a good network."""


class _Point(Struct, frozen=True, order=True):
    """The session's own clock at a moment, and how much earlier than its reception that is."""

    audio_ms: float
    late_ms: float


class ClockStretch(Struct, frozen=True):
    """From `from_ms` of the session's own clock on, the session clock is `offset_ms` (and a little drift) ahead."""

    from_ms: float
    offset_ms: float
    drift: float = 0.0


class SessionClock(Struct, frozen=True):
    """One session's clock.

    `source` says what it was estimated from: `appended sound`, `speech events`, `session start`, or nothing.
    `spread_ms` is the middle of what the single statements differ from it by, `latency_ms` the round trip that was
    taken off (None: it is not known, and times are late by it).
    """

    stretches: tuple[ClockStretch, ...] = (ClockStretch(0.0, 0.0),)
    source: str = ""
    marks: int = 0
    spread_ms: float | None = None
    latency_ms: float | None = None

    def at(self, audio_ms: float) -> float:
        """Milliseconds of the session clock at a time of the session's own."""
        held = [stretch for stretch in self.stretches if stretch.from_ms <= audio_ms] or [self.stretches[0]]
        stretch = held[-1]
        return audio_ms + stretch.offset_ms + stretch.drift * (audio_ms - stretch.from_ms)

    @property
    def offset_ms(self) -> float:
        return self.stretches[0].offset_ms


class _Marks(Struct):
    """What the events of a session say of its clock.

    From the ends of speech, from its starts, and from when a Live session's words were received; `reach_ms` is as far
    as the session's own clock is known to have run.
    """

    ends: list[_Point] = field(default_factory=list)
    starts: list[_Point] = field(default_factory=list)
    heard: list[_Point] = field(default_factory=list)
    reach_ms: float = 0.0


def session_clocks(conversation: Conversation) -> dict[int, SessionClock]:
    """The clock of each session, by its number.  What came late, after another had begun, is given back to its own."""
    items = list(conversation.items.values())
    _claim(items, conversation.sessions)
    _claim_fragments(conversation)
    marks = _marks(conversation, items)
    latency_ms = min(conversation.round_trips_ms or conversation.perhaps_trips_ms, default=None)
    clocks: dict[int, SessionClock] = {}
    end_ms = 0.0
    for session in conversation.sessions:
        clock = _clock(session, marks[session.number], latency_ms)
        if not clock.source:  # nothing was ever received at a known time: one session behind the other
            clock = SessionClock((ClockStretch(0.0, end_ms),), latency_ms=latency_ms)
        clocks[session.number] = clock
        end_ms = max(end_ms, clock.at(marks[session.number].reach_ms))
    return clocks


def _marks(conversation: Conversation, items: Sequence[Item]) -> dict[int, _Marks]:
    marks = {session.number: _Marks() for session in conversation.sessions}
    for mark, decided_ms, is_end in _decisions(items):
        mine = marks[mark.session.number]
        mine.reach_ms = max(mine.reach_ms, decided_ms)
        if mark.at_ms is not None:
            (mine.ends if is_end else mine.starts).append(_Point(decided_ms, mark.at_ms - decided_ms))
    for fragment in conversation.fragments:
        mine = marks[fragment.session.number]
        mine.reach_ms = max(mine.reach_ms, fragment.end_ms)
        if fragment.role == "user" and fragment.at_ms is not None:
            mine.heard.append(_Point(fragment.end_ms, fragment.at_ms - fragment.end_ms))
    return marks


def _claim_fragments(conversation: Conversation) -> None:
    """Give words of a Live session that were received after the next had begun back to it.

    Nothing is received before it was said, so the session had begun by then.
    """
    begun = [
        (session.created_ms, session.number) for session in conversation.sessions if session.created_ms is not None
    ]
    if len(begun) < 2:
        return
    for fragment in conversation.fragments:
        if fragment.at_ms is not None:
            by_then = fragment.at_ms - fragment.end_ms + _EARLY_MS
            place = bisect_right(begun, (by_then, len(begun)))
            if place:
                fragment.session = conversation.sessions[begun[place - 1][1]]


def _decisions(items: Sequence[Item]) -> Iterator[tuple[Mark, float, bool]]:
    """Each statement of a boundary, and when on its own clock the server came to it.

    An end is stated with the silence that decided it; a start is decided where the padding before it ends, and where no
    padding is known it cannot be said how much later it was.
    """
    for item in items:
        if (mark := item.stopped) is not None:
            yield mark, mark.audio_ms, True
        if (mark := item.started) is not None:
            settings = mark.session.settings_at(mark.at_ms)
            if settings.detection in {"server_vad", "unknown"}:
                yield mark, mark.audio_ms + settings.prefix_ms, False


def _claim(items: Sequence[Item], sessions: Sequence[Session]) -> None:
    """Give statements that were received after a new session had begun back to the one that they are of.

    The old session's clock is far on, the new one's at its beginning, so a statement fits only one of them.
    """
    if len(sessions) < 2:
        return
    late: dict[int, list[float]] = {}
    for mark, stated, _ in _decisions(items):
        if mark.at_ms is not None:
            late.setdefault(mark.session.number, []).append(mark.at_ms - stated)
    offsets = {number: median(some) for number, some in late.items()}
    by_offset = sorted((offset, number) for number, offset in offsets.items())
    for mark, stated, _ in _decisions(items):
        if mark.at_ms is None:
            continue
        mine = mark.at_ms - stated
        place = bisect_left(by_offset, (mine, -1))
        off, best = min((abs(mine - offset), number) for offset, number in by_offset[max(0, place - 1) : place + 1])
        if off < _ELSEWHERE_MS < abs(mine - offsets[mark.session.number]):
            mark.session = sessions[best]


def _clock(session: Session, marks: _Marks, latency_ms: float | None) -> SessionClock:
    if appended := _appended(session):
        return _fitted(appended, "appended sound", 0.0)
    if points := _trusted(marks):
        return _fitted(sorted(points), "speech events", latency_ms)
    return _begun(session, marks.heard, latency_ms)


def _trusted(marks: _Marks) -> list[_Point]:
    """The ends of speech, which are stated when they are decided; a start is stated when it is sure, a little later.

    Where they are too far apart for that, the silence that decides an end is not what the settings say.
    """
    if not marks.ends or not marks.starts:
        return marks.ends or marks.starts
    later_ms = median(p.late_ms for p in marks.starts) - median(p.late_ms for p in marks.ends)
    return marks.ends if abs(later_ms) < _DETECTION_MS else marks.starts


def _begun(session: Session, heard: Sequence[_Point], latency_ms: float | None) -> SessionClock:
    """The clock of a session that tells no boundaries.

    It began when it was announced, and nothing that was said can have been received before it was.
    """
    latest = [point.late_ms for point in heard]
    if session.created_ms is not None:
        latest.append(session.created_ms - (latency_ms or 0.0) / 2)
    if not latest:
        return SessionClock()
    return SessionClock((ClockStretch(0.0, min(latest)),), "session start", len(heard), None, latency_ms)


def _appended(session: Session) -> list[_Point]:
    """When the input was received; of very many points some, evenly."""
    step = max(1, len(session.appended) // 2 // (4 * _MOST_PAIRS)) * 2
    audio_ms, at_ms = session.appended[::step], session.appended[1::step]
    return [_Point(audio, at - audio) for audio, at in zip(audio_ms, at_ms, strict=True)]


def _fitted(points: Sequence[_Point], source: str, latency_ms: float | None) -> SessionClock:
    stretches, left = [], []
    for some in _steps(points):
        stretch = _stretch(some)
        left += [abs(p.late_ms - stretch.offset_ms - stretch.drift * (p.audio_ms - some[0].audio_ms)) for p in some]
        stretches.append(stretch)
    return SessionClock(
        tuple(_moved(stretch, -(latency_ms or 0.0)) for stretch in stretches),
        source,
        len(points),
        median(left),
        latency_ms,
    )


def _moved(stretch: ClockStretch, by_ms: float) -> ClockStretch:
    return ClockStretch(stretch.from_ms, stretch.offset_ms + by_ms, stretch.drift)


def _steps(points: Sequence[_Point]) -> list[Sequence[_Point]]:
    """Points in order, parted where the clock stood still for a while: what comes after is lastingly later."""
    best, where = _STEP_MS, None
    for cut in range(_LEAST_AFTER_STEP, len(points) - _LEAST_AFTER_STEP + 1):
        before = median(p.late_ms for p in points[max(0, cut - 9) : cut])
        after = median(p.late_ms for p in points[cut : cut + 9])
        if after - before > best:
            best, where = after - before, cut
    if where is None:
        return [points]
    return [*_steps(points[:where]), *_steps(points[where:])]


def _stretch(points: Sequence[_Point]) -> ClockStretch:
    """The soonest of the points; where they are enough over enough time, beside a line through them (Theil, Sen)."""
    zero = points[0].audio_ms
    if len(points) < _DRIFT_MARKS or points[-1].audio_ms - zero < _DRIFT_SPAN_MS:
        return ClockStretch(zero, _soonest([p.late_ms for p in points]))
    some = points[:: max(1, len(points) // _MOST_PAIRS)]
    apart = (points[-1].audio_ms - zero) / 4
    slopes = [
        (b.late_ms - a.late_ms) / (b.audio_ms - a.audio_ms)
        for a, b in combinations(some, 2)
        if b.audio_ms - a.audio_ms > apart
    ]
    drift = median(slopes) if slopes else 0.0
    drift = drift if abs(drift) < _MOST_DRIFT else 0.0
    return ClockStretch(zero, _soonest([p.late_ms - drift * (p.audio_ms - zero) for p in points]), drift)


def _soonest(late_ms: Sequence[float]) -> float:
    """What comes first of the bulk: the least of five and less, of more the fifth part, wrong ones left out."""
    middle = median(late_ms)
    spread = median(abs(one - middle) for one in late_ms)
    bulk = sorted(one for one in late_ms if one >= middle - max(_LEAST_SPREAD_MS, 5 * spread))
    return bulk[(len(bulk) - 1) // 5]
