"""The names of the files of a result: one table, for what is written and for what is believed of a report.

A report comes from a store, and who may write there chooses what it names: a name that is not in the table is never
looked up, fetched or deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..captions import CHAPTERS, FORMATS
from ..storage import REDACTED_FOLDER

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from ..documents.report_model import Report

TRANSCRIPT, REPORT = "transcript.json", "report.json"
METRICS = "metrics.json"
PAGE, PEAKS = "index.html", "peaks.dat"

REDACTED, REDACTED_LIST = REDACTED_FOLDER, "redactions.json"
"""The folder of a second result, from which something is gone, and the file in it that says what."""

EXPORTS_FOLDER, EXPORTS = "exports", "exports.json"
"""The folder of exports in a result, which is none of the result's files; and the file in it that lists them."""

AUDIO_NAMES = {"opus": "audio.webm", "aac": "audio.m4a", "pcm": "audio.flac", "mp3": "audio.mp3"}
"""The recording's file by its codec: packets go out as they came in, so the codec decides on the container.

A result has one of them."""

CAPTION_FILES = (*(form.file_name for form in FORMATS.values()), CHAPTERS)

OUTPUTS = (*AUDIO_NAMES.values(), *CAPTION_FILES, TRANSCRIPT, METRICS, PAGE, PEAKS, REDACTED_LIST)
"""All that a report may name."""


def audio_of(document: Mapping[str, Any]) -> str:
    """The name of a result's recording as its report has it; that of an Opus recording where it names none."""
    outputs = document.get("outputs")
    named = [one.get("name") for one in outputs if isinstance(one, dict)] if isinstance(outputs, list) else []
    return next((name for name in AUDIO_NAMES.values() if name in named), AUDIO_NAMES["opus"])


def is_whole(document: Mapping[str, Any], there: Container[str]) -> bool:
    """Whether the recording and all files that a report lists are there; a report may list anything."""
    outputs = document.get("outputs")
    listed = (
        [one.get("name") if isinstance(one, dict) else None for one in outputs] if isinstance(outputs, list) else []
    )
    return all(isinstance(name, str) and name in there for name in (audio_of(document), *listed))


def names(document: Report) -> list[str]:
    """The files of a result that was just made, the report last."""
    return [*(output["name"] for output in document["outputs"]), REPORT]


def obsolete(there: Iterable[str], document: Report) -> list[str]:
    """Those of the files that are there which an earlier result left and this one does not have."""
    return sorted({*OUTPUTS}.intersection(there).difference(names(document)))
