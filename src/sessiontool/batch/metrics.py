"""A run's numbers in the text format of Prometheus, for the textfile collector of its node exporter.

Every series is there in every run, so that an alert can compare one night with the one before.  What is counted is one
run, so all are gauges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .run_report import STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .run_report import Totals


def exposition(totals: Totals) -> str:
    """The file's content (exposition format 0.0.4)."""
    return "".join(_lines(totals))


def _lines(totals: Totals) -> Iterator[str]:
    by_status = {status: totals.by_status[status] for status in STATUSES}
    yield from _family("sessions", "Sessions of the last run, by what became of them.", "status", by_status)
    severities = {severity: totals.findings[severity] for severity in ("info", "warning", "error")}
    yield from _family("findings", "Findings of the sessions merged in the last run.", "severity", severities)
    yield from _family("stage_seconds", "Time spent in each stage, over all workers.", "stage", totals.stages_s)
    single = {
        "end_time_seconds": ("When the last run ended, in seconds since 1970.", totals.ended_s),
        "run_seconds": ("How long the last run took.", totals.ended_s - totals.started_s),
        "recorded_seconds": ("Length of the recordings merged in the last run.", totals.duration_s),
        "lost_seconds": ("Sound that is lost in the recordings merged in the last run.", totals.lost_s),
        "chunks": ("Chunks merged in the last run.", totals.chunks),
        "chunk_bytes": ("Size of the chunks merged in the last run.", totals.bytes),
        "worst_exit_code": ("The highest exit code of the sessions of the last run.", totals.worst_exit_code),
        "interrupted": ("Whether the last run was interrupted.", int(totals.interrupted)),
    }
    for name, (text, value) in single.items():
        yield from _family(name, text, "", {"": value})


def _family(name: str, text: str, label: str, values: Mapping[str, float]) -> Iterator[str]:
    metric = f"sessiontool_batch_{name}"
    yield f"# HELP {metric} {text}\n# TYPE {metric} gauge\n"
    for key, value in values.items():
        labels = f'{{{label}="{key}"}}' if label else ""
        yield f"{metric}{labels} {float(value)!r}\n"
