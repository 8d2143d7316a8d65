"""The names of the files of a result: one table, for what is written and for what is believed of a report.

A report comes from a store, and whoever may write there chooses what it names: a name that is not in the table is never
looked up, fetched or deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..captions import CHAPTERS, FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..documents.report_model import Report

AUDIO, TRANSCRIPT, REPORT = "audio.webm", "transcript.json", "report.json"

OUTPUTS = (AUDIO, *(form.file_name for form in FORMATS.values()), CHAPTERS, TRANSCRIPT)
"""All that a report may name."""

REQUIRED = (AUDIO, TRANSCRIPT)
"""What a report must name: without these there is no result."""


def names(document: Report) -> list[str]:
    """The files of a result that was just made, the report last."""
    return [*(output["name"] for output in document["outputs"]), REPORT]


def obsolete(there: Iterable[str], document: Report) -> list[str]:
    """Those of the files that are there which an earlier result left and this one does not have."""
    return sorted({*OUTPUTS}.intersection(there).difference(names(document)))
