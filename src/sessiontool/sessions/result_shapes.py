"""What the documents of a result must look like for a reader to use them: one table for each, and one walk over both.

A shape says what a value is; `misfits` says where a value is something else.  Fields that no shape names are let pass:
a later version may write more.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import TYPE_CHECKING, Any, get_args

from msgspec import Struct, field

from ..model import PlacementStatus, Severity
from ..recording.records import Verdict
from ..timeline import SpanKind
from .report import HASH, REPORT_SCHEMA
from .transcript import TRANSCRIPT_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_HASH = r"[0-9a-f]{64}"
_MOST = 1 << 62
"""Units of any number of a report; chosen: below what JSON readers take as a whole number."""
_SHOWN_CHARS = 40
"""Characters of a wrong value in a message; chosen."""


class Kind(Struct, frozen=True):
    """A value that is not taken apart; `what` is said with its article."""

    what: str
    fits: Callable[[Any], bool]


class Items(Struct, frozen=True):
    """A list; `length` where it must have one."""

    of: Shape
    length: int | None = None


class Fields(Struct, frozen=True):
    """An object, with fields that must be there and others that may."""

    required: Mapping[str, Shape]
    optional: Mapping[str, Shape] = field(default_factory=dict)


Shape = Kind | Items | Fields


def misfits(value: Any, shape: Shape, where: str = "") -> Iterator[str]:
    """What of a value is not as its shape says, as sentences that begin with the place."""
    if isinstance(shape, Kind):
        if not shape.fits(value):
            yield f"{where or 'it'} is {_shown(value)}, not {shape.what}"
    elif isinstance(shape, Items):
        if not isinstance(value, list) or shape.length not in {None, len(value)}:
            yield f"{where or 'it'} is {_shown(value)}, not a list" + (f" of {shape.length}" if shape.length else "")
            return
        for number, item in enumerate(value):
            yield from misfits(item, shape.of, f"{where}[{number}]")
    elif not isinstance(value, dict):
        yield f"{where or 'it'} is {_shown(value)}, not an object"
    else:
        for name, inner in (*shape.required.items(), *shape.optional.items()):
            place = f"{where}.{name}" if where else name
            if name in value:
                yield from misfits(value[name], inner, place)
            elif name in shape.required:
                yield f"{place} is missing"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    return f"a list of {len(value)}" if isinstance(value, list) else repr(value)[:_SHOWN_CHARS]


def _is_number(value: Any) -> bool:
    return type(value) in {int, float} and isfinite(value) and abs(value) < _MOST


def _one_of(*names: str) -> Kind:
    return Kind("one of " + ", ".join(names), lambda value: isinstance(value, str) and value in names)


TEXT = Kind("a text", lambda value: isinstance(value, str))
COUNT = Kind("a whole number from 0", lambda value: type(value) is int and 0 <= value < _MOST)
NUMBER = Kind("a number", _is_number)
LENGTH = Kind("a number from 0", lambda value: _is_number(value) and value >= 0)
NUMBER_OR_NULL = Kind("a number or null", lambda value: value is None or _is_number(value))
DIGEST = Kind("a SHA-256", lambda value: isinstance(value, str) and re.fullmatch(_HASH, value) is not None)
DIGEST_OR_NONE = Kind("a SHA-256, or empty", lambda value: value == "" or DIGEST.fits(value))
OBJECT = Kind("an object", lambda value: isinstance(value, dict))
BOOLEAN = Kind("true or false", lambda value: isinstance(value, bool))

LEDGER: Mapping[str, Shape] = {
    "payload_bytes": COUNT,
    "structure_bytes": COUNT,
    "damaged_bytes": COUNT,
    "set_aside_bytes": COUNT,
}
"""What became of the bytes of a chunk; the four add up to its `bytes`."""

_STRETCHES = Items(Fields({"byte_offset": COUNT, "bytes": COUNT, "reason": TEXT}, {"kept_in": TEXT, "kept_at": COUNT}))
_FINDING = Fields(
    {"code": TEXT, "severity": _one_of(*get_args(Severity)), "message": TEXT},
    {"part": TEXT, "seq": COUNT, "byte_offset": COUNT, "at_s": NUMBER, "lost_ms": LENGTH, "hint": TEXT},
)
_CHUNK = Fields(
    {
        "key": TEXT,
        "part": TEXT,
        "seq": COUNT,
        "bytes": COUNT,
        "sha256": DIGEST_OR_NONE,
        "packets": COUNT,
        "verdict": _one_of(*get_args(Verdict)),
        **LEDGER,
    },
    {
        "packets_sha256": DIGEST,
        "samples": COUNT,
        "damage": _STRETCHES,
        "damage_more": COUNT,
        "set_aside": _STRETCHES,
        "set_aside_more": COUNT,
        "wrapped": Fields({"as": TEXT, "bytes": COUNT}),
    },
)
_SPAN = Fields(
    {
        "kind": _one_of(*get_args(SpanKind)),
        "part": TEXT,
        "output_samples": Items(COUNT, 2),
        "recorder_ms": Items(NUMBER, 2),
        "session_ms": Items(NUMBER, 2),
    },
    {"cause": TEXT, "silent_packets": COUNT, "filled_packets": COUNT, "filled_sha256": DIGEST},
)
"""A stretch of the timeline; lengths of its lists by definition: a start and an end, so two parts each."""

_REDACTION = Fields(
    {
        "of": DIGEST,
        "redactions_sha256": DIGEST,
        "cuts": Items(Fields({"packets": Items(COUNT, 2), "output_samples": Items(COUNT, 2)})),
        "kept": Items(Fields({"packets": COUNT, "bytes": COUNT, "sha256": DIGEST})),
        "checked": Fields({"at": TEXT, "secrets": COUNT}),
    },
    {"originals_destroyed_at": TEXT},
)
"""Of a redacted result: what it was made of, the packets that are gone, and a hash of what is kept (by definition,
parts of two)."""

REPORT_SHAPE = Fields(
    {
        "schema": _one_of(REPORT_SCHEMA),
        "session_id": TEXT,
        "status": _one_of("complete", "repaired", "partial"),
        "duration_s": LENGTH,
        "findings": Items(_FINDING),
        "parts": Items(Fields({"part": TEXT, "recorder": TEXT})),
        "chunks": Items(_CHUNK),
        "utterances": COUNT,
        "timeline": Items(_SPAN),
        "packets": Fields({"recorded": COUNT, "silent": COUNT}, {"filled": COUNT}),
        "alignment": Items(OBJECT),
        "outputs": Items(Fields({"name": TEXT, "bytes": COUNT, "sha256": DIGEST})),
        "inputs_fingerprint": DIGEST,
        "tool": Fields({"name": TEXT, "version": TEXT, "settings": OBJECT}),
        HASH: DIGEST,
    },
    {"captions_status": _one_of("complete", "doubtful", "none"), "redaction": _REDACTION, "redacted_as": DIGEST},
)

TRANSCRIPT_SHAPE = Fields(
    {
        "schema": _one_of(TRANSCRIPT_SCHEMA),
        "session_id": TEXT,
        "duration_s": LENGTH,
        "utterances": Items(
            Fields(
                {"id": TEXT, "role": TEXT, "text": TEXT, "start_s": NUMBER_OR_NULL, "end_s": NUMBER_OR_NULL},
                {
                    "speaker": TEXT,
                    "status": _one_of(*get_args(PlacementStatus)),
                    "confidence": NUMBER,
                    "interrupted": BOOLEAN,
                    "heard_text": TEXT,
                    "language": TEXT,
                    "speech": Items(Items(NUMBER, 2)),
                    "words": Items(
                        Fields(
                            {"text": TEXT, "start_s": NUMBER, "end_s": NUMBER, "source": TEXT},
                            {"phones": Items(Fields({"phone": TEXT, "start_s": NUMBER, "end_s": NUMBER}))},
                        )
                    ),
                },
            )
        ),
    },
    {"notes": Items(Fields({"id": TEXT, "kind": TEXT, "at_s": NUMBER_OR_NULL}, {"role": TEXT, "text": TEXT}))},
)
"""The fields of transcript.json; lengths of its lists by definition: a start and an end."""
