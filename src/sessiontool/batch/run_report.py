"""What became of a run's sessions: counted, and written down line by line as they end.

A report is JSON lines, one a session and the summary at last.  It is made beside its name and renamed, so that a reader
finds the whole of it.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from msgspec import Struct, field

from .. import __version__
from ..documents.json_text import parse
from ..errors import NotFoundError, StorageError, UsageError
from .job import FAILED, MERGED, Outcome
from .selection import instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SCHEMA = "sessiontool.batch/1"
STATUSES = (*MERGED, "unchanged", "busy", "skipped", "planned", *FAILED)


class Totals(Struct):
    """A run in numbers.  Sound, chunks and bytes are counted of what this run merged.

    `known`: how many sessions the run knows of until now; `all_known`: there are no others.
    """

    started_s: float = field(default_factory=time.time)
    by_status: Counter[str] = field(default_factory=Counter)
    by_exit_code: Counter[int] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    stages_s: Counter[str] = field(default_factory=Counter)
    duration_s: float = 0.0
    lost_s: float = 0.0
    chunks: int = 0
    bytes: int = 0
    ended_s: float = 0.0
    interrupted: bool = False
    known: int = 0
    all_known: bool = False

    def add(self, outcome: Outcome) -> None:
        self.by_status[outcome.status] += 1
        self.by_exit_code[outcome.exit_code] += 1
        for stage, seconds in outcome.stages_s.items():
            self.stages_s[stage] += seconds  # type: ignore[assignment]
        if outcome.status in MERGED:
            self.findings.update(outcome.findings)
            self.duration_s += outcome.duration_s
            self.lost_s += outcome.lost_s
            self.chunks += outcome.chunks
            self.bytes += outcome.bytes

    def end(self, *, interrupted: bool) -> None:
        self.ended_s, self.interrupted = time.time(), interrupted

    @property
    def sessions(self) -> int:
        return self.by_status.total()

    @property
    def merged(self) -> int:
        return sum(self.by_status[status] for status in MERGED)

    @property
    def not_begun(self) -> int:
        """How many sessions an interrupted run knew of and left alone."""
        return self.known - self.sessions if self.interrupted else 0

    @property
    def failed(self) -> int:
        return sum(self.by_status[status] for status in FAILED)

    @property
    def worst_exit_code(self) -> int:
        return max(self.by_exit_code, default=0)

    def to_json(self) -> dict[str, Any]:
        return {
            "sessions": self.sessions,
            "by_status": {status: self.by_status[status] for status in STATUSES},
            "by_exit_code": {str(code): count for code, count in sorted(self.by_exit_code.items())},
            "worst_exit_code": self.worst_exit_code,
            "interrupted": self.interrupted,
            "not_begun": self.not_begun,
            "started_at": instant(self.started_s),
            "ended_at": instant(self.ended_s),
            "took_s": round(self.ended_s - self.started_s, 3),
            "duration_s": round(self.duration_s, 3),
            "lost_s": round(self.lost_s, 3),
            "chunks": self.chunks,
            "bytes": self.bytes,
            "findings": dict(self.findings),
            "stages_s": {stage: round(seconds, 3) for stage, seconds in self.stages_s.items()},
            "tool": {"name": "sessiontool", "version": __version__},
        }


def session_line(outcome: Outcome) -> str:
    """What became of a session, as a line of a report."""
    return json.dumps({"type": "session", **outcome.to_json()})


def summary_line(totals: Totals) -> str:
    return json.dumps({"type": "summary", "schema": SCHEMA, **totals.to_json()})


_STREAMS = ("/dev/stdout", "/dev/stderr", "/dev/fd", "/proc")
"""Names of what is open already, which may be files (Linux's)."""


@contextmanager
def written_whole(path: Path) -> Iterator[IO[str]]:
    """A file to write that appears under its name when the block ends well (StorageError where it cannot be).

    A link stays one, and what is no file (a pipe, `/dev/null`) is written to as it is, and never replaced.
    """
    if path.is_dir():
        raise StorageError(f"cannot write {path}: it is a folder", hint="name a file")
    try:
        with _into(path) if _is_stream(path) else _beside(path.resolve()) as file:
            yield file
    except OSError as error:
        raise _cannot_write(path, error) from error


def _is_stream(path: Path) -> bool:
    """Whether a name is not that of a file: a device, a pipe, or one of the standard streams, whatever these are."""
    is_standard = any(path.absolute().is_relative_to(name) for name in _STREAMS)
    return is_standard or (path.exists() and not path.is_file())


@contextmanager
def _into(path: Path) -> Iterator[IO[str]]:
    with path.open("w", encoding="utf-8", errors="backslashreplace") as file:
        yield file


@contextmanager
def _beside(path: Path) -> Iterator[IO[str]]:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)  # metrics are collected by another user
        Path(name).replace(path)
    finally:
        with suppress(FileNotFoundError):
            Path(name).unlink()


def _cannot_write(path: Path, error: OSError) -> StorageError:
    return StorageError(f"cannot write {path}: {error.strerror or error}", hint="check the folder and its room")


def read_ids(lines: Iterable[str]) -> Iterator[str]:
    """The session ids of a list, one a line; empty lines and comments (`#`) are none."""
    for line in lines:
        session_id = line.strip().lstrip("\ufeff")
        if session_id and not session_id.startswith("#"):
            yield session_id


def read_failed(path: Path) -> Iterator[str]:
    """The sessions of a report that failed or were interrupted (NotFoundError, UsageError where it is no report)."""
    for entry in read_entries(path):
        if entry.get("type") == "session" and entry.get("status") in FAILED:
            yield str(entry.get("session_id"))


def read_entries(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a report (NotFoundError, UsageError where it is no report)."""
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                yield _entry(line, path, number)
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no {path}", hint="name a file that --report has written") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}", hint="name a file that --report has written") from error


def _entry(line: str, path: Path, number: int) -> dict[str, Any]:
    try:
        entry = parse(line)
    except ValueError:
        entry = None
    if not isinstance(entry, dict):
        raise UsageError(f"{path}, line {number}, is no line of a report", hint="name a file that --report has written")
    return entry
