"""stdout and stderr: what is printed, and where; progress, errors.  The only place that knows rich.

stdout gets the result alone; all else goes to stderr.  Text from outside is printed as it is, without markup.  How a
result is shown is in `views`.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..errors import StorageError
from ..progress import Progress, Silent
from . import json_logs
from .terminal import for_terminal, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from ..errors import SessionToolError
    from ..views.table import Line

RESULT_SCHEMA = "sessiontool.result/1"
_UNREAD = (errno.EPIPE, errno.EIO)
"""What writing to a pipe without a reader says, and to a terminal that was closed."""
_cut: list[str] = []
"""Streams that could not be written for another reason; of this process, as the streams are."""


def print_error(error: SessionToolError, *, where: str = "") -> None:
    """Two lines, what is wrong and the next step; `where` names the file it is about."""
    if json_logs.are_json():
        named = {"where": where} if where else {}
        json_logs.event("error", "error", message=error.message, hint=error.hint, exit_code=error.exit_code, **named)
        return
    hint = f"\nhint: {error.hint}" if error.hint else ""
    _say(f"error: {f'{where}: ' * bool(where)}{error.message}{hint}")


def print_session_error(session_id: str, error: SessionToolError) -> None:
    """The same of a session, whose message names it; a log has its id as a field."""
    if json_logs.are_json():
        json_logs.event("session", "error", **error_json(session_id, error))
    else:
        print_error(error)


def print_line(line: Line) -> None:
    print_lines([line])


def print_lines(lines: Sequence[Line], *, is_data: bool = False) -> None:
    """Lines of the result, at once also where stdout is a pipe; those for programs are whole on a terminal too."""
    with _may_be_unread("stdout"):
        for line in lines:
            shown = [printable(str(line))] if is_data else for_terminal(line, sys.stdout)
            sys.stdout.writelines(f"{one}\n" for one in shown)
        sys.stdout.flush()


def print_data(line: Line) -> None:
    print_lines([line], is_data=True)


def write_text(text: str) -> None:
    """A result that is data, byte for byte in UTF-8, whatever the terminal's encoding."""
    with _may_be_unread("stdout"):
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()


def note(text: str) -> None:
    """Something worth knowing that is not the result."""
    if json_logs.are_json():
        json_logs.event("note", message=text)
        return
    _say(text)


def _say(text: str) -> None:
    with _may_be_unread("stderr"):
        print("\n".join(for_terminal(text, sys.stderr)), file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def _may_be_unread(name: str) -> Iterator[None]:
    """Where what is written cannot go, the run goes on and writes to nothing.

    The reader of a pipe may have gone, as `head` does, or the terminal: that is no error.  A disk may be full: of a
    result that is said, and `is_cut`; messages are lost without one, as there is no place to say it.
    """
    try:
        yield
    except OSError as error:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, getattr(sys, name).fileno())
        os.close(nowhere)
        if error.errno not in _UNREAD and name == "stdout":
            _cut.append(name)
            print_error(StorageError(f"cannot write the output: {error.strerror}", hint="is there room where it goes?"))


def is_cut() -> bool:
    """Whether some of the result could not be written, which is an error of its own (StorageError's exit code)."""
    return bool(_cut)


def flush_result() -> None:
    """Write out what others have printed; Python itself would complain of a pipe without a reader."""
    with _may_be_unread("stdout"):
        sys.stdout.flush()


def printed() -> AbstractContextManager[None]:
    """A block in which others print the result, as Typer does its help."""
    return _may_be_unread("stdout")


def print_json(sessions: Sequence[dict[str, Any]]) -> None:
    """Exactly one JSON document."""
    document = json.dumps({"schema": RESULT_SCHEMA, "sessions": sessions}, indent=1) + "\n"
    with _may_be_unread("stdout"):
        sys.stdout.write(document)
        sys.stdout.flush()


def error_json(session_id: str, error: SessionToolError) -> dict[str, Any]:
    return {
        "session_id": session_id,
        "status": "failed",
        "error": error.message,
        "hint": error.hint,
        "exit_code": error.exit_code,
    }


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Progress]:
    """A bar on stderr where that is a terminal; silence elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield Silent()
        return
    from rich.console import Console  # noqa: PLC0415 - rich takes 50 ms to come up, and cron needs none of it
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    texts = TextColumn("{task.description:<10}"), TextColumn("{task.fields[bytes]}")
    columns = (texts[0], BarColumn(), TaskProgressColumn(), texts[1], TimeElapsedColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        yield _Bar(bar)


class _Bar:
    """Progress on a rich bar."""

    def __init__(self, bar: Any) -> None:
        self._bar = bar
        self._task: Any = None
        self._bytes = 0
        self._begun = 0.0

    def stage(self, name: str, steps: int | None = None) -> None:
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(name, total=steps, bytes="")
        self._bytes, self._begun = 0, time.monotonic()

    def advance(self, steps: int = 1) -> None:
        self._bar.advance(self._task, steps)

    def received(self, size_bytes: int) -> None:
        self._bytes += size_bytes
        rate = self._bytes / max(time.monotonic() - self._begun, 0.001)
        self._bar.update(self._task, bytes=f"{self._bytes / 1e6:.1f} MB, {rate / 1e6:.1f} MB/s")
