"""A log in a format of its own, known by how it begins -> its value: XML, TOML, INI, ASS, SQL, a script."""

from __future__ import annotations

import re
from typing import Any

from .lenient import loads
from .literals import as_json

_JUDGED_CHARS = 4000
"""Characters by which a format is known; chosen: dumps and subtitles have a preamble."""
_MARKUP = r"\s*(?:<\?xml|<!--|<[A-Za-z][\w:.-]*(?:\s+[\w:.-]+\s*=\s*[\"']|\s*>))"
_SECTIONS = r"(?m)^\[[^\]\n{}\"']{1,80}\]{1,2}[ \t\r]*$"
_DUMP = r"(?mi)^\s*(?:INSERT\s+INTO|COPY)\s"
_SCRIPT = (
    r"\s*(?:export\s+default|(?:export\s+)?(?:(?:const|let|var)\s+)?[A-Za-z_$][\w$.]{0,60}\s*(?:=(?![=>])|\())"
    r"\s*(?=[\[{])"
)
"""How a script begins that gives a value a name, or a function."""


def value_of_other(text: str) -> Any:
    """The value of a text in a format that is not JSON, a table, captions or lines; None for these."""
    start = text[:_JUDGED_CHARS]
    if re.match(_MARKUP, start):
        from .markup import value_of_markup  # noqa: PLC0415 - each of these is rare

        return value_of_markup(text)
    if re.search(_SECTIONS, start):
        from .sections import value_of_sections  # noqa: PLC0415

        return value_of_sections(text)
    if re.search(_DUMP, start):
        from .dumps import value_of_dump  # noqa: PLC0415

        return value_of_dump(text)
    found = re.match(_SCRIPT, start)
    return _value_of_script(text[found.end() :]) if found else None


def _value_of_script(text: str) -> Any:
    try:
        return loads(as_json(text.rstrip(" \t\r\n;)")))
    except (ValueError, RecursionError):
        return None
