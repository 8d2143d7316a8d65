"""How an event log reads: its sessions, the turns in them, and what was left aside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..sessions.event_log import utterance_line
from ..sessions.realtime_report import realtime_session_json
from ..sessions.report import finding_json
from .table import Row
from .view import View, clock, finding_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..events import EventLog, RealtimeSession
    from ..model import Note, Utterance
    from ..sessions.event_log import LogResult
    from .table import Line

_MOST_TURNS, _MOST_FINDINGS, _MOST_CHARACTERS = 40, 12, 100
"""Lines of each kind, and characters of a text; chosen: a screen of a terminal."""
_TURN_WIDTHS = (22, 9)
"""Character cells of a turn's times and its role; chosen: each fits."""


def _document(result: LogResult) -> dict[str, Any]:
    log = result.log
    return {
        "session_id": result.session_id,
        "status": "read",
        "location": result.location,
        "written": str(result.written) if result.written else None,
        "events": log.events,
        "bad_lines": log.bad_lines,
        "unknown": log.unknown,
        "sessions": [realtime_session_json(session, {}) for session in log.sessions],
        "utterances": [utterance_line(utterance) for utterance in log.utterances],
        "interruptions": [utterance.id for utterance in log.utterances if utterance.interrupted],
        "notes": [_note_json(note) for note in log.notes],
        "skipped": [{"id": name, "why": why} for name, why in log.skipped.items()],
        "resent": list(log.resent),
        "findings": [finding_json(finding) for finding in log.findings],
    }


def _note_json(note: Note) -> dict[str, Any]:
    fields = {"role": note.role, "text": note.text}
    known = {name: value for name, value in fields.items() if value}
    return {"id": note.id, "kind": note.kind, "t": _s(note.t_us), **known, **note.extra}


def _s(us: int | None) -> float | None:
    return None if us is None else round(us / 1_000_000, 3)


def _lines(result: LogResult, verbose: bool) -> list[Line]:
    log = result.log
    cut = sum(bool(utterance.interrupted) for utterance in log.utterances)
    lines: list[Line] = [
        f"{result.session_id}: {log.events:,} events, {_count(len(log.sessions), 'session')}, "
        f"{_count(len(log.utterances), 'turn')}, {_count(cut, 'interruption')} ({result.location})"
    ]
    lines += [f"  {_session_line(session)}" for session in log.sessions]
    turns = log.utterances if verbose else log.utterances[:_MOST_TURNS]
    lines += [line for utterance in turns for line in _turn_lines(utterance)]
    if len(turns) < len(log.utterances):
        lines.append(f"  … {len(log.utterances) - len(turns)} more turns: --verbose shows them")
    lines += [f"  {line}" for line in _left(log, verbose)]
    findings = [finding_json(finding) for finding in log.findings]
    shown = findings if verbose else findings[:_MOST_FINDINGS]
    lines += [f"  {finding_line(finding, verbose=verbose)}" for finding in shown]
    if len(shown) < len(findings):
        lines.append(f"  … {len(findings) - len(shown)} more findings: --verbose shows them")
    return lines


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _session_line(session: RealtimeSession) -> str:
    described = realtime_session_json(session, {})
    since = "?" if session.created_ms is None else clock(session.created_ms / 1000)
    until = "?" if session.last_ms is None else clock(session.last_ms / 1000)
    text = f"session    {session.id or 'without a name'}, {since} to {until}"
    text += f" ({session.ended})" if session.ended else ""
    text += f", {_count(len(session.turn_ids), 'turn')}"
    if described["offset_ms"] is None:
        return f"{text}; its clock is not known"
    spread = "" if described["offset_spread_ms"] is None else f", give or take {described['offset_spread_ms']:g} ms"
    return f"{text}; its clock began at {clock(described['offset_ms'] / 1000)} (by {described['offset_from']}{spread})"


def _turn_lines(utterance: Utterance) -> Iterator[Line]:
    start, end = ("?" if us is None else clock(us / 1_000_000) for us in (utterance.t_start_us, utterance.t_end_us))
    text = _short(utterance.text)
    if wrong := utterance.extra.get("transcription"):
        text += f" (transcript {wrong})"
    yield Row((f"  {start} to {end}", utterance.role, text), _TURN_WIDTHS)
    if utterance.heard_text is not None:
        yield f"{'cut off':>22}, heard: {_short(utterance.heard_text) or 'nothing'}"
    elif utterance.interrupted:
        yield f"{'cut off':>22}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MOST_CHARACTERS else f"{line[: _MOST_CHARACTERS - 1]}…"


def _left(log: EventLog, verbose: bool) -> Iterator[str]:
    """What is no turn: notes by kind, items that were skipped, and those that were sent again."""
    kinds: dict[str, int] = {}
    for note in log.notes:
        kinds[note.kind] = kinds.get(note.kind, 0) + 1
    if kinds:
        yield "notes      " + ", ".join(f"{kind.replace('_', ' ')} ({number})" for kind, number in kinds.items())
    if verbose:
        for note in log.notes:
            at = "?" if note.t_us is None else clock(note.t_us / 1_000_000)
            described = (
                note.text
                or f"{note.extra.get('name', '')} {note.extra.get('output') or note.extra.get('arguments', '')}"
            )
            yield f"           {at} {note.kind.replace('_', ' ')}: {_short(described)}"
    for name, why in log.skipped.items() if verbose else ():
        yield f"skipped    {name}: {why}"
    if log.resent:
        yield f"sent again {_count(len(log.resent), 'item')} of an earlier session"


def _written_lines(result: LogResult, _verbose: bool) -> list[str]:
    if result.written is None:  # the utterances themselves are on stdout
        return []
    return [f"{result.session_id}: {_count(len(result.log.utterances), 'utterance')} written to {result.written}"]


LOG: View[LogResult] = View(_document, _lines, lambda _: 0)
LOG_WRITTEN: View[LogResult] = View(_document, _written_lines, lambda _: 0)
