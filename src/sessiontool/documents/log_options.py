"""What a person says of a log that nothing in it tells: the table `[log]` of the settings.

[log]
text = "body.said"            # the field of the text; a dot goes into an object
role = "who"
start = ["from_ms", "from"]   # several names: the first that is there
unit = "ms"
zone = "Europe/Berlin"
roles = { Kundin = "user", Berater = "assistant" }
"""

from __future__ import annotations

import re
from datetime import UTC, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..options import LogOptions
from .moments import MS, NS, US, S

if TYPE_CHECKING:
    from collections.abc import Mapping

FIELDS = ("text", "role", "start", "end", "duration", "arrived", "id", "final", "language")
"""What of an entry a field can be named for."""

UNITS = {"s": S, "ms": MS, "us": US, "ns": NS}
ROLES = ("user", "assistant")
_MOST_CHARS = 200
"""Characters of a setting; chosen: names of fields and zones are shorter."""
_EXAMPLE = 'a line of it reads: text = "body", unit = "ms" or roles = { Agent = "assistant" }'


def log_options(table: Mapping[str, Any], where: str = "[log]") -> LogOptions:
    """The options that a table says (UsageError that names the key)."""
    known = (*FIELDS, "unit", "zone", "roles", "speaker")
    if wrong := [name for name in table if name not in known]:
        raise UsageError(f"{where}: there is no key {wrong[0]!r}", hint=f"its keys are {', '.join(known)}")
    fields = {name: _names(table[name], f"{where}: {name}") for name in FIELDS if name in table}
    speaker = table.get("speaker", "")
    if speaker not in ("", *ROLES):
        raise UsageError(f"{where}: speaker must be user or assistant, not {speaker!r}", hint=_EXAMPLE)
    return LogOptions(
        tuple(fields.items()),
        _unit(table["unit"], f"{where}: unit") if "unit" in table else None,
        _zone(table["zone"], f"{where}: zone") if "zone" in table else None,
        tuple(_roles(table.get("roles", {}), f"{where}: roles").items()),
        speaker,
    )


def _names(value: Any, where: str) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else value
    is_right = isinstance(names, (list, tuple)) and names
    if not is_right or not all(isinstance(one, str) and 0 < len(one) <= _MOST_CHARS for one in names):
        raise UsageError(f"{where} must name a field, or be a list of such names", hint=_EXAMPLE)
    return tuple(names)


def _unit(value: Any, where: str) -> float:
    if value not in UNITS:
        raise UsageError(f"{where} must be one of {', '.join(UNITS)}, not {value!r}", hint=_EXAMPLE)
    return UNITS[value]


def _zone(value: Any, where: str) -> tzinfo:
    """A zone by its name in the time zone database, or as an offset."""
    if not isinstance(value, str):
        raise UsageError(f"{where} must be a text", hint='such as zone = "Europe/Berlin" or zone = "+02:00"')
    if value.upper() in {"UTC", "Z"}:
        return UTC
    if found := re.fullmatch(r"([+-])(\d\d):?(\d\d)", value, re.ASCII):
        offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
        if offset < timedelta(hours=24):
            return timezone(-offset if found[1] == "-" else offset)
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - few have a zone in their settings

    try:
        return ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:  # of a name that is unknown, or none
        raise UsageError(
            f"{where}: there is no zone {value[:_MOST_CHARS]!r}", hint="such as Europe/Berlin, or +02:00"
        ) from error


def _roles(value: Any, where: str) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(name, str) and role in ROLES for name, role in value.items()):
        raise UsageError(
            f"{where} must map names to user or assistant", hint='such as roles = { Anna = "user", Bot = "assistant" }'
        )
    return dict(value)
