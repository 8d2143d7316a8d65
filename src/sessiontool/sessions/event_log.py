"""What a session's event log holds, read without its recording; and the same as utterances.jsonl."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ..errors import NotFoundError, UsageError
from ..options import LogOptions
from ..progress import Progress, Silent
from ..storage import check_session_id
from ..storage.local.disk import disk_errors
from ..storage.locations import local_folder
from .inputs import read_log, read_session_document
from .provenance import EVENTS, EVENTS_FOLDER, UTTERANCES

if TYPE_CHECKING:
    from ..events import EventLog
    from ..model import Finding, Utterance
    from ..storage import Store


class LogResult(Struct, frozen=True):
    """The event log of a session, and where it is; `written` is the file that was made of it, if one was."""

    session_id: str
    location: str
    log: EventLog
    written: Path | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What of the log is doubtful or was not read."""
        return tuple(self.log.findings)


def read_session_log(
    store: Store, session_id: str, progress: Progress | None = None, log: LogOptions | None = None
) -> LogResult:
    """Read a session's event log (NotFoundError where there is none, RecordingError where it is absurdly large).

    `log` says how the log is read.
    """
    (progress or Silent()).stage("reading")
    listing = store.list_session(session_id)
    session, _ = read_session_document(store.read, listing)
    with store.reading(()) as read:
        found = read_log(read, listing, session, log or LogOptions())
    place = f"{store.url.rstrip('/')}/{listing.folder}"
    if found is None:
        raise NotFoundError(
            f"there is no {place}/{EVENTS[0]}", hint="the page has to mirror its Realtime events: see docs/events.md"
        )
    name = next((name for name in EVENTS if name in listing.documents), EVENTS_FOLDER)
    return LogResult(session_id, f"{place}/{name}", found)


def utterances_jsonl(log: EventLog) -> str:
    """The utterances of a log as utterances.jsonl has them."""
    lines = (json.dumps(utterance_line(one), ensure_ascii=False, allow_nan=False) for one in log.utterances)
    return "".join(f"{line}\n" for line in lines)


def utterance_line(utterance: Utterance) -> dict[str, Any]:
    """One utterance, times in seconds."""
    return {
        "id": utterance.id,
        "role": utterance.role,
        "text": utterance.text,
        "t_start": _seconds(utterance.t_start_us),
        "t_end": _seconds(utterance.t_end_us),
        **({"interrupted": True} if utterance.interrupted else {}),
        **({"heard_text": utterance.heard_text} if utterance.heard_text is not None else {}),
        **utterance.extra,
    }


def _seconds(us: int | None) -> float | None:
    return None if us is None else us / 1_000_000


def write_utterances(log: EventLog, folder: str, session_id: str, *, force: bool = False) -> Path:
    """Write FOLDER/ID/utterances.jsonl, all of it or nothing.

    UsageError where it exists and is not to be replaced, or is in no folder, StorageError where the disk refuses.
    """
    path = local_folder(folder) / check_session_id(session_id) / UTTERANCES[0]
    with disk_errors("write to", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if not force:
            try:
                path.touch(exist_ok=False)
            except FileExistsError:
                raise UsageError(f"{path} exists already", hint="--force replaces it") from None
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".utterances-", delete=False) as file:
            work = Path(file.name)
        try:
            work.write_text(utterances_jsonl(log), encoding="utf-8", newline="\n")
            work.chmod(0o644)
            work.replace(path)
        except BaseException:
            work.unlink(missing_ok=True)
            if not force:
                path.unlink(missing_ok=True)
            raise
    return path
