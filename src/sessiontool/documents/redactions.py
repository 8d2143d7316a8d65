"""redactions.jsonl: what must be gone from the redacted result of a session, an object a line, beside its log.

A line names a stretch of sound by the clock of the recorder (`times`), an utterance or a note of the transcript, and of
an utterance the characters (`chars`).  The text itself is never in it.  `rest_sha256` is the SHA-256 of the utterance's
text with labels in the place of all that was redacted in it: where it does not fit any longer, the text was changed.

What a person hands over is a file of spans, which says the same in seconds of `audio.webm`, utterances and words.

Both are read strictly: a line that is not understood is an error, for what it named would stay to be heard.
"""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ..errors import UsageError
from .json_text import parse
from .roles import USUAL_CHANNELS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST_BYTES = 16 << 20
"""The largest file of spans that is read: chosen, a hundred thousand lines."""
MOST_SPANS = 10_000
"""The most redactions of a session: chosen, one each three seconds of eight hours."""

_MOST_CHARS = 10_000_000
"""Characters of a text; chosen."""
_MOST_S = 366 * 24 * 3600  # of a recording: a year; chosen
_NAME = r"[a-z][a-z0-9_-]{0,31}"
_HASH = r"[0-9a-f]{64}"


class PartTime(Struct, frozen=True):
    """A stretch of a part, in milliseconds of its recorder's clock."""

    part: str
    start_ms: float
    end_ms: float

    def to_json(self) -> dict[str, Any]:
        return {"part": self.part, "recorder_ms": [self.start_ms, self.end_ms]}


class Redaction(Struct, frozen=True):
    """One thing that must be gone: `kind` says what it is, `rule` what found it.

    Without `chars` it is all of the utterance or the note, or what is said in `times`; with `fields` it is what the log
    noted of an utterance beside its text, and no sound.  With `role` that voice alone is silent where that can be done,
    with `beep` a tone is in the place of the sound, and with `label` the kind stands in the place of the text.
    """

    kind: str
    rule: str
    utterance: str = ""
    note: str = ""
    chars: tuple[int, int] | None = None
    rest_sha256: str = ""
    times: tuple[PartTime, ...] = ()
    fields: bool = False
    role: str = ""
    beep: bool = False
    label: bool = False

    def to_json(self) -> dict[str, Any]:
        found = {
            "kind": self.kind,
            "rule": self.rule,
            "utterance": self.utterance,
            "note": self.note,
            "chars": list(self.chars) if self.chars else None,
            "rest_sha256": self.rest_sha256,
            "times": [one.to_json() for one in self.times],
            "fields": self.fields,
            "role": self.role,
            "beep": self.beep,
            "label": self.label,
        }
        return {name: value for name, value in found.items() if value}


class AskedSpan(Struct, frozen=True):
    """One line of a person's file of spans; seconds of `audio.webm`, words counted from 0, the last one included."""

    line: int
    kind: str
    start_s: float | None = None
    end_s: float | None = None
    utterance: str = ""
    words: tuple[int, int] | None = None
    role: str = ""


def to_jsonl(redactions: tuple[Redaction, ...]) -> bytes:
    """The lines of redactions.jsonl, each redaction once."""
    lines = dict.fromkeys(json.dumps(one.to_json(), ensure_ascii=False) for one in redactions)
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


def read_redactions(data: bytes, name: str) -> tuple[Redaction, ...]:
    """The redactions in a redactions.jsonl (UsageError that names the line that is none)."""
    return tuple(_lines(data, name, _redaction))


def read_spans(data: bytes, name: str) -> tuple[AskedSpan, ...]:
    """The spans in a person's file (UsageError that names the line that is none, or where there is none at all)."""
    found = tuple(_lines(data, name, _asked))
    if not found:
        raise UsageError(
            f"{name} has no span", hint='a line is {"start_s": 12.5, "end_s": 14} or {"utterance": "u012"}'
        )
    return found


def _lines(data: bytes, name: str, read: Callable[[dict[str, Any], int], Any]) -> Iterator[Any]:
    if len(data) > MOST_BYTES:
        raise UsageError(f"{name} has {len(data):,} bytes; {MOST_BYTES:,} are read", hint="see what it is")
    count = 0
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        count += 1
        if count > MOST_SPANS:
            raise UsageError(f"{name} has more than {MOST_SPANS:,} spans", hint="join those that touch")
        try:
            value = parse(line)
            if not isinstance(value, dict):
                raise ValueError("it is no object")
            yield read(value, number)
        except ValueError as error:
            # not what the line has: a text in it would come to stand in a log
            why = "it is no JSON" if isinstance(error, json.JSONDecodeError | UnicodeDecodeError) else error
            hint = 'a line is {"start_s": 12.5, "end_s": 14, "kind": "card"} or {"utterance": "u012", "words": [3, 6]}'
            raise UsageError(f"{name}, line {number}: {why}", hint=hint) from None


def _asked(value: dict[str, Any], number: int) -> AskedSpan:
    _check_names(value, {"kind", "start_s", "end_s", "utterance", "words", "role"})
    times = [None if value.get(name) is None else _number(value, name) for name in ("start_s", "end_s")]
    start_s, end_s = times
    utterance, words = _text(value, "utterance"), _pair(value, "words")
    if (start_s is None) != (end_s is None):
        raise ValueError("start_s and end_s need each other")
    if start_s is not None and end_s is not None and not 0 <= start_s < end_s <= _MOST_S:
        raise ValueError("start_s must be 0 or more, and end_s later")
    if start_s is None and not utterance:
        raise ValueError("it needs start_s and end_s, or an utterance")
    if words and not utterance:
        raise ValueError("words need their utterance")
    return AskedSpan(number, _name(value, "kind", "other"), start_s, end_s, utterance, words, _role(value))


def _redaction(value: dict[str, Any], _number: int) -> Redaction:
    flags = ("fields", "beep", "label")
    _check_names(value, {"kind", "rule", "utterance", "note", "chars", "rest_sha256", "times", "role", *flags})
    utterance, note, chars = _text(value, "utterance"), _text(value, "note"), _pair(value, "chars")
    listed, rest = value.get("times", []), value.get("rest_sha256", "")
    if not isinstance(listed, list):
        raise ValueError("times is no list")
    times = tuple(map(_part_time, listed))
    if not (utterance or note or times):
        raise ValueError("it names no utterance, no note and no times")
    if chars and (not utterance or not isinstance(rest, str) or not re.fullmatch(_HASH, rest)):
        raise ValueError("chars need their utterance, and the SHA-256 of the rest of its text")
    kind, rule = _name(value, "kind", "other"), _name(value, "rule", "spans")
    fields, beep, label = (_flag(value, name) for name in flags)
    if fields and not utterance:
        raise ValueError("fields needs an utterance")
    return Redaction(
        kind, rule, utterance, note, chars, rest if chars else "", times, fields, _role(value), beep, label
    )


def _part_time(value: object) -> PartTime:
    if not isinstance(value, dict) or set(value) != {"part", "recorder_ms"} or not isinstance(value["part"], str):
        raise ValueError('one of times is not {"part": …, "recorder_ms": [from, to]}')
    limits = value["recorder_ms"]
    if not isinstance(limits, list) or len(limits) != 2 or not all(map(_is_number, limits)) or limits[0] >= limits[1]:
        raise ValueError("recorder_ms is not a time and a later one")
    return PartTime(value["part"], *map(float, limits))


def _check_names(value: dict[str, Any], known: set[str]) -> None:
    if "text" in value:
        raise ValueError("a text must not stand here: name an utterance and words, or use --text")
    unknown = sorted(set(value) - known)
    if unknown:
        raise ValueError(f"{unknown[0][:40]!r} is no field of it; its fields are {', '.join(sorted(known))}")


def _is_number(value: object) -> bool:
    return type(value) in {int, float} and isfinite(value) and abs(value) <= 1000 * _MOST_S  # type: ignore[arg-type]


def _number(value: dict[str, Any], name: str) -> float:
    if not _is_number(value[name]):
        raise ValueError(f"{name} is no number of seconds")
    return float(value[name])


def _text(value: dict[str, Any], name: str) -> str:
    found = value.get(name, "")
    if not isinstance(found, str) or len(found) > 1000:
        raise ValueError(f"{name} is no id")
    return found


def _flag(value: dict[str, Any], name: str) -> bool:
    found = value.get(name, False)
    if not isinstance(found, bool):
        raise ValueError(f"{name} is not true or false")
    return found


def _role(value: dict[str, Any]) -> str:
    found = _text(value, "role")
    if found and found not in USUAL_CHANNELS:
        raise ValueError(f"role is none of {', '.join(USUAL_CHANNELS)}")
    return found


def _name(value: dict[str, Any], name: str, default: str) -> str:
    found = value.get(name, default)
    if not isinstance(found, str) or not re.fullmatch(_NAME, found):
        raise ValueError(f"{name} is no name of small letters and digits")
    return found


def _pair(value: dict[str, Any], name: str) -> tuple[int, int] | None:
    found = value.get(name)
    if found is None:
        return None
    if not isinstance(found, list) or len(found) != 2 or any(type(one) is not int for one in found):
        raise ValueError(f"{name} is not two whole numbers")
    first, last = found
    if not 0 <= first <= last <= _MOST_CHARS or (name == "chars" and first == last):
        raise ValueError(f"{name} must be two numbers from 0, in order")
    return first, last
