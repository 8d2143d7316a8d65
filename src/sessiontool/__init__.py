"""sessiontool: the chunks of a recorded voice session, joined without loss, with captions from the sound.

`__all__` is the public interface: functions for one session or many, the options they take, what they return and raise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api.editing import caption as caption
    from .api.editing import purge as purge
    from .api.editing import read_events as read_events
    from .api.editing import redact as redact
    from .api.exporting import export as export
    from .api.exporting import page as page
    from .api.exporting import read_clip as read_clip
    from .api.merging import inspect as inspect
    from .api.merging import merge as merge
    from .api.merging import merge_many as merge_many
    from .api.merging import verify as verify
    from .batch.job import Outcome as Outcome
    from .documents.log_options import log_options as log_options
    from .errors import BusyError as BusyError
    from .errors import NotFoundError as NotFoundError
    from .errors import RecordingError as RecordingError
    from .errors import SessionToolError as SessionToolError
    from .errors import StorageError as StorageError
    from .errors import UsageError as UsageError
    from .model import Finding as Finding
    from .options import CaptionOptions as CaptionOptions
    from .options import Limits as Limits
    from .options import LogOptions as LogOptions
    from .options import MergeOptions as MergeOptions
    from .options import Profile as Profile
    from .options import S3Options as S3Options
    from .sessions.event_log import LogResult as LogResult
    from .sessions.exports.clip import Clip as Clip
    from .sessions.exports.export import ExportResult as ExportResult
    from .sessions.exports.options import ExportOptions as ExportOptions
    from .sessions.merge import MergeResult as MergeResult
    from .sessions.merge import VerifyResult as VerifyResult
    from .sessions.page.publish import PageResult as PageResult
    from .sessions.purge import Purge as Purge
    from .sessions.recaption import RecaptionResult as RecaptionResult
    from .sessions.redaction.asked import RedactRequest as RedactRequest
    from .sessions.redaction.redact import RedactResult as RedactResult

__version__ = "0.1.0"

_NAMES = {
    "api.editing": "caption purge read_events redact",
    "api.exporting": "export page read_clip",
    "api.merging": "inspect merge merge_many verify",
    "batch.job": "Outcome",
    "documents.log_options": "log_options",
    "errors": "BusyError NotFoundError RecordingError SessionToolError StorageError UsageError",
    "model": "Finding",
    "options": "CaptionOptions Limits LogOptions MergeOptions Profile S3Options",
    "sessions.event_log": "LogResult",
    "sessions.exports.clip": "Clip",
    "sessions.exports.export": "ExportResult",
    "sessions.exports.options": "ExportOptions",
    "sessions.merge": "MergeResult VerifyResult",
    "sessions.page.publish": "PageResult",
    "sessions.purge": "Purge",
    "sessions.recaption": "RecaptionResult",
    "sessions.redaction.asked": "RedactRequest",
    "sessions.redaction.redact": "RedactResult",
}
_HOMES = {name: f"sessiontool.{module}" for module, names in _NAMES.items() for name in names.split()}
__all__ = ["__version__", *_HOMES]  # noqa: PLE0604 - mypy and people read the imports above


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: the command line starts without any of it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
