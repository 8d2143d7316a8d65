"""Reads the JSON documents of a session: bytes in, models and values out, with a finding for whatever was left out.

A recording is worth more than its notes: a broken document never stops a merge.  A field that is wrong is dropped, a
line that is no JSON is skipped, and the finding names file, line and field.
"""

from __future__ import annotations

import json
import re
from functools import reduce
from math import isfinite
from operator import getitem
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from .errors import RecordingError
from .models import RetentionEntry, SessionDocument, UtteranceDocument
from .values import Finding, Utterance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROLES = ("user", "assistant")
MAX_TIME_S = 366 * 24 * 3600.0
"""A session-clock time beyond a year is a mistake (an epoch time, most often)."""

_SURROGATE = re.compile(r"\\u[dD]|[\ud800-\udfff]")
_MAX_NAMED = 20
_MAX_NAME_CHARS = 80
_MAX_DEPTH = 100
_Model = TypeVar("_Model", bound=BaseModel)


def read_session(data: bytes, name: str) -> tuple[SessionDocument, list[Finding]]:
    """session.json, without the fields that are wrong; an empty one where it is no JSON object."""
    try:
        value = _loads(data.decode(json.detect_encoding(data)))
    except (ValueError, RecursionError) as error:
        return SessionDocument(), [_broken(name, f"is not valid JSON ({_json_problem(error)})")]
    if not isinstance(value, dict):
        return SessionDocument(), [_broken(name, f"holds {_kind(value)}, not an object")]
    model, problems = _lenient(SessionDocument, value)
    return model or SessionDocument(), [_broken(name, problem) for problem in problems]


def read_retention(data: bytes, name: str, session_id: str) -> RetentionEntry | None:
    """The retention that session.json asks for, None where it asks for none; nothing is guessed.

    RecordingError where it is unclear: the document is broken, of another session, or its retention is.
    """
    hint = "nothing is deleted by it; correct the document"
    try:
        value = _loads(data.decode(json.detect_encoding(data)))
        if not isinstance(value, dict):
            raise ValueError(f"it holds {_kind(value)}")
        if value.get("session_id") is not None and str(value["session_id"]) != session_id:
            raise ValueError("it is of another session")
        wanted = value.get("retention")
        return None if wanted is None else RetentionEntry.model_validate(wanted)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = _shown(".".join(map(str, ("retention", *first["loc"]))))
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
        model, wrong = _lenient(UtteranceDocument, value) if isinstance(value, dict) else (None, [f"is {_kind(value)}"])
        problems += [f"{place}: {problem}" for problem in wrong]
        if model is None:
            problems.append(f"{place}: left out, as it has no text or no role")
            continue
        utterance = _utterance(model, place, problems)
        if utterance.id in seen:
            problems.append(f"{place}: the id {utterance.id!r} was used before")
        seen.add(utterance.id)
        utterances.append(utterance)
    findings = [_broken(name, problem) for problem in problems[:_MAX_NAMED]]
    if len(problems) > _MAX_NAMED:
        findings.append(_broken(name, f"{len(problems) - _MAX_NAMED} more problems of this kind"))
    return utterances, findings


def _entries(data: bytes, name: str, problems: list[str]) -> Iterator[tuple[str, Any]]:
    """The documents in a file and where each stands; what is no JSON goes to `problems`."""
    text = data.decode("utf-8-sig", "replace")
    if name.endswith(".json"):
        try:
            values = _loads(text)
        except (ValueError, RecursionError) as error:
            problems.append(f"is not valid JSON ({_json_problem(error)})")
            return
        if not isinstance(values, list):
            problems.append(f"holds {_kind(values)}, not a list")
            return
        yield from ((f"entry {number}", value) for number, value in enumerate(values, 1))
        return
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield f"line {number}", _loads(line)
        except (ValueError, RecursionError) as error:
            problems.append(f"line {number}: is not valid JSON ({_json_problem(error)})")


def _loads(text: str) -> Any:
    """The value of a JSON text.  Half a surrogate pair, left where JavaScript cut a string, becomes U+FFFD."""
    value = json.loads(text)
    return _mended(value) if _SURROGATE.search(text) else value


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_mended(name): _mended(item) for name, item in value.items()}
    return [_mended(item) for item in value] if isinstance(value, list) else value


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
        extra=dict(_writable(model.model_extra or {}, place, problems)),
    )


def _writable(fields: dict[str, Any], place: str, problems: list[str]) -> Iterator[tuple[str, Any]]:
    """The unknown fields that can be handed through: Python reads more than JSON has, and deeper than it writes."""
    for name, value in fields.items():
        if _is_writable(value, _MAX_DEPTH):
            yield name, value
        else:
            problems.append(
                f"{place}, {_shown(name)}: left out, as it is nested too deeply or holds a number that is not finite"
            )


def _is_writable(value: Any, depth: int) -> bool:
    if isinstance(value, (dict, list)):
        items = value.values() if isinstance(value, dict) else value
        return depth > 0 and all(_is_writable(item, depth - 1) for item in items)
    return not isinstance(value, float) or isfinite(value)


def _lenient(kind: type[_Model], value: dict[str, Any]) -> tuple[_Model | None, list[str]]:
    """The model of `value` without the fields that are wrong, and what was wrong; None where a required field is."""
    problems: list[str] = []
    while True:
        try:
            return kind.model_validate(value), problems
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_context=False, include_input=False)
            problems += [f"{_shown('.'.join(map(str, item['loc'])))}: {item['msg']}" for item in wrong[:_MAX_NAMED]]
            culprits = {_culprit(value, item["loc"]) for item in wrong}
            if None in culprits:
                return None, problems
            _take_out(value, [path for path in culprits if path])


def _culprit(value: Any, loc: tuple[int | str, ...]) -> tuple[int | str, ...] | None:
    """What to take out of `value` for an error at `loc`: the field there.

    Where that is missing, the object without it.
    """
    for end in range(len(loc), 0, -1):
        try:
            holder = reduce(getitem, loc[: end - 1], value)
            getitem(holder, loc[end - 1])
        except (KeyError, IndexError, TypeError):
            continue
        if not isinstance(holder, list) or any(one is None or isinstance(one, dict) for one in holder):
            return loc[:end]  # a list of plain values means nothing without one of them
    return None


def _take_out(value: Any, paths: Iterable[tuple[int | str, ...]]) -> None:
    """Delete what is at each of `paths`; items of a list all at once, so that the places of the others stay right."""
    lists: dict[int, list[Any]] = {}
    for path in sorted(paths, key=len, reverse=True):
        holder = reduce(getitem, path[:-1], value)
        if isinstance(holder, list):
            lists[id(holder)] = holder
            holder[int(path[-1])] = None
        else:
            del holder[path[-1]]
    for items in lists.values():
        items[:] = [item for item in items if item is not None]


def _shown(name: str) -> str:
    """A field's name from outside, fit for a line of a message."""
    return "".join(char if char.isprintable() else "\ufffd" for char in name[:_MAX_NAME_CHARS])


def _broken(name: str, problem: str) -> Finding:
    return Finding(
        code="document-invalid",
        severity="warning",
        message=f"{name}: {problem}",
        hint="correct the file and merge again with --force; the recording itself is not affected",
    )


def _json_problem(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        line = f"line {error.lineno} " if "\n" in error.doc else ""
        return f"{error.msg}, {line}column {error.colno}"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)[:100]


def _kind(value: Any) -> str:
    return {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}.get(
        type(value), "a number"
    )
