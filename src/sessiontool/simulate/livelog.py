"""The event log of a Live session: pieces of two transcripts, each with its time, and nothing about turns."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .log_plan import LogPlan, Said

_BEFORE_MS = 900.0  # chosen: from the connection to the first turn


def live_events(said: Sequence[Said], plan: LogPlan) -> Iterator[tuple[float, str, dict[str, Any]]]:
    """The events of one session after another (`rollovers_ms`), with the times of their reception."""
    rng = Random(f"{plan.seed} live")  # noqa: S311 - a seed must give the same log again
    turns = sorted(said, key=lambda turn: turn.start_ms)
    begins = [max(0.0, turns[0].start_ms - _BEFORE_MS) if turns else 0.0, *plan.rollovers_ms]
    for number, begin_ms in enumerate(begins):
        end_ms = begins[number + 1] if number + 1 < len(begins) else float("inf")
        session = {
            "id": f"live_{plan.seed:03d}{number:04d}",
            "object": "live.session",
            "model": "gpt-live-1",
            "status": "active",
            "expires_at": 1767607200 + 3600 * number,
        }
        yield begin_ms + plan.way_ms, "server", {"type": "session.started", "session": session}
        for turn in turns:
            if (turn.start_ms >= begin_ms or number == 0) and turn.start_ms < end_ms:
                yield from _turn(turn, begin_ms, plan, rng)
        if number + 1 < len(begins):
            closed = {"type": "session.closed", "reason": "expired", "session": session, "usage": {}}
            yield end_ms - 60, "server", closed


def _turn(turn: Said, zero_ms: float, plan: LogPlan, rng: Random) -> Iterator[tuple[float, str, dict[str, Any]]]:
    """A turn's words, each with its share of the time by its letters."""
    side = "input" if turn.role == "user" else "output"
    words = turn.text.split(" ")
    letters = [len(word) + 1 for word in words]
    length_ms, before = turn.end_ms - turn.start_ms, 0
    for number, word in enumerate(words):
        start_ms = turn.start_ms - zero_ms + length_ms * before / sum(letters)
        before += letters[number]
        end_ms = turn.start_ms - zero_ms + length_ms * before / sum(letters)
        fragment = {"type": f"session.{side}_transcript.delta", "delta": f" {word}" if number else word}
        received_ms = zero_ms + end_ms + plan.way_ms + rng.uniform(150, 600)
        yield (
            received_ms,
            "server",
            {**fragment, "start_ms": round(start_ms), "end_ms": max(round(end_ms), round(start_ms) + 1)},
        )
