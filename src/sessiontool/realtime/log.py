"""Reads a log of events, a line at a time: bytes in, events out, and what was wrong with which line.

A line is `{"t_ms": …, "from": …, "event": {…}}`, or a bare event with its receive time in `t_ms`, `received_at` or
`timestamp`; a file may also be a JSON array of either.  Nothing in a log is fatal: what cannot be read is told by line
and left out, and events of unknown types are counted.

Not here: what the events mean (`conversation`).
"""

from __future__ import annotations

import binascii
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from ..documents.lenient import LogProblems, json_problem, kind_of, loads, may_need_mending, mended, shown, validated
from .event_types import GA_NAMES, READ, SOUND_FRAGMENTS, TELL_NOTHING, TEXT_FRAGMENTS
from .payloads import MAX_TEXT, Payload
from .timestamps import NEVER, TIME_FIELDS, Receipt, read_receipt

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LINE_BYTES = 1 << 24
"""The longest event there can be is an append of 15 MiB of sound."""

_MOST_UNKNOWN = 1000
_NO_PAYLOAD = Payload()


@dataclass(slots=True)
class Event:
    """One event.  `kind` is its type by its GA name; `line` is where it stands, counted from 1.

    Fragments have `item_id`, `text` and `span_ms` (start and end on a Live session's clock), or the `sound_bytes` that
    they carried; all others that are read have a `payload`.  `at_ms` is the session clock on arrival, None where
    nobody knows.
    """

    kind: str
    line: int
    receipt: Receipt
    item_id: str | None = None
    content_index: int = 0
    text: str = ""
    span_ms: tuple[float, float] | None = None
    sound_bytes: int = 0
    payload: Payload = field(default_factory=lambda: _NO_PAYLOAD)
    at_ms: float | None = None


@dataclass(slots=True)
class Log:
    """What a file held.  `unknown` counts the types that are not known here; `torn` is the line that ends too early."""

    events: list[Event] = field(default_factory=list)
    problems: LogProblems = field(default_factory=LogProblems)
    unknown: Counter[str] = field(default_factory=Counter)
    torn: int | None = None


def read_log(file: BinaryIO) -> Log:
    """Every event of a file, in its order."""
    log = Log()
    names: dict[str, str] = {}
    for line, value in _values(file, log):
        entries = value if isinstance(value, list) else (value,)
        for entry in entries:
            event = _event(entry, line, log, names)
            if event is not None:
                log.events.append(event)
    return log


# -- lines


def _values(file: BinaryIO, log: Log) -> Iterator[tuple[int, Any]]:
    """The JSON values of a file and their lines."""
    first = file.readline(MAX_LINE_BYTES + 1)
    if _ARRAY.match(first[:_PEEKED_BYTES].decode("utf-8-sig", "replace")):
        yield from _array((first + file.read()).decode("utf-8-sig", "replace"), log)
        return
    for number, line in enumerate(_lines(first, file), 1):
        if line is None:
            log.problems.add(f"line {number}: is longer than {MAX_LINE_BYTES:,} bytes, which no event is")
            continue
        text = line.decode("utf-8-sig" if number == 1 else "utf-8", "replace")
        if text.isspace():
            continue
        whole = text.endswith("\n")
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            if whole or not isinstance(error, json.JSONDecodeError):
                log.problems.add(f"line {number}: is not valid JSON ({json_problem(error)})")
            else:
                log.torn = number
            continue
        yield number, mended(value) if "\\u" in text and may_need_mending(text) else value


def _lines(line: bytes, file: BinaryIO) -> Iterator[bytes | None]:
    """`line` and those that follow it in a file; None for one that is too long, which is not held."""
    while line:
        if len(line) <= MAX_LINE_BYTES or line.endswith(b"\n"):
            yield line
        else:
            while line and not line.endswith(b"\n"):
                line = file.readline(MAX_LINE_BYTES)
            yield None
        line = file.readline(MAX_LINE_BYTES + 1)


_ARRAY = re.compile(r"\s*\[\s*(?:[{\]]|$)")
_PEEKED_BYTES = 1024
_SPACE = " \t\r\n"
_DECODER = json.JSONDecoder()


def _array(text: str, log: Log) -> Iterator[tuple[int, Any]]:
    """The items of a JSON array, one at a time; several arrays one after another do as well."""
    at, line, counted = 0, 1, 0
    inside = False
    while (at := _skip(text, at, _SPACE + ("," if inside else ""))) < len(text):
        line, counted = line + text.count("\n", counted, at), at
        if text[at] in "[]" and inside == (text[at] == "]"):
            inside = not inside
            at += 1
            continue
        try:
            value, end = _DECODER.raw_decode(text, at)
        except RecursionError:
            log.problems.add(f"line {line}: is not valid JSON (nested too deeply); what follows was not read")
            return
        except ValueError:
            if inside and _may_be_torn(text, at):
                log.torn = line
            else:
                log.problems.add(f"line {line}: is not valid JSON; what follows was not read")
            return
        yield line, mended(value) if may_need_mending(text[at:end]) else value
        at = end
    if inside:
        log.torn = line


def _skip(text: str, at: int, characters: str) -> int:
    while at < len(text) and text[at] in characters:
        at += 1
    return at


def _may_be_torn(text: str, at: int) -> bool:
    """Whether the item at `at` is the last of its array, and not the array's end but the text's stopped it."""
    return not text.rstrip().endswith("]") and "\n" not in text[at:].strip()


# -- events


def _event(entry: Any, line: int, log: Log, names: dict[str, str]) -> Event | None:
    """The event of an entry; None, with a problem, where there is none."""
    if not isinstance(entry, dict):
        log.problems.add(f"line {line}: is {kind_of(entry)}, not an event")
        return None
    event = entry.get("event", entry)
    if isinstance(event, str):
        event = _unquoted(event)
    if not isinstance(event, dict) or not isinstance(kind := event.get("type"), str):
        log.problems.add(f"line {line}: holds no event with a type")
        return None
    receipt = _receipt(entry, event, line, log)
    kind = GA_NAMES.get(kind, kind)
    if kind in TEXT_FRAGMENTS:
        return _text_fragment(kind, event, line, receipt, log, names)
    if kind in SOUND_FRAGMENTS:
        return _sound_fragment(kind, event, line, receipt, log, names)
    if kind in READ:
        payload, wrong = validated(Payload, event)
        for problem in wrong:
            log.problems.add(f"line {line}, {problem}")
        payload = payload or _NO_PAYLOAD
        return Event(kind, line, receipt, item_id=payload.item_id, payload=payload)
    if kind not in TELL_NOTHING:
        name = shown(kind)
        log.unknown[name if name in log.unknown or len(log.unknown) < _MOST_UNKNOWN else "other types"] += 1
    return Event(names.setdefault(kind, kind) if kind in TELL_NOTHING else "", line, receipt)


def _unquoted(text: str) -> Any:
    """An event that was logged as the message it came in."""
    try:
        return loads(text)
    except (ValueError, RecursionError):
        return None


def _receipt(entry: dict[str, Any], event: dict[str, Any], line: int, log: Log) -> Receipt:
    for holder in (entry, event):
        for name in TIME_FIELDS:
            if (value := holder.get(name)) is not None:
                receipt = read_receipt(name, value)
                if receipt is None:
                    log.problems.add(f"line {line}, {name}: is no time")
                    return NEVER
                return receipt
    return NEVER


def _text_fragment(
    kind: str, event: dict[str, Any], line: int, receipt: Receipt, log: Log, names: dict[str, str]
) -> Event | None:
    text, index = event.get("delta"), event.get("content_index")
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        log.problems.add(f"line {line}, delta: is {kind_of(text)}, not a text of reasonable length")
        return None
    item_id = _item_id(event, names)
    made = Event(kind, line, receipt, item_id, index if type(index) is int and 0 <= index <= 1000 else 0, text)
    if item_id is None:
        made.span_ms = _span_ms(event)
        if made.span_ms is None:
            log.problems.add(f"line {line}: {kind} tells neither an item nor a time")
            return None
    return made


def _item_id(event: dict[str, Any], names: dict[str, str]) -> str | None:
    """The item that an event is of; the same object for the same name, as fragments come by the thousand."""
    name = event.get("item_id")
    return names.setdefault(name, name) if isinstance(name, str) and 0 < len(name) <= 512 else None


_TRANSLATED_STEP_MS = 200.0


def _span_ms(event: dict[str, Any]) -> tuple[float, float] | None:
    """When a Live fragment is said; a translation's tells only the end of its step."""
    start, end, elapsed = (_time(event.get(name)) for name in ("start_ms", "end_ms", "elapsed_ms"))
    if start is not None and end is not None and start <= end:
        return start, end
    return None if elapsed is None else (max(0.0, elapsed - _TRANSLATED_STEP_MS), elapsed)


def _time(value: Any) -> float | None:
    return float(value) if type(value) in (int, float) and 0 <= value <= 1e12 else None


def _sound_fragment(
    kind: str, event: dict[str, Any], line: int, receipt: Receipt, log: Log, names: dict[str, str]
) -> Event | None:
    name = SOUND_FRAGMENTS[kind]
    sound = event.get(name) or ""  # many a page takes the sound out before it logs
    try:
        size = len(binascii.a2b_base64(sound, strict_mode=True))
    except (TypeError, ValueError):
        log.problems.add(f"line {line}, {name}: is no base64")
        return None
    made = Event(kind, line, receipt, _item_id(event, names), sound_bytes=size)
    response = event.get("response_id")
    made.text = names.setdefault(response, response) if isinstance(response, str) else ""
    return made
