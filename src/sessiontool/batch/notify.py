"""A command that is run when a run has ended, for mails, messages and pings: it gets the run as JSON on its stdin."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

from ..cpus import given_environment
from .run_report import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..errors import SessionToolError
    from .job import Outcome
    from .run_report import Totals

MOST_NAMED = 1000
"""Sessions that a message names; chosen: a megabyte at most."""
_PATIENCE_S = 120
"""Seconds that the command may take; chosen."""
_STDERR = 2
"""The number of the file, by the definition of POSIX; a command's output belongs with messages, not with results."""


def message(totals: Totals, news: Sequence[Outcome], error: SessionToolError | None, call: str) -> dict[str, Any]:
    """What the command gets: the run's summary, the sessions that are to be announced, and what ended the run."""
    return {
        "schema": SCHEMA,
        "type": "run",
        **totals.to_json(),
        "announced": [outcome.to_json() for outcome in news],
        "error": error.message if error else None,
        "hint": error.hint if error else None,
        "call": call,
    }


def notify(command: str, document: dict[str, Any]) -> str:
    """Give a message to a shell command; returns what went wrong, empty where nothing did.

    What the command prints goes to stderr.
    """
    try:
        done = subprocess.run(  # noqa: S602 - the operator's own command, by the operator's own shell
            command,
            shell=True,
            input=json.dumps(document).encode(),
            stdout=_STDERR,
            env=given_environment(),
            check=False,
            timeout=_PATIENCE_S,
        )
    except subprocess.TimeoutExpired:
        return f"it took more than {_PATIENCE_S} s"
    except OSError as error:
        return error.strerror or str(error)
    return f"exit code {done.returncode}" if done.returncode else ""
