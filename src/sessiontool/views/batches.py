"""How a run over many sessions reads: a line a session, and the summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..batch.job import FAILED, MERGED
from .view import clock, codes_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..batch.job import Outcome
    from ..batch.run_report import Totals


def outcome_line(outcome: Outcome) -> str:
    """What became of a session, in one line."""
    text = {"planned": "would be merged", "failed": f"FAILED (exit code {outcome.exit_code})"}.get(
        outcome.status, outcome.status
    )
    if outcome.status in MERGED:
        text += f", {clock(outcome.duration_s)} of {outcome.chunks} chunks{_found(outcome)}"
    reason = " ".join(outcome.reason.split())
    return f"{outcome.session_id[:128]}: {text}" + (f": {reason}" if reason else "")


def announcement(outcome: Outcome) -> str:
    """What a person is to know of a session that was published and is not as it should be, in one line."""
    return f"warning: {outcome.session_id[:128]}: {outcome.status}{_found(outcome)}"


def repeated_line(count: int, report: str | None) -> str:
    """That sessions fail as they did in an earlier run, which was announced then."""
    which = f"; sessiontool report {report} names them" if report else ""
    return f"{count} session{'s' * (count != 1)} failed as announced before{which}"


def _found(outcome: Outcome) -> str:
    """What was lost and found, by the codes of findings."""
    lost = f", {outcome.lost_s:.2f} s of it lost" if outcome.lost_s else ""
    return lost + (f"; findings: {codes_text(outcome.codes)}" if outcome.codes else "")


def totals_line(totals: Totals) -> str:
    """A run's counts, in one line; while it runs, of how many sessions, as far as that is known."""
    counts = ", ".join(f"{count} {status}" for status, count in totals.by_status.items())
    known = "" if totals.ended_s else f" of {totals.known}{'' if totals.all_known else ' or more'}"
    several = "s" * ((totals.known if known else totals.sessions) != 1)
    return f"{totals.sessions}{known} session{several}" + (f": {counts}" if counts else "")


def interrupted_lines(totals: Totals, again: str) -> Iterator[str]:
    """What an interrupted run left, and the line that goes on with it."""
    stopped, more = totals.by_status["interrupted"], "" if totals.all_known else " or more"
    yield f"  left       {stopped} stopped in the middle, {totals.not_begun}{more} not begun"
    yield f"  again      {again}"


def summary_lines(totals: Totals, report: str | None, again: str) -> Iterator[str]:
    """The end of a run; `again` is its command line."""
    stopped = "interrupted after" if totals.interrupted else "in"
    yield f"{totals_line(totals)}; {stopped} {totals.ended_s - totals.started_s:.1f} s"
    if totals.merged:
        lost = f", {totals.lost_s:.2f} s of it lost" if totals.lost_s else ""
        yield f"  merged     {clock(totals.duration_s)} of {totals.chunks:,} chunks, {totals.bytes / 1e6:.2f} MB{lost}"
    codes = [f"{count} with exit code {code}" for code, count in sorted(totals.by_exit_code.items()) if code]
    if codes:
        yield f"  look at    {', '.join(codes)}"
    if report:
        yield f"  report     {report}"
    if totals.interrupted:
        yield from interrupted_lines(totals, again)
    elif report and any(totals.by_status[status] for status in FAILED):
        yield f"  again      the same call with --retry-failed {report} in place of the sessions"
