"""Times as other people's logs write them: any value in, a moment and the clock that it is on out.

A number may count seconds, milliseconds, micro- or nanoseconds, from the start of the page or since 1970; a text may be
a number, an instant (RFC 3339, RFC 2822, or as a browser writes dates), a time of day, or a position `H:MM:SS`.  What
a value alone cannot tell is decided for the log as a whole (`log_clock`).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any, Literal

from msgspec import Struct

S, MS, US, NS = 1000.0, 1.0, 0.001, 0.000_001
"""What a number of this unit is worth in milliseconds (ms), by definition."""

TICKS = 0.000_1
"""The same of .NET's ticks in ms: a microsecond has ten, by definition."""

EPOCH_MS, EPOCH_US, EPOCH_NS = 1e11, 1e14, 1e17
"""Chosen: from here on a number can only be one of that unit since 1970; in milliseconds that is the year 1973."""
_LARGEST = 1e19
"""Units of any clock; chosen: nanoseconds since 1970 are less until the year 2286."""
DAY_MS = 86_400_000.0
"""By definition."""
_MOST_CHARS = 80
"""Characters of a time as text; chosen: the longest known form has 40."""

MomentClock = Literal["bare", "session", "epoch", "naive", "day", "count"]


class Moment(Struct, frozen=True):
    """A time as noted.

    `clock` is `bare` (a number, probably of `unit_ms`, on the page's clock or in seconds since 1970), `session`
    (milliseconds of the session clock), `epoch` (milliseconds since 1970), `naive` (the same of a local time without
    its zone), `day` (milliseconds since a local midnight) or `count` (the same, or of the session clock).
    """

    value: float
    clock: MomentClock
    unit_ms: float = S


def read_moment(value: Any, unit_ms: float = S) -> Moment | None:
    """The moment that a value names, None where it names none; `unit_ms` is what a plain number counts, probably."""
    if isinstance(value, dict):
        return _of_object(value, unit_ms)
    if isinstance(value, str):
        return _of_text(" ".join(value[: _MOST_CHARS + 1].split()), unit_ms)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) >= _LARGEST or not isfinite(value):
        return None
    return _of_number(float(value), unit_ms)


def _of_number(value: float, unit_ms: float) -> Moment | None:
    for least, factor in ((EPOCH_NS, NS), (EPOCH_US, US), (EPOCH_MS, MS)):
        if value >= least:
            return Moment(value * factor, "epoch")
    return Moment(value, "bare", unit_ms) if value > -EPOCH_MS else None


def _of_object(value: dict[str, Any], unit_ms: float) -> Moment | None:
    """MongoDB's `{"$date": …}`, and the seconds and nanoseconds of protocol buffers and Firestore."""
    for name in ("$date", "$numberLong", "$numberDouble"):
        if name in value and not isinstance(value[name], dict):
            return read_moment(value[name], unit_ms)
        if name in value and len(value[name]) == 1:
            return read_moment(next(iter(value[name].values())), unit_ms)
    if "relative" in value and not isinstance(value["relative"], dict):
        return read_moment(value["relative"], unit_ms)  # beside the same in words
    seconds, nanos = (value.get(a, value.get(b)) for a, b in (("seconds", "_seconds"), ("nanos", "_nanoseconds")))
    if type(seconds) is int and type(nanos) in (int, type(None)):
        return read_moment(seconds + (nanos or 0) / 1e9, S)
    return None


def _of_text(text: str, unit_ms: float) -> Moment | None:
    if not text or len(text) > _MOST_CHARS:
        return None
    if found := re.fullmatch(_NUMBER, text):
        unit = {"": unit_ms, "s": S, "sec": S, "ms": MS, "us": US, "\u00b5s": US, "ns": NS}[found[2] or ""]
        number = float(found[1].replace(",", "."))
        if found[2]:
            return Moment(number * unit, "session") if isfinite(number) else None
        return read_moment(number, unit)
    if found := re.fullmatch(_COUNT, text):
        return _of_count(found)
    if found := re.fullmatch(_DURATION, text):
        hours, minutes, seconds = (float((one or "0").replace(",", ".")) for one in found.groups())
        return Moment(((hours * 60 + minutes) * 60 + seconds) * 1000, "session")
    return _of_instant(text)


# Compiled by `re` where a time is a text: what recorders write are numbers, and all of these take a millisecond.
_DURATION = r"(?a)PT(?=\d)(?:(\d{1,4})H)?(?:(\d{1,6})M)?(?:(\d{1,9}(?:[.,]\d{1,12})?)S)?"
"""ISO 8601, as Azure's batch transcription has it."""
_NUMBER = r"(?a)([+-]?\d{1,19}(?:[.,]\d{0,12})?(?:[eE][+-]?\d{1,2})?)\s?(s|sec|ms|us|\u00b5s|ns)?"
_COUNT = r"(?ai)(-)?(?:(\d{1,3}):)?(\d{1,2}):(\d{2})(?:[.,](\d{1,9}))?\s*(?:([ap])\.?\s?m\.?)?(z)?"


def _of_count(found: re.Match[str]) -> Moment | None:
    """`H:MM:SS.mmm` or `MM:SS`; with AM or PM it is a time of day, and then two numbers are hours and minutes."""
    sign, hours, minutes, seconds, fraction, half, _ = found.groups()
    if half and hours is None:
        hours, minutes, seconds = minutes, seconds, "0"
    if (int(minutes) > 59 and hours is not None) or int(seconds) > 59:
        return None
    whole = (int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)
    ms = whole * 1000.0 + (float(f"0.{fraction}") * 1000 if fraction else 0.0)
    if half:
        if int(hours or 0) > 12:
            return None
        ms = ms % (DAY_MS / 2) + (DAY_MS / 2 if half.lower() == "p" else 0.0)
        return Moment(ms, "day")
    return Moment(-ms if sign else ms, "count")


# -- instants


def _of_instant(text: str) -> Moment | None:
    moment = _parsed(text)
    if moment is None:
        return None
    try:
        if moment.tzinfo is None:
            return Moment(moment.replace(tzinfo=UTC).timestamp() * 1000, "naive")
        return Moment(moment.timestamp() * 1000, "epoch")
    except (ValueError, OverflowError):
        return None


def _parsed(text: str) -> datetime | None:
    for parse in (_of_iso, _of_browser, _of_mail):
        try:
            moment = parse(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        if moment is not None:
            return moment
    return None


def _of_mail(text: str) -> datetime | None:
    """RFC 2822."""
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - rare, and it loads calendars and character sets

    return parsedate_to_datetime(text)


def _of_iso(text: str) -> datetime | None:
    """RFC 3339, with the comma that loggers write, or with `UTC` behind it."""
    plain = re.sub(r"(\d),(\d)", r"\1.\2", text.replace("/", "-"), count=1)
    plain = re.sub(r"\s*(?:UTC|GMT)$", "+00:00", plain)
    if not re.match(r"\d{4}-?\d\d-?\d\d[T ]?\d", plain):
        return None
    return datetime.fromisoformat(re.sub(r"\s+(?=[+-]\d\d:?\d\d$)", "", plain))


_BROWSER = (
    r"(?ai)(\d{1,4})([./-])(\d{1,2})\2(\d{2,4}),?\s+(\d{1,2}):(\d\d)"
    r"(?::(\d\d)(?:[.,](\d{1,6}))?)?\s*(?:([ap])\.?m\.?)?"
)
_WORDS = r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d\d) (\d{4}) (\d\d:\d\d:\d\d) GMT([+-]\d{4})(?: \(.*\))?"


def _of_browser(text: str) -> datetime | None:
    """What `toLocaleString()` and `toString()` of JavaScript write; a date with slashes has the month first."""
    if found := re.fullmatch(_WORDS, text):
        return datetime.strptime(" ".join(found.groups()), "%b %d %Y %H:%M:%S %z")
    found = re.fullmatch(_BROWSER, text)
    if found is None:
        return None
    first, mark, second, year, hour, minute, seconds, fraction, half = found.groups()
    day, month = (second, first) if mark == "/" and (half or int(first) <= 12) else (first, second)
    if mark == "/" and int(second) > 12 >= int(first):
        day, month = second, first
    hours = int(hour) % 12 + (12 if half.lower() == "p" else 0) if half else int(hour)
    moment = datetime(int(year) + (2000 if len(year) == 2 else 0), int(month), int(day), hours, int(minute))
    return moment + timedelta(seconds=float(f"{seconds or 0}.{fraction or 0}"))


def epoch_ms(text: str) -> float | None:
    """Milliseconds since 1970 of an instant in words (UTC where no zone is named), None where it is none."""
    moment = _of_instant(text.strip()) if len(text) <= _MOST_CHARS else None
    return None if moment is None else moment.value


_PREFIXED = (
    r"(?a)\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:\s?(?:Z|UTC|[+-]\d\d:?\d\d)(?![\w:]))?"
    r"|\d{1,2}:\d\d:\d\d(?:[.,]\d{1,9})?(?:\s?[AaPp]\.?[Mm]\b)?"
    r"|\b\d{10,19}(?:\.\d{1,9})?\b"
)


def moment_in(text: str) -> str:
    """The first time that is written somewhere in a text, as in the prefix of a logger; empty where there is none."""
    found = re.search(_PREFIXED, text[:_MOST_CHARS])
    return found[0] if found else ""
