"""AWS Lambda: merges the sessions that an event names.

`handler` takes messages of an SQS queue, with a partial batch response; notifications of S3, in a queue, from
EventBridge or straight, for a document that marks the end of a session; and direct calls, `{"session_id": "…"}`.
Settings are the `SESSIONTOOL_*` variables.

Nothing is begun that the time left cannot end.  A merge that time runs out on is broken off before Lambda kills it:
nothing is published, nothing left behind, and its message is tried again.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from msgspec import Struct
from msgspec.structs import replace

from . import cpus
from .batch.job import FAILED, Job, Outcome, Runner, failed
from .batch.selection import Selection
from .compose import corrections_file_of, merge_options_of, with_layout
from .config import load_settings
from .console import json_logs
from .documents.json_text import parse
from .errors import NotFoundError, RecordingError, SessionToolError, StorageError, UsageError, unexpected
from .storage import Layout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .config import Settings

MARGIN_S = 3.0
"""What it takes to break off, clean up and answer; chosen."""

_TEST_EVENT = "s3:TestEvent"
_CREATED = ("ObjectCreated:", "Object Created")
"""How S3 and EventBridge name what arrives; what is deleted, tagged or restored is no end of a session."""
_KINDS: tuple[type[SessionToolError], ...] = (UsageError, NotFoundError, RecordingError, StorageError)
_ERRORS = {kind.exit_code: kind for kind in _KINDS}
_NOT_DONE = (*FAILED, "busy")
_NOT_ENDED = ("busy", "skipped")
"""What is not worth a message: another run is at it, or the session goes on."""


class _Wanted(Struct, frozen=True):
    """A session that an event names; `announced`: not by a caller, but by the arrival of a document."""

    session_id: str
    announced: bool = False
    force: bool = False


def handler(event: Any, context: Any) -> Any:
    """Merge what `event` names.

    For SQS, returns which messages failed; for others, what became of the sessions, and raises the error of one that
    failed (SessionToolError), so that Lambda counts, retries and reports it.
    """
    json_logs.use_json_logs()
    cpus.switch_threads_often()
    cpus.use_one_blas_thread()
    settings = with_layout(load_settings())
    if _records(event, "aws:sqs"):
        return {"batchItemFailures": list(_failures(event["Records"], settings, context))}
    outcomes = [_merge(wanted, settings, context) for wanted in _wanted(event, settings)]
    for outcome in outcomes:
        if outcome.status in FAILED:
            raise _ERRORS.get(outcome.exit_code, SessionToolError)(outcome.reason, hint=outcome.hint)
    known = [outcome.to_json() for outcome in outcomes]
    return known[0] if "session_id" in event else {"sessions": known}


def _failures(records: list[dict[str, Any]], settings: Settings, context: Any) -> Iterator[dict[str, str]]:
    """The messages that are to be tried again, and go to the dead-letter queue in the end."""
    for record in records:
        try:
            outcomes = [_merge(wanted, settings, context) for wanted in _wanted(_body(record), settings)]
            is_done = not any(outcome.status in _NOT_DONE for outcome in outcomes)
        except Exception as error:  # noqa: BLE001 - one message's surprise is not the others'
            known = error if isinstance(error, SessionToolError) else unexpected(error)
            json_logs.event(
                "error", "error", message=known.message, hint=known.hint, message_id=record.get("messageId")
            )
            is_done = False
        if not is_done:
            yield {"itemIdentifier": record["messageId"]}


def _body(record: dict[str, Any]) -> Any:
    try:
        return parse(str(record.get("body", "")))
    except ValueError as error:
        raise UsageError(
            f"the message is no JSON: {error}", hint='a message is {"session_id": "…"}, or a notification'
        ) from error


# -- what an event names


def _records(event: Any, source: str) -> list[dict[str, Any]]:
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list) or not records:
        return []
    return records if all(isinstance(one, dict) and one.get("eventSource") == source for one in records) else []


def _wanted(event: Any, settings: Settings) -> list[_Wanted]:
    """The sessions that an event other than a batch of messages is about (UsageError for what is no event)."""
    if notes := _records(event, "aws:s3"):
        arrived = [note for note in notes if str(note.get("eventName", _CREATED[0])).startswith(_CREATED)]
        return _announced([_place(note, "s3", _decoded) for note in arrived], settings)
    if isinstance(event, dict) and event.get("source") == "aws.s3":  # EventBridge, whose keys are plain
        arrived = [event] if str(event.get("detail-type", _CREATED[1])).startswith(_CREATED) else []
        return _announced([_place(note, "detail", str) for note in arrived], settings)
    if isinstance(event, dict) and event.get("Event") == _TEST_EVENT:
        return []
    if isinstance(event, dict) and isinstance(event.get("session_id"), str):
        return [_Wanted(event["session_id"], force=event.get("force") is True)]
    raise UsageError("the event names no session", hint='an event is {"session_id": "…"}, or comes from SQS or S3')


def _place(note: dict[str, Any], where: str, decoded: Callable[[str], str]) -> tuple[str, str]:
    """The bucket and the key that a notification is of (UsageError where it has none)."""
    found: list[str] = []
    for path in ((where, "bucket", "name"), (where, "object", "key")):
        value: Any = note
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if not isinstance(value, str):
            raise UsageError(f"the notification has no text in {'.'.join(path)}", hint="it is not as S3 sends it")
        found.append(value)
    return found[0], decoded(found[1])


def _decoded(key: str) -> str:
    """A key as S3 encodes it (UsageError where it cannot have)."""
    try:
        return unquote_plus(key, errors="strict")
    except UnicodeError as error:
        raise UsageError(
            f"the notification's key is no UTF-8: {key[:80]!r}", hint="it is not as S3 sends it"
        ) from error


def _announced(places: list[tuple[str, str]], settings: Settings) -> list[_Wanted]:
    """The sessions of whose end an object tells; other objects of the store are of no concern here."""
    found = (_session_of(bucket, key, settings) for bucket, key in places)
    return [_Wanted(session_id, announced=True) for session_id in dict.fromkeys(filter(None, found))]


def _session_of(bucket: str, key: str, settings: Settings) -> str | None:
    store, _, prefix = settings.store.removeprefix("s3://").partition("/")
    if bucket != store:
        raise UsageError(f"the notification is of bucket {bucket!r}, but the store is {settings.store}",
                         hint="set SESSIONTOOL_STORE to the bucket that sends notifications")  # fmt: skip
    root = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
    folder, _, name = key.removeprefix(root).rpartition("/")
    session_id = folder.rpartition("/")[2]
    marks = [mark.strip() for mark in settings.end_markers.split(",")]
    try:
        is_end = key.startswith(root) and name in marks and Layout(settings.layout).folder(session_id) == folder
    except UsageError:  # a folder whose name is no session id
        is_end = False
    if not is_end:
        json_logs.event("ignored", key=key)
        return None
    return session_id


# -- doing it


def _merge(wanted: _Wanted, settings: Settings, context: Any) -> Outcome:
    job = Job(
        store=settings.store,
        layout=settings.layout,
        s3=settings.s3,
        limits=settings.limits,
        output=settings.output,
        options=replace(merge_options_of(settings), force=wanted.force),
        selection=Selection(pending=wanted.announced, announced=wanted.announced),
        fail_on=settings.fail_on,
        corrections=corrections_file_of(settings),
    )
    left_s = context.get_remaining_time_in_millis() / 1000 - MARGIN_S if context else 0.0
    try:
        if context and left_s <= 0:
            raise _OutOfTimeError
        with _limited(left_s):
            outcome = _runner(job).run(wanted.session_id)
    except _OutOfTimeError:
        error = SessionToolError("there was not enough time", hint="give the function more time, or more memory")
        outcome = failed(wanted.session_id, error)
    if settings.notify_arn and outcome.status == "unchanged" and not outcome.recording:
        outcome = _runner(replace(job, selection=Selection())).run(wanted.session_id)  # which reads its report
    json_logs.event("session", "error" if outcome.status in FAILED else "info", **outcome.to_json())
    if settings.notify_arn and outcome.status not in _NOT_ENDED:
        _notify(settings.notify_arn, outcome, settings)
    return outcome


def _notify(arn: str, outcome: Outcome, settings: Settings) -> None:
    """Send what became of a session; where it cannot be sent, the call fails, and the next one sends it.

    That one finds the session unchanged, so the status that is sent is that of the result.
    """
    from .storage.s3.messages import send_message  # noqa: PLC0415 - boto3, which a folder store does without

    what = "failed" if outcome.status in FAILED else "merged"
    document = {"store": settings.store, **outcome.to_json(), "status": outcome.recording or outcome.status}
    send_message(arn, f"sessiontool: session {what}", document, settings.s3)


@lru_cache(maxsize=4)
def _runner(job: Job) -> Runner:
    """Kept from call to call: a warm function has its connections."""
    return Runner(job)


class _OutOfTimeError(BaseException):
    """The time is up.  No Exception, so that nothing between here and there takes it for a failure of its own."""


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Raise _OutOfTimeError in the block after so long; for 0 never, and never outside of the main thread."""
    if seconds <= 0 or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: object) -> None:
        raise _OutOfTimeError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
