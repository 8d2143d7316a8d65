"""Reads a log of events, a line at a time: bytes in, events out, and what was wrong with which line.

The steps: bytes to values (`lines`), values to events (`wrappers`), fields to receive times (`timestamps`).  Nothing in
a log is fatal: what cannot be read is named by its line and left out, and events of unknown types are counted.

Not here: what the events mean (`conversation`).
"""

from __future__ import annotations

import binascii
from collections import Counter
from typing import TYPE_CHECKING, Any, BinaryIO

from msgspec import Struct, field
from msgspec.structs import replace

from ..documents.encoding_findings import TextDamage
from ..documents.lenient import LogProblems, kind_of, shown, validated
from ..documents.typed_values import without_types
from ..documents.utf8_damage import held_in
from ..options import LogOptions
from .conversation import TRANSLATED_STEP_MS
from .event import NO_PAYLOAD, Event
from .event_table import EventTable
from .event_types import GA_NAMES, READ, SOUND_FRAGMENTS, TELL_NOTHING, TEXT_FRAGMENTS
from .lines import LineReader
from .payloads import MAX_TEXT, Payload
from .timestamps import received_at
from .wrappers import events_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..documents.moments import Moment
    from .lines import LoggedValue
    from .wrappers import Carried

_MOST_UNKNOWN = 1000
"""Kinds of events that are counted by name; chosen: a log of anything may have a new one in each line."""
_DEFAULT_OPTIONS = LogOptions()
NO_DAMAGE = TextDamage()
_TELLING = ("item_id", "response_id", "delta", "audio", "transcript", "text", "audio_start_ms", "audio_end_ms")
"""The fields by which two events of one id are distinguished."""


class Log(Struct):
    """What a file held.

    `unknown` counts the types that are not known here; `torn` is the line that ends too early.  Of `values` JSON values
    `empty` hold no event; `keys` counts their fields.  `broken` counts the lines that hold no value.  `damage` is what
    of the text was lost.  `sound` are the files that sound is kept in, by the fields that it comes in.
    """

    events: EventTable = field(default_factory=EventTable)
    problems: LogProblems = field(default_factory=LogProblems)
    unknown: Counter[str] = field(default_factory=Counter)
    torn: int | None = None
    values: int = 0
    broken: int = 0
    empty: int = 0
    keys: Counter[str] = field(default_factory=Counter)
    encoding: str = "utf-8"
    damage: TextDamage = NO_DAMAGE
    sound: Mapping[str, BinaryIO] = field(default_factory=dict)


def read_log(
    file: BinaryIO, options: LogOptions = _DEFAULT_OPTIONS, sound: Mapping[str, BinaryIO] | None = None
) -> Log:
    """Every event of a file, in its order; `options` may name the field of the receive time, and its unit.

    What sound the events carry in a field (`audio`, `delta`) is appended to its file of `sound`, where it has one.
    """
    log = Log(sound=sound or {})
    reader = LineReader(file, log.problems)
    names: dict[str, str] = {}
    seen: dict[int, int] = {}
    for line in reader.values():
        log.values += 1
        found = list(events_of(line.value)) or list(events_of(without_types(line.value)))
        if not found:
            _say_none(line, log)
        for carried in found:
            if not _is_repeated(carried.event, seen):
                event = _event(carried.event, line.number, _receipt(carried, line, options, log), log, names)
                if event is not None:
                    log.events.append(event)
    log.torn, log.encoding, log.broken = reader.torn, reader.encoding, reader.broken
    log.damage = replace(reader.damage, halves=reader.damage.halves + _halves_between(log.events.without_sound()))
    return log


def _halves_between(events: Sequence[Event]) -> int:
    """How many characters of texts in pieces are there by half, with no piece that has the other."""
    texts: dict[tuple[str, str | None, int], str] = {}
    for event in events:
        if event.text and not event.text.isascii() and held_in(event.text):
            place = (event.kind, event.item_id, event.content_index)
            texts[place] = texts.get(place, "") + event.text
    return sum(map(held_in, texts.values()))


def _say_none(line: LoggedValue, log: Log) -> None:
    log.empty += 1
    if isinstance(line.value, dict):
        log.keys.update(name for name in line.value if len(log.keys) < _MOST_UNKNOWN or name in log.keys)
    is_object = isinstance(line.value, (dict, list))
    what = "holds no event with a type" if is_object else f"is {kind_of(line.value)}, not an event"
    log.problems.add(f"line {line.number}: {what}")


def _is_repeated(event: dict[str, Any], seen: dict[int, int]) -> bool:
    """Whether an event was there before: one of its id, with the same content; `seen` has the hashes of both."""
    name, kind = event.get("event_id"), event["type"]
    if not isinstance(name, str) or not 0 < len(name) <= 512:
        return False
    telling = (event.get(one) for one in _TELLING)
    content = hash(tuple(one for one in telling if isinstance(one, (str, int, float))))
    place = hash((name, kind))
    if place in seen:
        return seen[place] == content
    seen[place] = content
    return False


def _receipt(carried: Carried, line: LoggedValue, options: LogOptions, log: Log) -> Moment | None:
    """When an event was received: by its wrappers, the innermost first, by its line's prefix, or by itself."""
    prefix = ({"t": line.time},) if line.time else ()
    receipt, wrong = received_at((*carried.holders[::-1], *prefix, carried.event), options)
    if receipt is None and wrong:
        log.problems.add(f"line {line.number}, {shown(wrong)}: is no time")
    return receipt


# -- events


def _event(event: dict[str, Any], line: int, receipt: Moment | None, log: Log, names: dict[str, str]) -> Event | None:
    """An event as it is kept; None, with a problem, where it is none."""
    kind = GA_NAMES.get(event["type"], event["type"])
    if kind in TEXT_FRAGMENTS:
        return _text_fragment(kind, event, line, receipt, log, names)
    if kind in SOUND_FRAGMENTS:
        return _sound_fragment(kind, event, line, receipt, log, names)
    if kind in READ:
        payload, problems = validated(Payload, event)
        for problem in problems:
            log.problems.add(f"line {line}, {problem}")
        payload = payload or NO_PAYLOAD
        return Event(kind, receipt, item_id=payload.item_id, payload=payload)
    if kind not in TELL_NOTHING:
        name = shown(kind)
        log.unknown[name if name in log.unknown or len(log.unknown) < _MOST_UNKNOWN else "other types"] += 1
    return Event(names.setdefault(kind, kind) if kind in TELL_NOTHING else "", receipt)


def _text_fragment(
    kind: str, event: dict[str, Any], line: int, receipt: Moment | None, log: Log, names: dict[str, str]
) -> Event | None:
    text, index = event.get("delta"), event.get("content_index")
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        log.problems.add(f"line {line}, delta: is {kind_of(text)}, not a text of reasonable length")
        return None
    item_id = _item_id(event, names)
    made = Event(kind, receipt, item_id, index if type(index) is int and 0 <= index <= 1000 else 0, text)
    if item_id is None:
        made.span_ms = _span_ms(event)
        if made.span_ms is None and receipt is None:
            log.problems.add(f"line {line}: {kind} tells neither an item nor a time")
            return None
    return made


def _item_id(event: dict[str, Any], names: dict[str, str]) -> str | None:
    """The item that an event is of; the same object for the same name, as fragments come by the thousand."""
    name = event.get("item_id")
    return names.setdefault(name, name) if isinstance(name, str) and 0 < len(name) <= 512 else None


def _span_ms(event: dict[str, Any]) -> tuple[float, float] | None:
    """When a Live fragment is said; a translation's tells only the end of its step."""
    start, end, elapsed = (_time(event.get(name)) for name in ("start_ms", "end_ms", "elapsed_ms"))
    if start is not None and end is not None and start <= end:
        return start, end
    return None if elapsed is None else (max(0.0, elapsed - TRANSLATED_STEP_MS), elapsed)


def _time(value: Any) -> float | None:
    return float(value) if type(value) in (int, float) and 0 <= value <= 1e12 else None


def _sound_fragment(
    kind: str, event: dict[str, Any], line: int, receipt: Moment | None, log: Log, names: dict[str, str]
) -> Event | None:
    name = SOUND_FRAGMENTS[kind]
    sound = event.get(name) or ""  # many a page takes the sound out before it logs
    try:
        data = binascii.a2b_base64(sound, strict_mode=True)
    except (TypeError, ValueError):
        log.problems.add(f"line {line}, {name}: is no base64")
        return None
    made = Event(kind, receipt, _item_id(event, names), sound_bytes=len(data))
    made.span_ms = _span_ms(event)
    if (kept := log.sound.get(name)) is not None:
        made.sound_at = kept.tell()
        kept.write(data)
    response = event.get("response_id")
    made.text = names.setdefault(response, response) if isinstance(response, str) else ""
    return made
