"""What a report and a transcript are is written down three times, each for its reader; here the three are compared.

The types are for programs in Python (`documents.report_model`), the shapes for checking what was read
(`sessions.result_shapes`), the JSON Schemas for everybody else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from schema_types import schema

from sessiontool.documents import report_model, transcript_model
from sessiontool.sessions.result_shapes import REPORT_SHAPE, TRANSCRIPT_SHAPE, Fields, Items

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sessiontool.sessions.result_shapes import Shape


def required(kind: Any) -> set[str]:
    """The fields that a type must have; as annotations are texts here, the class itself does not know."""
    return {name for name, text in kind.__annotations__.items() if "NotRequired" not in str(text)}


ADDED_LATER = {"packets", "realtime", "alignment", "sound", "outputs", "inputs_fingerprint", "report_sha256"}
"""A merge puts these into a report when its files are written."""


def objects(shape: Shape, name: str) -> Iterator[tuple[str, Fields]]:
    """Every object of a shape, by the field that it stands in."""
    if isinstance(shape, Items):
        yield from objects(shape.of, name)
    elif isinstance(shape, Fields):
        yield name, shape
        for inner, value in (*shape.required.items(), *shape.optional.items()):
            yield from objects(value, inner)


TYPES: dict[str, Any] = {
    "report": report_model.Report,
    "findings": report_model.ReportFinding,
    "parts": report_model.ReportPart,
    "chunks": report_model.ReportChunk,
    "damage": report_model.ReportStretch,
    "set_aside": report_model.ReportStretch,
    "timeline": report_model.ReportSpan,
    "packets": report_model.ReportPackets,
    "outputs": report_model.ReportOutput,
    "tool": report_model.ReportTool,
    "redaction": report_model.ReportRedaction,
    "cuts": report_model.RedactionCut,
    "kept": report_model.KeptPackets,
    "checked": report_model.SecretsCheck,
    "wrapped": report_model.ReportWrapping,
    "transcript": transcript_model.Transcript,
    "utterances": transcript_model.TranscriptUtterance,
    "words": transcript_model.TranscriptWord,
    "phones": transcript_model.TranscriptPhone,
    "notes": transcript_model.TranscriptNote,
}
SHAPES = [*objects(REPORT_SHAPE, "report"), *objects(TRANSCRIPT_SHAPE, "transcript")]


@pytest.mark.parametrize(("name", "shape"), SHAPES, ids=[name for name, _ in SHAPES])
def test_what_is_checked_is_what_the_types_say(name: str, shape: Fields) -> None:
    kind = TYPES[name]
    assert {*shape.required, *shape.optional} <= {*kind.__annotations__}
    assert {*shape.required} - ADDED_LATER - {"settings"} <= required(kind)
    assert not {*shape.optional} & required(kind) - {"speaker", "status", "confidence", "interrupted"}


@pytest.mark.parametrize("document", ["report", "transcript"])
def test_schemas_and_types_name_the_same_fields(document: str) -> None:
    whole = schema(document)
    listed = {
        name: field["items"]["$ref"].rpartition("/")[2]
        for name, field in whole["properties"].items()
        if "$ref" in field.get("items", ())
    }
    assert listed
    assert {*whole["properties"]} <= {*TYPES[document].__annotations__}
    for name, title in listed.items():
        assert {*whole["$defs"][title]["properties"]} <= {*TYPES[name].__annotations__}, title
