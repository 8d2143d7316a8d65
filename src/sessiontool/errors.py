"""The errors that sessiontool raises, one base, one class for each exit code that scripts distinguish.

An error carries what is wrong (`message`) and the next step (`hint`); only the console decides how they look.
"""

from __future__ import annotations


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
