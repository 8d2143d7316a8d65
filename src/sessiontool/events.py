"""Realtime event log -> utterances: what was said, when, and how much of it was heard.

The steps, each in its own module of `realtime`: lines are read (`log`) and put on the session clock (`timestamps`),
events are reduced to items (`reducer`), each session's own clock is mapped to the session clock (`session_clock`),
items become turns (`turns`, `live`), and text that was not spoken becomes notes (`notes`).  `reconcile` merges a log of
utterances and a log of events.

The Realtime API is OpenAI's; payloads are read as published for its GA and beta interfaces and for the Live API.
Nothing in a log can stop a merge: whatever is odd is a finding.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct, field

from .documents.lenient import LogProblems
from .documents.log_clock import SessionTimes
from .model import Utterance
from .options import LogOptions
from .realtime.findings import log_findings
from .realtime.lines import LineReader
from .realtime.live import live_turns
from .realtime.log import read_log
from .realtime.notes import context_of
from .realtime.other_sessions import leave_out_others
from .realtime.reconcile import Joined, join
from .realtime.reducer import gather
from .realtime.session_clock import SessionClock, session_clocks
from .realtime.timestamps import set_times
from .realtime.turns import in_order, turns_of
from .realtime.wrappers import events_of, is_known

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .model import Finding, Note
    from .realtime.conversation import Session
    from .realtime.event_table import EventTable
    from .realtime.heard_lanes import HeardLane
    from .realtime.turn import Turn

__all__ = ["EventLog", "Joined", "RealtimeSession", "holds_events", "join", "read_events"]


_DEFAULT_TIMES = SessionTimes()
_DEFAULT_OPTIONS = LogOptions()


class RealtimeSession(Struct, frozen=True):
    """One session of a log: `clock` lays its own time on the session clock; `turn_ids` names what was said in it.

    `ended` says how: `expired`, `closed`, `lost` (with a turn open), a Live session's reason, or nothing.
    """

    id: str
    api: str
    model: str
    created_ms: float | None
    last_ms: float | None
    expires_at: float | None
    ended: str
    events: int
    turn_ids: tuple[str, ...]
    clock: SessionClock


class EventLog(Struct, frozen=True):
    """What a log of events says.

    `skipped` are spoken items that are no utterance, and why; `resent` are items that repeat an earlier session;
    `unknown` counts events by their unknown type; `bad_lines` is how many problems the reader had.  `heard` is the
    sound that the events carry, where it was asked for.
    """

    utterances: tuple[Utterance, ...] = ()
    notes: tuple[Note, ...] = ()
    sessions: tuple[RealtimeSession, ...] = ()
    findings: tuple[Finding, ...] = ()
    events: int = 0
    bad_lines: int = 0
    unknown: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    resent: tuple[str, ...] = ()
    heard: tuple[HeardLane, ...] = ()


def read_events(
    file: BinaryIO,
    name: str,
    times: SessionTimes = _DEFAULT_TIMES,
    options: LogOptions = _DEFAULT_OPTIONS,
    sound: Mapping[str, BinaryIO] | None = None,
) -> EventLog:
    """Read a whole log.  `times` is what session.json says of the session's time, `options` what a person says.

    With files for sound (`SENT`, `RECEIVED` of `realtime.sound`) that of the events is kept there and laid out.
    """
    log = read_log(file, options, sound)
    clock = set_times(log.events, times, options.zone)
    conversation = gather(log.events)
    clocks = session_clocks(conversation)
    made = turns_of(conversation, clocks)
    if conversation.fragments:
        made.turns = in_order([*made.turns, *live_turns(conversation.fragments, clocks)])
    leave_out_others(made, conversation, times)
    context = context_of(conversation, made.turns, clocks)
    turns: dict[int, list[Turn]] = {}
    for turn in made.turns:
        turns.setdefault(turn.session, []).append(turn)
    sessions = tuple(
        _session(session, clocks[session.number], turns.get(session.number, [])) for session in conversation.sessions
    )
    return EventLog(
        utterances=tuple(map(_utterance, made.turns)),
        notes=tuple(context.notes),
        sessions=sessions,
        findings=tuple(log_findings(name, log, clock, conversation, made, context, clocks)),
        events=len(log.events),
        bad_lines=log.problems.count + (log.torn is not None),
        unknown=dict(log.unknown.most_common()),
        skipped=made.skipped,
        resent=tuple(context.resent),
        heard=tuple(_heard(log.events, sound)) if sound else (),
    )


def _heard(events: EventTable, sound: Mapping[str, BinaryIO]) -> list[HeardLane]:
    from .realtime.sound import heard_lanes  # noqa: PLC0415 - most logs have no sound

    return heard_lanes(events, sound)


def holds_events(beginning: bytes) -> bool:
    """Whether most values at the beginning of a file are Realtime events, in whatever they are wrapped."""
    known = count = 0
    for line in LineReader(io.BytesIO(beginning), LogProblems()).values():
        count += 1
        known += any(is_known(one.event["type"]) and "." in one.event["type"] for one in events_of(line.value))
    return 2 * known > count


def _session(session: Session, clock: SessionClock, turns: list[Turn]) -> RealtimeSession:
    return RealtimeSession(
        id=session.id,
        api=session.api,
        model=session.model,
        created_ms=session.created_ms,
        last_ms=session.last_ms,
        expires_at=session.expires_at,
        ended=session.ended or ("lost" if any(turn.is_open for turn in turns) else ""),
        events=session.events,
        turn_ids=tuple(turn.id for turn in turns),
        clock=clock,
    )


def _utterance(turn: Turn) -> Utterance:
    """A turn as the aligner wants it; what is wrong with its text is handed through to the transcript.

    When it was received is not before a user's end, and about when an answer begins.
    """
    is_user = turn.role == "user"
    return Utterance(
        id=turn.id,
        role=turn.role,
        text=turn.text,
        t_start_us=_us(turn.start_ms if is_user or turn.arrived_ms is None else turn.arrived_ms),
        t_end_us=_us(turn.arrived_ms if is_user and turn.arrived_ms is not None else turn.end_ms),
        arrived_us=_us(turn.arrived_ms),
        interrupted=turn.interrupted or None,
        heard_text=turn.heard if turn.interrupted and turn.heard != turn.text else None,
        heard_estimated=turn.interrupted,
        generated_us=_us(turn.whole_ms),
        language=turn.language or None,
        logged_words=turn.words,
        extra={
            name: mark
            for name, mark in (
                ("transcription", turn.transcription),
                ("unfinished", turn.unfinished),
                ("segments", turn.segments),
                ("noticed_s", None if turn.received_ms is None else round(turn.received_ms / 1000, 4)),
            )
            if mark
        },
    )


def _us(ms: float | None) -> int | None:
    return None if ms is None else round(ms * 1000)
