"""Texts in sections -> plain values: TOML, INI, and the events of subtitles in SSA and ASS."""

from __future__ import annotations

import re
from typing import Any

_TOML = r"(?m)^\[\[[\w.\"-]+\]\][ \t\r]*$"
_SECTION = r"(?m)^\[[^\]\n\[\]]{1,80}\][ \t\r]*\n[ \t]*[\w.-]+[ \t]*[=:]"
_EVENTS = r"(?mis)^\[Events\][ \t\r]*\n(?P<lines>.*?)(?:^\[|\Z)"
_OVERRIDE = r"\{[^{}]*\}"
"""What styles a part of a line of ASS."""
_BREAK = r"\\[Nnh]"


def value_of_sections(text: str) -> Any:
    """The value of such a text, None where it is none."""
    if found := re.search(_EVENTS, text):
        return list(_of_events(found["lines"]))
    if re.search(_TOML, text):
        return _of_toml(text)
    return _of_ini(text) if re.search(_SECTION, text) else None


def _of_toml(text: str) -> Any:
    import tomllib  # noqa: PLC0415 - few logs are TOML

    try:
        return tomllib.loads(text.replace("\r\n", "\n"))
    except (tomllib.TOMLDecodeError, RecursionError):
        return None


def _of_ini(text: str) -> Any:
    import configparser  # noqa: PLC0415 - few logs are INI

    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return None
    return [dict(parser[name]) for name in parser.sections()]


def _of_events(lines: str) -> Any:
    """The lines of dialogue of ASS, by the names that its line of `Format` has."""
    names: list[str] = []
    for line in lines.splitlines():
        kind, _, rest = line.partition(":")
        if kind.strip() == "Format":
            names = [name.strip() for name in rest.split(",")]
        elif kind.strip() == "Dialogue" and names:
            cells = [cell.strip() for cell in rest.split(",", len(names) - 1)]
            fields = {name: cell for name, cell in zip(names, cells, strict=False) if cell}
            text = re.sub(_BREAK, " ", re.sub(_OVERRIDE, "", fields.get("Text", "")))
            kept = {name: fields[name] for name in ("Start", "End", "Name", "Actor") if name in fields}
            yield {**kept, "Text": text}
