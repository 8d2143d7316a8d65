"""Reads the JSON documents of a session: bytes in, models and values out, with a finding for whatever was left out.

A recording is worth more than its notes: a broken document never stops a merge.  A field that is wrong is dropped, a
line that is no JSON is skipped, and the finding names file, line and field.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ..errors import RecordingError
from ..model import Finding, Utterance
from .lenient import MAX_NAMED, is_writable, json_problem, kind_of, loads, shown, validated
from .models import RetentionEntry, SessionDocument, UtteranceDocument

if TYPE_CHECKING:
    from collections.abc import Iterator

ROLES = ("user", "assistant")
MAX_TIME_S = 366 * 24 * 3600.0
"""A session-clock time beyond a year is a mistake (an epoch time, most often)."""


def read_session(data: bytes, name: str) -> tuple[SessionDocument, list[Finding]]:
    """session.json, without the fields that are wrong; an empty one where it is no JSON object."""
    doubled: list[str] = []
    try:
        value = loads(data.decode(json.detect_encoding(data)), doubled)
    except (ValueError, RecursionError) as error:
        return SessionDocument(), [_broken(name, f"is not valid JSON ({json_problem(error)})")]
    if not isinstance(value, dict):
        return SessionDocument(), [_broken(name, f"holds {kind_of(value)}, not an object")]
    model, problems = validated(SessionDocument, value)
    return model or SessionDocument(), _all_broken(name, [*problems, *map(_doubled, doubled)])


def check_owner(
    session: SessionDocument, name: str, session_id: str, *, fitting: int, chunks: int
) -> tuple[SessionDocument, list[Finding]]:
    """`session` if it is this session's, else an empty one; and a finding where it names another.

    A folder may have been renamed, and a manifest may have been put into the wrong one: whether the sizes that it notes
    are those of the chunks decides.  `fitting` of `chunks` have the size that is noted of them; where all have, nothing
    is in doubt.
    """
    if session.session_id is None or session.session_id == session_id:
        return session, []
    is_used = fitting * 2 >= chunks
    what = f"{name} is of the session '{shown(session.session_id)}', and notes the size of {fitting} of {chunks} chunks"
    finding = Finding(
        "session-id-differs",
        "info" if fitting == chunks else "warning",
        f"{what}: it is {'used all the same' if is_used else 'not used'}",
        hint="correct its session_id, or the name of the folder" if is_used else "put this session's own in its place",
    )
    return session if is_used else SessionDocument(), [finding]


def read_retention(data: bytes, name: str, session_id: str) -> RetentionEntry | None:
    """The retention that session.json asks for, None where it asks for none; nothing is guessed.

    RecordingError where it is unclear: the document is broken, of another session, or its retention is.
    """
    hint = "nothing is deleted by it; correct the document"
    try:
        doubled: list[str] = []
        value = loads(data.decode(json.detect_encoding(data)), doubled)
        if not isinstance(value, dict):
            raise ValueError(f"it holds {kind_of(value)}")
        if doubled:
            raise ValueError(_doubled(doubled[0]))
        if value.get("session_id") is not None and str(value["session_id"]) != session_id:
            raise ValueError("it is of another session")
        wanted = value.get("retention")
        return None if wanted is None else RetentionEntry.model_validate(wanted)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = shown(".".join(map(str, ("retention", *first["loc"]))))
        raise RecordingError(f"{name}, {where}: {first['msg']}", hint=hint) from error
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"{name} does not say how long to keep the session: {error}", hint=hint) from error


def read_utterances(data: bytes, name: str) -> tuple[list[Utterance], list[Finding]]:
    """utterances.jsonl (an object a line) or utterances.json (one list), in the order of the file.

    An utterance without an id gets one from its place (`line-7`).  A line without text or role is left out.
    """
    utterances: list[Utterance] = []
    problems: list[str] = []
    seen: set[str] = set()
    for place, value in _entries(data, name, problems):
        model, wrong = (
            validated(UtteranceDocument, value) if isinstance(value, dict) else (None, [f"is {kind_of(value)}"])
        )
        problems += [f"{place}: {problem}" for problem in wrong]
        if model is None:
            problems.append(f"{place}: left out, as it has no text or no role")
            continue
        utterance = _utterance(model, place, problems)
        if utterance.id in seen:
            problems.append(f"{place}: the id {utterance.id!r} was used before")
        seen.add(utterance.id)
        utterances.append(utterance)
    return utterances, _all_broken(name, problems)


def _entries(data: bytes, name: str, problems: list[str]) -> Iterator[tuple[str, Any]]:
    """The documents in a file and where each stands; what is no JSON goes to `problems`."""
    text = data.decode("utf-8-sig", "replace")
    doubled: list[str] = []
    if name.endswith(".json"):
        try:
            values = loads(text, doubled)
        except (ValueError, RecursionError) as error:
            problems.append(f"is not valid JSON ({json_problem(error)})")
            return
        problems += map(_doubled, doubled)
        if not isinstance(values, list):
            problems.append(f"holds {kind_of(values)}, not a list")
            return
        yield from ((f"entry {number}", value) for number, value in enumerate(values, 1))
        return
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        doubled.clear()
        try:
            value = loads(line, doubled)
        except (ValueError, RecursionError) as error:
            problems.append(f"line {number}: is not valid JSON ({json_problem(error)})")
            continue
        problems += (f"line {number}: {_doubled(field)}" for field in doubled)
        yield f"line {number}", value


def _utterance(model: UtteranceDocument, place: str, problems: list[str]) -> Utterance:
    times: list[int | None] = []
    for field, seconds in (("t_start", model.t_start), ("t_end", model.t_end)):
        if seconds is not None and abs(seconds) > MAX_TIME_S:
            problems.append(f"{place}, {field}: {seconds:g} s is no time on the session clock")
            seconds = None  # noqa: PLW2901 - the time is dropped, the utterance stays
        times.append(None if seconds is None else round(seconds * 1_000_000))
    if model.role not in ROLES:
        problems.append(
            f"{place}, role: {model.role[:40]!r} is neither user nor assistant; it has no channel to be found on"
        )
    return Utterance(
        id=model.id or place.replace(" ", "-"),
        role=model.role,
        text=model.text,
        t_start_us=times[0],
        t_end_us=times[1],
        interrupted=model.interrupted,
        language=model.language,
        heard_text=model.heard_text,
        extra=dict(_writable(model.model_extra or {}, place, problems)),
    )


def _writable(fields: dict[str, Any], place: str, problems: list[str]) -> Iterator[tuple[str, Any]]:
    """The unknown fields that can be handed through: Python reads more than JSON has, and deeper than it writes."""
    for name, value in fields.items():
        if is_writable(value):
            yield name, value
        else:
            problems.append(
                f"{place}, {shown(name)}: left out, as it is nested too deeply or holds a number that is not finite"
            )


def _doubled(field: str) -> str:
    return f"{shown(field)} is there twice in one object; the last one counts"


def _all_broken(name: str, problems: list[str]) -> list[Finding]:
    findings = [_broken(name, problem) for problem in problems[:MAX_NAMED]]
    if len(problems) > MAX_NAMED:
        findings.append(_broken(name, f"{len(problems) - MAX_NAMED} more problems of this kind"))
    return findings


def _broken(name: str, problem: str) -> Finding:
    return Finding(
        code="document-invalid",
        severity="warning",
        message=f"{name}: {problem}",
        hint="correct the file and merge again with --force; the recording itself is not affected",
    )
