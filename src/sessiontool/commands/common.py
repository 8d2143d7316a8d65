"""What the commands share: their settings, runs over sessions, how an error ends them."""

from __future__ import annotations

import re
import shlex
import signal
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import typer
from msgspec import Struct

from ..compose import open_store_of, with_layout
from ..config import load_settings
from ..console import console, json_logs
from ..errors import SessionToolError, StorageError, unexpected
from ..progress import Timed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import NoReturn

    from ..config import Settings
    from ..progress import Progress
    from ..storage import Store
    from ..views.view import View

INTERRUPTED = 130
"""Exit code by the definition of shells: 128 and the number of SIGINT."""
_STOPS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Ctrl-C, what stops services and pods, and what a terminal that is closed sends."""
_WHERE = ("store", "output", "layout", "profile", "region", "endpoint_url")
"""Options that say where sessions and results are; what the environment or a file says still counts."""
_CHANGING = ("publishing", "deleting")
"""Stages that change what is stored, by steps that the next run finishes."""


class Common(Struct, frozen=True):
    """What was given of the options that commands on a store share; `flags` are those of the table, by name.

    `ids` are those of sessions, where the command names some.
    """

    flags: Mapping[str, Any]
    ids: tuple[str, ...] = ()
    as_json: bool = False
    quiet: bool = False
    verbose: bool = False
    debug: bool = False

    def settings(self) -> Settings:
        """The settings in force."""
        settings = with_layout(load_settings(self.flags), self.ids)
        json_logs.use_json_logs(wanted=settings.log_format == "json")
        return settings

    def errors_as_exits(self) -> Any:
        return errors_as_exits(debug=self.debug)

    def to_paste(self, text: str, session_id: str) -> str:
        """A text whose `sessiontool COMMAND ID` names the session, and where it is as this call does."""
        if "sessiontool " not in text:
            return text
        given = {name: self.flags.get(name) for name in _WHERE}
        where = [part for name, value in given.items() if value for part in (f"--{name.replace('_', '-')}", str(value))]
        call = rf"(sessiontool [a-z]+ )(?:ID|{re.escape(session_id)})(?![\w./-])"
        return re.sub(call, lambda found: found[1] + shlex.join([session_id, *where]), text)

    def run_all(
        self,
        ids: Sequence[str],
        settings: Settings,
        run: Callable[[Store, str, Progress], Any],
        view: View[Any],
        *,
        corrects: bool = False,
    ) -> None:
        """Run something on each session, render what comes of it, and exit with the highest code.

        `corrects`: a file of corrections need not be there yet.
        """
        from ..storage.matching import expanded, refuse_pattern  # noqa: PLC0415

        documents, code = [], 0
        with open_store_of(settings, corrects=corrects) as store:
            left = expanded(store, ids)
            while left:
                session_id = left.pop(0)
                try:
                    refuse_pattern(store, session_id)
                    with console.progress_bar(quiet=self.quiet) as progress:
                        timed = Timed(progress)
                        with _telling_where(session_id, timed, len(left)):
                            result = run(store, session_id, timed)
                except SessionToolError as error:
                    if self.debug:
                        raise
                    error.hint = self.to_paste(error.hint, session_id)
                    if self.as_json:
                        documents.append(console.error_json(session_id, error))
                    console.print_session_error(session_id, error)
                    code = max(code, error.exit_code)
                    continue
                if self.as_json:
                    documents.append(view.document(result))
                if json_logs.are_json():
                    json_logs.event("session", **_logged(view.document(result)), stages_s=timed.stages_s())
                code = max(code, view.exit_code(result))
                if not self.as_json and not self.quiet:
                    lines = view.lines(result, self.verbose)
                    shown = [self.to_paste(one, session_id) if isinstance(one, str) else one for one in lines]
                    console.print_lines(shown, is_data=view.is_data)
        if self.as_json:
            console.print_json(documents)
        if code:
            raise typer.Exit(code)


@contextmanager
def _telling_where(session_id: str, timed: Timed, left: int) -> Iterator[None]:
    """An interrupt says in which session it came, how that one was left, how many were, and what goes on with them."""
    try:
        yield
    except KeyboardInterrupt:
        others = f", {left} more not begun" if left else ""
        where = f": {session_id} is as it was{others}"
        if timed.current in _CHANGING:
            where = f" while {timed.current} {session_id}: run again, which finishes it{others}"
        raise KeyboardInterrupt(f"{where}\nagain: {this_call()}") from None


def _logged(document: dict[str, Any]) -> dict[str, Any]:
    """What of a result fits into a line of a log; a report is counted."""
    plain: dict[str, Any] = {name: value for name, value in document.items() if isinstance(value, str | int | float)}
    if report := document.get("report"):
        plain |= {name: report[name] for name in ("duration_s", "utterances") if name in report}
        plain["chunks"] = len(report.get("chunks", ()))
        plain["findings"] = Counter(finding["severity"] for finding in report.get("findings", ()))
    return plain


@contextmanager
def errors_as_exits(*, debug: bool) -> Iterator[None]:
    """Our errors as two lines and an exit code; a traceback only when it is asked for."""
    try:
        with _stoppable():
            yield
    except SessionToolError as error:
        if debug:
            raise
        console.print_error(error)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt as interrupt:
        console.note(f"interrupted{interrupt}")
        raise typer.Exit(INTERRUPTED) from None
    except OSError as error:
        if debug:
            raise
        place = f": {error.filename}" if error.filename else ""
        hint = "try again with --debug" if place else "is there room for the output, and is the current folder there?"
        console.print_error(StorageError(f"{error.strerror or error}{place}", hint=hint))
        raise typer.Exit(StorageError.exit_code) from None
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:
        if debug:
            raise
        console.print_error(unexpected(error, "--debug"))
        raise typer.Exit(SessionToolError.exit_code) from None


@contextmanager
def _stoppable() -> Iterator[None]:
    """What stops a program ends the block by a KeyboardInterrupt, unless the caller has it ignored (`nohup`).

    Also where a package has made another error of it, as compiled ones do that are just being imported.
    """
    is_stopped = False

    def stop(_number: int, _frame: object) -> NoReturn:
        nonlocal is_stopped
        is_stopped = True
        raise KeyboardInterrupt

    ours = []
    with suppress(ValueError):  # not the main thread: the caller has the signals there
        for number in _STOPS:
            if signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, stop)
                ours.append(number)
    try:
        yield
    except (typer.Exit, typer.Abort):
        raise
    except Exception:
        if is_stopped:
            raise KeyboardInterrupt from None
        raise
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def this_call() -> str:
    """The command line of this run, to be typed again."""
    return shlex.join(["sessiontool", *sys.argv[1:]])
