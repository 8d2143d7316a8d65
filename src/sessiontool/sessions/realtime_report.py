"""What a report says of a session's Realtime events, as plain JSON values (`realtime` of `sessiontool.report/1`)."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..documents.report_model import ReportRealtime, ReportRealtimeSession
    from ..events import EventLog, RealtimeSession
    from ..model import Placement
    from ..timeline import Timeline


def realtime_json(log: EventLog, timeline: Timeline, placements: Iterable[Placement]) -> ReportRealtime:
    """What the event log held, and where each session's own clock is."""
    logged_us = {one.id: one.t_start_us for one in log.utterances if one.role == "user" and one.t_start_us is not None}
    late_ms: dict[str, float] = {}
    for placement in placements:
        name = placement.utterance.extra.get("item_id", placement.utterance.id)
        if placement.start_samples is not None and placement.confidence > 0 and name in logged_us:
            late_ms[name] = (timeline.output_to_session(placement.start_samples) - logged_us[name]) / 1000
    return {
        "events": log.events,
        "bad_lines": log.bad_lines,
        "unknown": log.unknown,
        "sessions": [realtime_session_json(session, late_ms) for session in log.sessions],
        "skipped": [{"id": name, "why": why} for name, why in log.skipped.items()],
        "resent": list(log.resent),
    }


def realtime_session_json(session: RealtimeSession, late_ms: Mapping[str, float]) -> ReportRealtimeSession:
    """One Realtime session; `late_ms` has, by id, how much later than logged utterances were found in the sound."""
    clock, late = session.clock, [late_ms[name] for name in session.turn_ids if name in late_ms]
    return {
        "id": session.id,
        "api": session.api,
        "model": session.model,
        "created_ms": _rounded(session.created_ms),
        "last_ms": _rounded(session.last_ms),
        "expires_at": session.expires_at,
        "ended": session.ended,
        "events": session.events,
        "turns": len(session.turn_ids),
        "offset_ms": _rounded(clock.offset_ms) if clock.source else None,
        "offset_from": clock.source,
        "offset_spread_ms": _rounded(clock.spread_ms),
        "latency_ms": _rounded(clock.latency_ms),
        "sound_late_ms": _rounded(median(late)) if late else None,
    }


def _rounded(ms: float | None) -> float | None:
    return None if ms is None else round(ms, 1)
