"""The times of a log's entries put on the session clock, with what was concluded of the log's own clock."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from math import isnan
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from ..model import Finding
from .clock_restarts import restarts
from .field_names import COUNTS
from .lenient import LogProblems, shown
from .log_clock import ClockDoubt, LogClock, SessionTimes, log_clock
from .moments import MS, S, read_moment
from .spoken_piece import SAY_MS_PER_CHAR
from .texts import plain

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ..options import LogOptions
    from .moments import Moment
    from .spoken_piece import SpokenPiece


class LogReading(Struct):
    """What is known of a log while it is read.

    Of `count` entries `understood` are the speech of a known role, and of `nameless` it is not said whose they are;
    `guesses` has, for what was not found, the field that holds it most likely.  `unread` are lists that look like a
    transcript as well.
    """

    name: str
    options: LogOptions
    times: SessionTimes
    speakers: Mapping[str, str]
    problems: LogProblems = field(default_factory=LogProblems)
    unread: LogProblems = field(default_factory=LogProblems)
    findings: list[Finding] = field(default_factory=list)
    keys: Counter[str] = field(default_factory=Counter)
    roles: Counter[str] = field(default_factory=Counter)
    count: int = 0
    understood: int = 0
    nameless: int = 0
    guesses: dict[str, str] = field(default_factory=dict)
    silent: Counter[str] = field(default_factory=Counter)

    def add_keys(self, names: Collection[str]) -> None:
        """Count the fields of an entry; of very many different ones those that come first."""
        are_few = len(self.keys) + len(names) <= _MOST_KEYS
        self.keys.update(names if are_few else (n for n in names if n in self.keys or len(self.keys) < _MOST_KEYS))


_MOST_KEYS = 1000
"""Number of names of fields that are counted; chosen: a log of anything may have new ones in each line."""

MAX_TIME_S = 366 * 24 * 3600.0
"""Chosen: a session-clock time beyond a year is a mistake (an epoch time, most often)."""


_SAME_SHARE, _LEAST_SAME = 0.5, 3
"""Share and number of entries, as units of evidence, with one time that make it none; chosen."""
_LEAST_OF_SAID = 0.3
"""A log in minutes and seconds takes more than this share of what its texts take to say (chosen)."""


_COARSE_MS = 60_000.0
"""Chosen: times of whole minutes are too coarse for captions."""


_LONGEST_MS = 300_000.0
"""Chosen: half of all utterances are not longer than five minutes; else their lengths are in milliseconds."""


def set_times(reading: LogReading, pieces: Sequence[SpokenPiece]) -> None:
    moments: dict[str, list[tuple[SpokenPiece, Moment]]] = {"start": [], "end": [], "arrived": []}
    durations: list[tuple[SpokenPiece, Moment]] = []
    for piece in pieces:
        for what, (key, value, unit) in piece.noted.items():
            moment = read_moment(value, unit)
            if moment is None:
                reading.problems.add(f"{piece.place}, {shown(key)}: is no time")
            elif what == "duration":
                durations.append((piece, moment))
            else:
                moments[what].append((piece, moment))
    said_ms = sum(len(piece.model.text) for piece in pieces) * SAY_MS_PER_CHAR
    for what, some in moments.items():
        moments[what] = _without_placeholders(reading, what, some, said_ms)
    every = [moment for some in moments.values() for _, moment in some]
    if not every:
        return
    clock = log_clock(_sample(every), reading.times, zone=reading.options.zone, said_ms=_known(said_ms, pieces, every))
    if reading.options.unit_ms is not None:
        clock.units.clear()
    for what, some in moments.items():
        for piece, moment in some:
            _set(reading, piece, what, clock, moment)
    _set_durations(durations)
    _follow_restarts(reading, pieces, clock)
    reading.findings += clock_findings("utterances-clock", reading.name, clock)


def _follow_restarts(reading: LogReading, pieces: Sequence[SpokenPiece], clock: LogClock) -> None:
    """Count the times on, where they begin anew with each part."""
    timed = [piece for piece in pieces if piece.times_ms]
    first_ms = [min(piece.times_ms.values()) for piece in timed]
    if late := restarts(first_ms, reading.times.parts):
        for piece, late_ms in zip(timed, late, strict=True):
            piece.times_ms = {what: time_ms + late_ms for what, time_ms in piece.times_ms.items()}
        text = "its times begin anew with each part: they were counted on from its start"
        clock.doubts.append(ClockDoubt(text, is_sure=True))


def _known(said_ms: float, pieces: Sequence[SpokenPiece], every: Sequence[Moment]) -> float | None:
    """How long the texts take to say that the times are of."""
    return said_ms * min(1.0, len(every) / max(1, len(pieces))) or None


def _sample(moments: Sequence[Moment]) -> Sequence[Moment]:
    """Some of very many moments, evenly: enough to tell a clock by."""
    return moments[:: max(1, len(moments) // 4000)]


def _set(reading: LogReading, piece: SpokenPiece, what: str, clock: LogClock, moment: Moment) -> None:
    ms = clock.ms(moment)
    if isnan(ms) or abs(ms) > MAX_TIME_S * 1000:
        key, value, _ = piece.noted[what]
        reading.problems.add(f"{piece.place}, {shown(key)}: {shown(str(value))} is no time on the session clock")
        return
    piece.times_ms[what] = ms


def _is_count(values: Sequence[float]) -> bool:
    """Whether values go up by one from entry to entry, as numbers of messages do."""
    return len(values) > _LEAST_SAME and all(b - a == 1 for a, b in pairwise(values))


def _without_placeholders(
    reading: LogReading, what: str, timed: Sequence[tuple[SpokenPiece, Moment]], said_ms: float
) -> list[tuple[SpokenPiece, Moment]]:
    """Moments that tell something.

    A value that most entries of a role have is none; times of whole minutes are too coarse.
    """
    names = {piece.noted[what][0] for piece, _ in timed}
    counts = {name for name in names if plain(name) in COUNTS}
    if counts and _is_count([m.value for piece, m in timed if m.clock == "bare" and piece.noted[what][0] in counts]):
        return []
    values_ms = {moment.value for _, moment in timed}
    are_coarse = all(_is_coarse(moment) for _, moment in timed) or (
        all(_has_two_numbers(piece.noted[what][1]) for piece, _ in timed)
        and max(values_ms, default=0.0) - min(values_ms, default=0.0) < _LEAST_OF_SAID * said_ms
    )
    if len(timed) >= _LEAST_SAME and len(values_ms) > 1 and are_coarse:
        _say_placeholder(reading, "its times are whole minutes, which is too coarse for captions")
        return []
    values = Counter((piece.model.role, moment.value) for piece, moment in timed)
    per_role = Counter(piece.model.role for piece, _ in timed)
    same = {key for key, count in values.items() if _is_placeholder(count, per_role[key[0]])}
    kept = [(piece, moment) for piece, moment in timed if (piece.model.role, moment.value) not in same]
    if same:
        some = (piece.noted[what][1] for piece, moment in timed if (piece.model.role, moment.value) in same)
        listed = ", ".join(sorted({shown(str(value)) for value in some})[:3])
        _say_placeholder(reading, f"{len(timed) - len(kept)} times are {listed}, and what most entries have is no time")
    return kept


def _is_placeholder(count: int, of: int) -> bool:
    return of > 1 and count >= min(_LEAST_SAME, of) and count > _SAME_SHARE * of


def _is_coarse(moment: Moment) -> bool:
    return moment.clock in {"count", "day", "naive", "epoch"} and moment.value % _COARSE_MS == 0


def _has_two_numbers(value: Any) -> bool:
    """`14:45` is minutes and seconds, or else hours and minutes: then the log is far too short for its texts."""
    return isinstance(value, str) and value.count(":") == 1


def _say_placeholder(reading: LogReading, text: str) -> None:
    reading.findings.append(
        Finding(
            "times-are-placeholders",
            "info",
            f"{reading.name}: {text}; the order is used",
            hint="note when each utterance began, on the session clock",
        )
    )


def _set_durations(durations: Sequence[tuple[SpokenPiece, Moment]]) -> None:
    """An end where a length is given, in the unit in which it is a length of speech."""
    lengths = sorted(_length_ms(moment, S) for _, moment in durations)
    unit_ms = MS if lengths and lengths[len(lengths) // 2] > _LONGEST_MS else S
    for piece, moment in durations:
        start_ms, length_ms = piece.times_ms.get("start"), _length_ms(moment, unit_ms)
        if start_ms is not None and 0 < length_ms < MAX_TIME_S * 1000:
            piece.times_ms.setdefault("end", start_ms + length_ms)


def _length_ms(moment: Moment, unit_ms: float) -> float:
    return moment.value * (min(moment.unit_ms, unit_ms) if moment.clock == "bare" else 1.0)


def clock_findings(code: str, name: str, clock: LogClock) -> list[Finding]:
    """One finding for all that was concluded of a log's clock, or does not fit."""
    if not clock.doubts:
        return []
    is_sure = all(doubt.is_sure for doubt in clock.doubts)
    return [
        Finding(
            code,
            "info" if is_sure else "warning",
            f"{name}: " + "; ".join(doubt.text for doubt in clock.doubts),
            hint="note times in seconds on the session clock, or say `unit` and `zone` in [log] of the settings"
            if code == "utterances-clock"
            else "note `t_ms`, the session clock, on receiving an event",
        )
    ]
