"""The files of a result, one at a time: written into a work folder, and read where they were published."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, cast

from .. import __version__
from ..documents.json_text import parse
from ..errors import RecordingError
from ..storage import not_published
from . import report
from .result_names import AUDIO_NAMES, OUTPUTS, REPORT, TRANSCRIPT, audio_of, names, obsolete
from .verify_agreement import note_of
from .verify_problems import AGAIN

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ..documents.report_model import Report, ReportOutput
    from ..storage import Target

__all__ = [
    "AUDIO_NAMES",
    "OUTPUTS",
    "REPORT",
    "TRANSCRIPT",
    "audio_of",
    "current_report",
    "digest_of",
    "is_older",
    "json_object",
    "names",
    "note_of",
    "obsolete",
    "output_of",
    "read_published",
    "track_uid",
    "write_report",
    "write_text",
    "writing_app",
]


def write_report(work: Path, document: Report) -> None:
    write_text(work / REPORT, report.to_pieces(document))


def writing_app() -> str:
    """The program, as the recording and the report name it."""
    return f"sessiontool {__version__}"


def track_uid(session_id: str) -> int:
    """The number of the track of a session's audio: the same in every merge, and another for another session."""
    return int.from_bytes(hashlib.sha256(session_id.encode("utf-8", "replace")).digest()[:7], "big") | 1


def write_text(path: Path, text: str | Iterable[str]) -> None:
    """Write a text, or its pieces as they come; half a surrogate pair, which JSON can hold, becomes a question mark."""
    with path.open(
        "w", encoding="utf-8", errors="replace", newline="\n"
    ) as file:  # JSON can hold half a surrogate pair
        file.writelines([text] if isinstance(text, str) else text)


def output_of(path: Path) -> ReportOutput:
    """A file as the report names it."""
    size, digest = digest_of(path)
    return {"name": path.name, "bytes": size, "sha256": digest}


def digest_of(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


# -- what was published


def read_published(target: Target, name: str) -> dict[str, Any]:
    """A JSON document of a published result (NotFoundError without it, RecordingError where it is none)."""
    body = target.read(name)
    if body is None:
        raise not_published(target.locate(name))
    document = json_object(body)
    if document is None:
        raise RecordingError(f"{target.locate(name)} is no JSON object", hint=AGAIN)
    return document


def current_report(body: bytes | None) -> Report | None:
    """A report that is as it was written, and says what became of every byte; None where it is another, or none."""
    document = json_object(body) if body else None
    if document is None or is_older(document) or not report.is_sealed(document):
        return None
    return cast("Report", document)


def json_object(body: bytes) -> dict[str, Any] | None:
    """A JSON object, None where it is none."""
    try:
        document = parse(body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def is_older(document: dict[str, Any]) -> bool:
    """Whether a report was made before reports had a hash and counted bytes."""
    from .result_shapes import LEDGER  # noqa: PLC0415 - shapes are of what was published before

    chunks = document.get("chunks")
    listed = [chunk for chunk in chunks if isinstance(chunk, dict)] if isinstance(chunks, list) else []
    return report.HASH not in document or not all(LEDGER.keys() <= chunk.keys() for chunk in listed)
