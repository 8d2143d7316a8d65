"""Times in names of files: seconds, milliseconds, microseconds or nanoseconds since 1970, or ISO 8601."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_FRACTION = r"[.,_]([0-9]{1,9})|-([0-9]{1,9})(?=Z)|-([0-9]{3})(?![0-9:])"
"""`-` is what `toISOString().replace(/[:.]/g, "-")` makes of a point."""
_PARTS = (
    r"((?:19|20)[0-9]{2})-?([0-9]{2})-?([0-9]{2})[T_ -]?([0-9]{2})[:._-]?([0-9]{2})[:._-]?([0-9]{2})"
    rf"(?:{_FRACTION})?(Z|[+-][0-9]{{2}}:?[0-9]{{2}})?"
)
TIME = re.sub(r"\((?!\?)", "(?:", _PARTS) + "|[0-9]{9,19}"
"""A pattern of such times, without groups."""
_FOLDERS = ("%M", "%H", "%d", "%H%M", "%d%H", "%m%d", "%Y%m%d", "%Y%m%d%H", "%Y%m%d%H%M")
_UNITS_US = ((10, 1_000_000, 1), (13, 1_000, 1), (16, 1, 1), (19, 1, 1_000))
"""By definition: most digits of a number, and what it is multiplied and divided by for us; 10 digits of seconds end
in 2286."""


def microseconds(text: str) -> int:
    """Microseconds since 1970, of what fits `TIME`; UTC where no zone is named."""
    if text.isdecimal() and (len(text) != len("20261128101112") or (moment := _moment(text)) is None):
        return next(int(text) * times // by for digits, times, by in _UNITS_US if len(text) <= digits)
    moment = _moment(text)
    return 0 if moment is None else (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _moment(text: str) -> datetime | None:
    found = re.fullmatch(_PARTS, text)
    if found is None:
        return None
    fraction = int((found[7] or found[8] or found[9] or "0").ljust(6, "0")[:6])
    try:
        return datetime(*map(int, found.groups()[:6]), fraction, tzinfo=_zone(found[10]))  # type: ignore[arg-type, misc]
    except ValueError:  # a 14th month
        return None


def _zone(text: str | None) -> timezone:
    if text in {None, "Z"}:
        return UTC
    digits = str(text)[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if str(text)[0] == "-" else offset)


def moments_in(time_us: int) -> set[str]:
    """What folders for minutes, hours or days are named at a time, in digits alone."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)
    return {moment.strftime(form) for form in _FOLDERS}
