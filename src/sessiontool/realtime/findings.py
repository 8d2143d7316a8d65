"""What a person should know of a log of events: lines that are none, times that are doubtful, sessions cut short."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ..documents.encoding_findings import encoding_findings
from ..documents.lenient import MAX_NAMED, shown
from ..documents.log_times import clock_findings
from ..model import Finding
from .lost_answers import UNFINISHED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..documents.log_clock import LogClock
    from .conversation import Conversation, Session
    from .log import Log
    from .notes import Context
    from .session_clock import SessionClock
    from .turn import Turn
    from .turns import Turns

_LISTED = 8
"""Names that a message lists; chosen: a line of a terminal."""
_LEAST_READ = 0.5
"""Ratio, chosen as for logs of utterances: a log of which less than half was read was not understood."""
_MOST_CHARS = 480
"""Characters of a server's words in a message; chosen: a few lines of a terminal."""


def log_findings(
    name: str,
    log: Log,
    clock: LogClock,
    conversation: Conversation,
    made: Turns,
    context: Context,
    clocks: Mapping[int, SessionClock],
) -> Iterator[Finding]:
    """Everything worth saying, the reader's complaints first."""
    yield from encoding_findings(name, log.encoding, log.damage)
    if len(log.events) < _LEAST_READ * (log.values + log.broken):
        yield _not_read(name, log)
    else:
        yield from _of_lines(name, log)
    yield from _torn(name, log)
    yield from clock_findings("events-clock", name, clock)
    yield from _of_sessions(conversation, made.turns)
    yield from _of_responses(conversation)
    yield from _of_turns(made)
    if context.resent:
        yield Finding(
            "items-resent",
            "info",
            f"{len(context.resent)} item(s) were put into a new session again and are listed once: "
            f"{_some(context.resent)}",
        )
    unsure = [
        number for number, clock in clocks.items() if clock.source == "speech events" and clock.latency_ms is None
    ]
    if unsure:
        yield Finding(
            "latency-unknown",
            "info",
            f"{name}: no request with its answer is in the log, so it is not known how long events were under way; "
            "times are late by that before the sound is looked at",
            hint="log the page's own events as well, at least session.update",
        )


def _of_lines(name: str, log: Log) -> Iterator[Finding]:
    for problem in log.problems.named:
        yield _invalid(f"{name}: {problem}")
    if (more := log.problems.count - len(log.problems.named)) > 0:
        yield _invalid(f"{name}: {more} more problems of this kind")
    if log.unknown:
        kinds = ", ".join(f"{kind} ({count})" for kind, count in log.unknown.most_common(_LISTED))
        more = len(log.unknown) - _LISTED
        yield Finding(
            "events-unknown",
            "info",
            f"{name}: {log.unknown.total()} event(s) of unknown type were left aside: {kinds}"
            + (f" and {more} more types" if more > 0 else ""),
        )


def _torn(name: str, log: Log) -> Iterator[Finding]:
    if log.torn is not None:
        yield Finding(
            "events-torn",
            "warning",
            f"{name}: line {log.torn}, the last one, is not whole: the log ends in the middle of an event",
            hint="the page was closed, or the upload cut off; what came before is read",
        )


def _not_read(name: str, log: Log) -> Finding:
    """That a log was not understood, with what was seen of it."""
    of = f"{len(log.events)} of {log.values + log.broken} entries" if log.events else "nothing"
    why = f" ({log.problems.named[0]})" if log.problems.named else ""
    keys = f"; its entries have the fields {_some(list(log.keys))}" if log.keys else ""
    return Finding(
        "log-not-read",
        "warning",
        f"{name}: {of} could be read as events{why}{keys}"[:_MOST_CHARS],
        hint="docs/events.md says what is read; a log of finished texts is read as utterances.jsonl",
    )


def _invalid(message: str) -> Finding:
    return Finding(
        "events-invalid",
        "warning",
        message,
        hint="what is wrong was left out, all else is read; the recording itself is not affected",
    )


def _of_sessions(conversation: Conversation, turns: Sequence[Turn]) -> Iterator[Finding]:
    open_turns: dict[int, list[str]] = {}
    for turn in turns:
        if turn.is_open:
            open_turns.setdefault(turn.session, []).append(turn.id)
    broken = [one for one in conversation.sessions if one.ended == "expired" or one.number in open_turns]
    for session in broken[:MAX_NAMED]:
        yield _of_session(session, open_turns.get(session.number, []))
    if len(broken) > MAX_NAMED:
        yield Finding("realtime-lost", "warning", f"{len(broken) - MAX_NAMED} more Realtime sessions broke off")
    others = [(code, text) for code, text, _ in conversation.errors if code != "session_expired"]
    if others:
        named = "; ".join(shown(f"{code}: {text}") for code, text in others[:3])
        yield Finding("realtime-errors", "info", f"the server reported {len(others)} error(s): {named}")


def _of_session(session: Session, still_open: Sequence[str]) -> Finding:
    """How a session ended that did not end well."""
    who = f"Realtime session {shown(session.id) or session.number}"
    end_ms = session.last_ms if session.ended_ms is None else session.ended_ms
    at = "" if end_ms is None else f" at {end_ms / 1000:.1f} s of the session clock"
    if session.ended == "expired":
        return Finding(
            "realtime-expired",
            "info",
            f"{who} reached its longest duration and was ended by the server{at}"
            + (f"; still open: {_some(still_open)}" if still_open else ""),
            hint="begin a new session before `expires_at`",
        )
    return Finding(
        "realtime-lost",
        "warning",
        f"{who} fell silent{at} with a turn open: {_some(still_open)}; the sound says where it ends",
        hint="the data channel died, or the page was closed",
    )


def _of_responses(conversation: Conversation) -> Iterator[Finding]:
    reasons = Counter(
        f"{one.status}: {shown(one.reason)}" if one.reason else one.status
        for one in conversation.responses.values()
        if one.status in UNFINISHED
    )
    if reasons:
        said = "; ".join(f"{reason} ({count})" for reason, count in reasons.most_common(_LISTED))
        yield Finding(
            "responses-failed",
            "info",
            f"{reasons.total()} answer(s) were not finished by the server: {said}",
            hint="what came of them is captioned; such an utterance has the reason as `unfinished` in transcript.json",
        )


def _of_turns(made: Turns) -> Iterator[Finding]:
    by_kind: dict[str, list[str]] = {}
    for turn in made.turns:
        if turn.transcription:
            by_kind.setdefault(turn.transcription, []).append(turn.id)
    if by_kind:
        total = sum(map(len, by_kind.values()))
        named = "; ".join(f"{kind}: {_some(names)}" for kind, names in by_kind.items())
        yield Finding(
            "transcription-missing",
            "info",
            f"{total} of the user's turns have no whole transcript ({named})",
            hint="failed and empty ones are captioned as [inaudible]; listen to them, or have them transcribed",
        )
    if made.not_cut:
        yield Finding(
            "truncated-after-end",
            "info",
            f"{len(made.not_cut)} answer(s) were truncated after they had been heard to their end, "
            f"which cut nothing off: {_some(made.not_cut)}",
        )
    if made.skipped:
        named = "; ".join(f"{name} ({why})" for name, why in list(made.skipped.items())[:3])
        yield Finding("items-skipped", "info", f"{len(made.skipped)} spoken item(s) are no utterance: {named}")


def _some(names: Sequence[str]) -> str:
    more = len(names) - _LISTED
    return ", ".join(shown(name) for name in names[:_LISTED]) + (f" and {more} more" if more > 0 else "")
