"""Fields as loggers write them in a line: `time=… role=user text="…"`, and as forms are sent: `role=user&text=…`."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from .field_names import ARRIVED
from .moments import moment_in
from .texts import plain, text_fields

_FIELD = r"(?:^|(?<=\s))([A-Za-z_@][\w.@-]{0,40})=(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\S*)"
_FORM = r"[\w.%-]+=[^\s&]*(?:&[\w.%-]+=[^\s&]*)+"
_MOST_CHARS = 20_000
"""Characters of a line; chosen: more is no utterance."""


def fields_in(line: str) -> dict[str, Any]:
    """The fields of a line, with the time before them; none where no field has a text."""
    if len(line) > _MOST_CHARS:
        return {}
    if re.fullmatch(_FORM, line):
        fields: dict[str, Any] = dict(parse_qsl(line))
    else:
        found = list(re.finditer(_FIELD, line))
        fields = {one[1]: _value(one[2]) for one in found}
        time = moment_in(line[: found[0].start()]) if found else ""
        if time and not any(plain(name) in ARRIVED for name in fields):
            fields["timestamp"] = time
    return fields if any(True for _ in text_fields(fields)) and len(fields) > 1 else {}


def _value(written: str) -> str:
    if len(written) > 1 and written[0] in "\"'" and written[0] == written[-1]:
        return re.sub(r"\\(.)", r"\1", written[1:-1])
    return written
