"""The errors that sessiontool raises, one base, one class for each exit code that scripts distinguish.

An error carries what is wrong (`message`) and the next step (`hint`); only the console decides how they look.
"""

from __future__ import annotations

import shlex
import sys


class SessionToolError(Exception):
    """Something failed for a reason that has no class of its own."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(SessionToolError):
    """The call or the settings make no sense."""

    exit_code = 2


class NotFoundError(SessionToolError):
    """A store, session, chunk or file is not there."""

    exit_code = 3


class RecordingError(SessionToolError):
    """The recording cannot be used, or has findings and the caller asked for none."""

    exit_code = 4


class StorageError(SessionToolError):
    """The storage is unreachable, full, throttled or forbidden."""

    exit_code = 5


class BusyError(StorageError):
    """Another run is at work on the same result; it, or the next run, will have it done."""


class NotAFileError(StorageError):
    """A link, a pipe or a device is in the place of a file."""


def unexpected(error: BaseException, look: str = "`merge ID --debug`") -> SessionToolError:
    """What was not foreseen, as an error of ours; `look` says where more of it is shown."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        what = f"the package {error.name} is not installed"
        return SessionToolError(what, hint="install sessiontool anew; `sessiontool doctor` says what is missing")
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return SessionToolError(f"unexpected {what}", hint=f"this is a bug of sessiontool; {look} shows where")


def install_line(extra: str) -> str:
    """What to type for the packages of an extra, by their own names: it works wherever sessiontool came from."""
    from importlib import metadata  # noqa: PLC0415 - most runs lack nothing

    try:
        asked = metadata.requires("sessiontool") or ()
    except metadata.PackageNotFoundError:  # run from its source
        asked = ()
    marked = f"extra == '{extra}'"
    wanted = [one.partition(";")[0].strip() for one in asked if marked in one.replace('"', "'")]
    return shlex.join([sys.executable, "-m", "pip", "install", *(wanted or [f"sessiontool[{extra}]"])])
