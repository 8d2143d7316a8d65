"""The published result that is redacted, read strictly: it is the one that its report describes, or nothing is made."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ...documents.json_text import parse
from ...errors import RecordingError
from .. import result_files
from ..align_recording import head_of
from ..result_names import audio_of
from ..result_shapes import REPORT_SHAPE, TRANSCRIPT_SHAPE, misfits
from .silencing import silencing_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ...documents.report_model import Report
    from ...media.filler import SoundHead
    from ...storage import Target


class Whole(Struct, frozen=True):
    """A result as it was published: its documents, and its sound as a local file."""

    session_id: str
    report: Report
    transcript: dict[str, Any]
    audio: Path
    head: SoundHead


@contextmanager
def reading_source(session_id: str, target: Target) -> Iterator[Whole]:
    """A published result, for as long as the block lasts.

    NotFoundError without one, RecordingError where it is not as it was published, or its codec cannot be silenced.
    """
    report, transcript = read_documents(session_id, target)
    name = audio_of(report)
    with target.fetched(name) as path:
        if result_files.output_of(path)["sha256"] != _noted(report).get(name):
            raise _changed(session_id, name)
        head = head_of(path)
        try:
            silencing_of(head)
        except RecordingError as error:
            raise RecordingError(f"{session_id} cannot be redacted: {error.message}", hint=error.hint) from error
        yield Whole(session_id, report, transcript, path, head)


def read_documents(session_id: str, target: Target) -> tuple[Report, dict[str, Any]]:
    """The report and the transcript, all of its fields, of a published result (errors as `reading_source`)."""
    read = result_files.read_published(target, result_files.REPORT)
    report = result_files.current_report(target.read(result_files.REPORT))
    if report is None or any(misfits(read, REPORT_SHAPE)):
        raise _changed(session_id, result_files.REPORT)
    noted = _noted(report)
    body = target.read(result_files.TRANSCRIPT) or b""
    if hashlib.sha256(body).hexdigest() != noted.get(result_files.TRANSCRIPT):
        raise _changed(session_id, result_files.TRANSCRIPT)
    transcript = parse(body)
    for misfit in misfits(transcript, TRANSCRIPT_SHAPE):
        raise RecordingError(f"{session_id}: {result_files.TRANSCRIPT}: {misfit}", hint="merge it again with --force")
    for utterance in transcript["utterances"]:
        utterance.setdefault("logged", {})
    return report, transcript


def _noted(report: Report) -> dict[str, str]:
    return {one["name"]: one["sha256"] for one in report["outputs"]}


def _changed(session_id: str, name: str) -> RecordingError:
    edited = ": keep its edits first, with sessiontool correct" if name == result_files.TRANSCRIPT else ""
    return RecordingError(
        f"{name} of {session_id} is not as it was published, and is not redacted",
        hint=f"`sessiontool verify` says what is wrong{edited}; then merge the session again",
    )
