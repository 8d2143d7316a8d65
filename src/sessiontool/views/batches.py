"""How a run over many sessions reads: a line a session, and the summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..batch.job import FAILED, MERGED
from .view import clock

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
        found = ", ".join(f"{count} {severity}" for severity, count in sorted(outcome.findings.items()))
        text += f", {clock(outcome.duration_s)} of {outcome.chunks} chunks"
        text += f"; findings: {found}" if found else ""
    reason = " ".join(outcome.reason.split())
    return f"{outcome.session_id[:128]}: {text}" + (f": {reason}" if reason else "")


def totals_line(totals: Totals) -> str:
    """A run's counts, in one line."""
    counts = ", ".join(f"{count} {status}" for status, count in totals.by_status.items())
    return f"{totals.sessions} session{'s' * (totals.sessions != 1)}" + (f": {counts}" if counts else "")


def summary_lines(totals: Totals, report: str | None) -> Iterator[str]:
    """The end of a run."""
    stopped = "interrupted after" if totals.interrupted else "in"
    yield f"{totals_line(totals)}; {stopped} {totals.ended_s - totals.started_s:.1f} s"
    if totals.merged:
        lost = f", {totals.lost_s:.2f} s of it lost" if totals.lost_s else ""
        yield f"  merged     {clock(totals.duration_s)} of {totals.chunks:,} chunks, {totals.bytes / 1e6:.2f} MB{lost}"
    codes = [f"{count} with exit code {code}" for code, count in sorted(totals.by_exit_code.items()) if code]
    if codes:
        yield f"  failed     {', '.join(codes)}"
    if report:
        yield f"  report     {report}"
        if any(totals.by_status[status] for status in FAILED):
            yield f"  again      the same call with --retry-failed {report} in place of the sessions"
