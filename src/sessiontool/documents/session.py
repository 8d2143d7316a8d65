"""Reads session.json: bytes in, a model out, with a finding for whatever was left out.

A recording is worth more than its notes: a broken document never stops a merge.  A field that is wrong is dropped, and
the finding names file and field.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from ..model import Finding
from .clock_restarts import one_after_another
from .entries import twice
from .epoch_times import on_session_clock
from .lenient import LogProblems, json_problem, kind_of, loads, shown
from .models import ChunkEntry, ConsentEntry, PartEntry, PauseEntry, RecordingEntry, SessionDocument
from .reading import read_object
from .sha256_text import with_hex_digests
from .texts import plain
from .time_units import in_milliseconds
from .utterances import all_broken

if TYPE_CHECKING:
    from collections.abc import Iterable


def read_session(data: bytes, name: str) -> tuple[SessionDocument, list[Finding]]:
    """session.json, without the fields that are wrong; an empty one where it is no JSON object."""
    doubled: list[str] = []
    try:
        value = loads(data.decode(json.detect_encoding(data)), doubled)
    except (ValueError, RecursionError) as error:
        return SessionDocument(), _broken(name, [f"is not valid JSON ({json_problem(error)})"])
    if not isinstance(value, dict):
        return SessionDocument(), _broken(name, [f"holds {kind_of(value)}, not an object"])
    value = _inner(_spelt_as_known(value))
    wrong = [*_nothing_known(value), *_split_speakers(value)]
    model, problems = read_object(SessionDocument, value)
    session, digests = with_hex_digests(model or SessionDocument())
    session, of_units = in_milliseconds(session, name)
    session, concluded = on_session_clock(session, name)
    session, of_parts = one_after_another(_without_repeated_parts(session), name)
    return session, [
        *_broken(name, [*wrong, *problems, *digests, *map(twice, doubled)]),
        *of_units,
        *concluded,
        *of_parts,
    ]


_MOST_DEPTH = 6
"""Levels of lists and objects in which there are known names; derived: the chunks of a part of a session."""
_KNOWN = {*SessionDocument.__struct_fields__, "schema"}
_NAMED = 5
"""Fields that a message lists; chosen: as parts of a line."""
_KINDS = (SessionDocument, PartEntry, ChunkEntry, PauseEntry, RecordingEntry, ConsentEntry)
_NAMES = {plain(name): name for kind in _KINDS for name in kind.__struct_fields__}
"""The names of all fields, by their letters."""


def _spelt_as_known(value: Any, depth: int = _MOST_DEPTH) -> Any:
    """A value whose fields have the names that are known, as JavaScript writes them too: `startMs` for `start_ms`.

    Who speaks is named by the recorder, and stays as it is.
    """
    if isinstance(value, list):
        return [_spelt_as_known(one, depth - 1) for one in value] if depth else value
    if not isinstance(value, dict) or not depth:
        return value
    made: dict[str, Any] = {}
    for name, held in value.items():
        known = _NAMES.get(plain(str(name)), str(name))
        made[name if known in value else known] = held if known == "speakers" else _spelt_as_known(held, depth - 1)
    return made


def _inner(value: dict[str, Any]) -> dict[str, Any]:
    """The document in an object that has it and nothing else of the kind, as a program's answer: `{"data": {…}}`."""
    while not _KNOWN & value.keys():
        inside = [one for one in value.values() if isinstance(one, dict)]
        if len(inside) != 1:
            break
        value = inside[0]
    return value


def _nothing_known(value: dict[str, Any]) -> list[str]:
    if not value or _KNOWN & value.keys():
        return []
    names = ", ".join(shown(str(name)) for name in [*value][:_NAMED])
    return [f"no field of it is known; it has {names}"]


def _without_repeated_parts(session: SessionDocument) -> SessionDocument:
    """A page that sends its notes again may add a part to them that it has noted before: once is enough."""
    first: dict[str, PartEntry] = {}
    kept = [one for one in session.parts if first.setdefault(one.part, one) is one or first[one.part] != one]
    return session if len(kept) == len(session.parts) else replace(session, parts=kept)


def _split_speakers(value: dict[str, Any]) -> list[str]:
    """Take apart what is said of speakers, `{"name": …, "synthetic": true}`, into names and roles; what is wrong."""
    speakers: Any = value.get("speakers")
    problems: list[str] = []
    synthetic: list[str] = []
    for role, one in speakers.items() if isinstance(speakers, dict) else ():
        if not isinstance(one, dict):
            continue
        is_synthetic = one.get("synthetic", False)
        if is_synthetic is True:
            synthetic.append(role)
        elif is_synthetic is not False:
            problems.append(f"speakers.{shown(role)}.synthetic is neither true nor false")
        speakers[role] = one.get("name", "")
    value["synthetic"] = synthetic
    return problems


def _broken(name: str, problems: Iterable[str]) -> list[Finding]:
    all_of_them = LogProblems()
    all_of_them.extend(problems)
    return all_broken(name, all_of_them)


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
