"""schemas/ is what a writer should write: what fits it is read here without complaint, and real documents fit it."""

from __future__ import annotations

import copy
import io
import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from conftest import TESTS
from recorder_page import npm
from schema_types import NAMES, SCHEMAS, TYPES, schema, types

from sessiontool.documents import checked
from sessiontool.documents.lenient import validated
from sessiontool.documents.models import (
    ChunkEntry,
    ConsentEntry,
    PartEntry,
    PauseEntry,
    RecordingEntry,
    SessionDocument,
    UtteranceDocument,
)
from sessiontool.documents.reading import read_object
from sessiontool.documents.retention import RetentionEntry
from sessiontool.documents.session import read_session
from sessiontool.realtime.log import read_log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


SESSION: dict[str, Any] = {
    "schema": "sessiontool.session/1",
    "session_id": "2026-11-22-dana",
    "started_at": "2026-11-22T05:41:00.512Z",
    "ended_at": "2026-11-22T05:42:00Z",
    "user_agent": "Chrome/156",
    "channels": ["user", "assistant"],
    "speakers": {"user": "Dana", "assistant": {"name": "Morgan", "synthetic": True}},
    "parts": [
        {
            "part": 0,
            "mime_type": "audio/webm;codecs=opus",
            "timeslice_ms": 5000,
            "start_ms": 701.8,
            "stop_ms": 28001.1,
            "pauses": [{"start_ms": 1, "end_ms": 2.5}],
            "realtime_session_id": "sess_1",
            "expires_at": 1795893269,
            "chunks": [{"seq": 0, "bytes": 40991, "emitted_ms": 5744.1, "sha256": "ab" * 32}],
        }
    ],
    "realtime_sessions": [{"id": "sess_1", "expires_at": 1795893269, "created_ms": 649.2}],
    "notes": [{"t_ms": 1, "kind": "lane-silent", "role": "user"}],
    "consent": {"recorded": True, "policy": "v1", "at": "2026-11-22T05:41:00Z"},
    "retention": {"delete_chunks_after_days": 30, "delete_all_after_days": 365},
}
UTTERANCE: dict[str, Any] = {
    "id": "u1",
    "role": "user",
    "text": "Hello?",
    "t_start": 1.2,
    "t_end": None,
    "interrupted": False,
    "heard_text": "Hello",
    "language": "en",
}
EVENT: dict[str, Any] = {
    "t_ms": 5123.4,
    "from": "server",
    "session": "sess_1",
    "event": {"type": "rate_limits.updated"},  # what is inside is the API's
}
EXAMPLES = {"session": SESSION, "utterance": UTTERANCE, "event": EVENT}
ODD: tuple[Any, ...] = (None, True, -1, 0, 1.5, 1e15 + 0.5, "", "text", [], ["text"], {}, {"a": 1}, [{}])
UNREAD = {"schema", "ended_at", "user_agent", "realtime_sessions", "notes"}
"""What recorders write for people, and no reader here looks at."""


def complaints(name: str, value: Any) -> list[str]:
    """What the reader of a document has to say of it."""
    if name == "event":
        log = read_log(io.BytesIO(json.dumps(value).encode() + b"\n"))
        return log.problems.named
    if name == "session":
        _, findings = read_session(json.dumps(value).encode(), "session.json")
        problems = [one.message for one in findings]
    else:
        _, problems = read_object(UtteranceDocument, copy.deepcopy(value))
    if name == "session" and "retention" in value:
        _, more = validated(RetentionEntry, copy.deepcopy(value["retention"]))
        problems += more
    return problems


def fits(name: str, value: Any) -> bool:
    return bool(jsonschema.Draft202012Validator(schema(name)).is_valid(value))


def variants(value: Any) -> Iterator[Any]:
    """A document with one of its fields replaced by something odd, or left out, for every field there is."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for place, inner in items:
        for other in (*ODD, *variants(inner)):
            changed = copy.copy(value)
            changed[place] = other
            yield changed
        if isinstance(value, dict):
            yield {name: kept for name, kept in value.items() if name != place}


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_fits_a_schema_is_read_without_complaint(name: str) -> None:
    assert fits(name, EXAMPLES[name])
    tried = {True: 0, False: 0}
    for changed in variants(EXAMPLES[name]):
        fitting = fits(name, changed)
        tried[fitting] += 1
        if fitting:
            assert complaints(name, changed) == [], changed
    assert min(tried.values()) > 5, tried


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Session", SessionDocument),
        ("Part", PartEntry),
        ("Pause", PauseEntry),
        ("Chunk", ChunkEntry),
        ("Recording", RecordingEntry),
        ("Consent", ConsentEntry),
        ("Retention", RetentionEntry),
        ("Utterance", UtteranceDocument),
    ],
)
def test_a_schema_has_the_fields_of_the_reader(title: str, kind: Any) -> None:
    model = kind if kind is RetentionEntry else checked.model_of(kind)
    kinds = [one for name in NAMES for one in (schema(name), *schema(name).get("$defs", {}).values())]
    (declared,) = [one for one in kinds if one["title"] == title]
    apart = UNREAD | {"retention"} if title == "Session" else set()
    taken_apart = {"synthetic"} if title == "Session" else set()  # stands in speakers
    assert set(declared["properties"]) - apart == set(model.model_fields) - taken_apart
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    assert required <= set(declared.get("required", ()))


def test_the_recorded_sessions_fit() -> None:
    documents = [*(TESTS / "data").rglob("session.json"), TESTS.parent / "samples" / "demo" / "session.json"]
    judge = jsonschema.Draft202012Validator(schema("session"))
    for path in documents:
        value = json.loads(path.read_text())
        if isinstance(value, dict) and value.get("schema") == "sessiontool.session/1" and "fuzz" not in path.parts:
            assert [error.message for error in judge.iter_errors(value)] == [], path
    assert len(documents) > 3


@pytest.mark.parametrize("session_id", ["demo", "chrome-load", "firefox-pause"])
def test_results_fit(session_id: str, merged_session: Callable[[str], Path]) -> None:
    for name in ("transcript", "report"):
        value = json.loads((merged_session(session_id) / f"{name}.json").read_text())
        errors = jsonschema.Draft202012Validator(schema(name)).iter_errors(value)
        assert [f"{error.json_path}: {error.message}" for error in errors] == []


def test_the_types_are_those_of_the_schemas() -> None:
    assert TYPES.read_text() == types(), "run `python tests/schema_types.py --update`"


def test_every_schema_is_listed() -> None:
    assert {path.name.removesuffix(".schema.json") for path in SCHEMAS.glob("*.json")} == set(NAMES)


def test_the_sample_and_the_types_fit_together() -> None:
    done = npm("run", "lint")
    assert done.returncode == 0, done.stdout + done.stderr
