"""What a terminal gets beyond the plain text: lines that end at words, and a colour for what needs a look.

Off a terminal nothing is changed, so that programs find each line whole.
"""

from __future__ import annotations

import os
import re
from itertools import chain
from typing import IO, TYPE_CHECKING

from ..views.table import Row, folded, folded_command

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..views.table import Line

_FACT = r"  [a-z][a-z0-9 ]{0,9} {2,}|  (?=\S)"
"""The name of a fact before its value, or the indent of a finding."""
_TO_TYPE = r"(?:  [a-z ]+:? +|again: )(?=sessiontool )"
"""What is before a line to type."""
_COLOURS = {
    r"(?:^|(?<=  ))(?:error:|✗|failed)(?= )|(?<=: )FAILED\b": "31",
    r"(?:^|(?<=  ))(?:warning:|!)(?= )|(?<=: )partial\b|\b(?:partial|stale)(?=  )": "33",
    r"^hint:|(?<=: )(?:complete|repaired)\b": "2",
}
"""Colours of ECMA-48 (red, yellow, faint) by what they are for."""
_COLUMNS, _LEAST_COLUMNS = 80, 40
"""Character cells where a terminal does not say how wide it is, and at least; chosen: below, wrapping is of no use."""


_is_coloured = False
_given_columns = 0
"""Character cells; chosen by the variable COLUMNS, 0 where it is not set."""


def use_environment(environment: Mapping[str, str]) -> None:
    """From now on terminals have the width and the colours that the environment says (https://no-color.org)."""
    global _is_coloured, _given_columns  # noqa: PLW0603 - as there is one terminal
    _is_coloured = not environment.get("NO_COLOR") and environment.get("TERM", "") not in {"", "dumb"}
    columns = environment.get("COLUMNS", "")
    _given_columns = int(columns) if columns.isdecimal() and len(columns) < 5 else 0


def for_terminal(line: Line, stream: IO[str]) -> Iterator[str]:
    """A line, or a text of several, as `stream` is to get it."""
    if not stream.isatty():
        yield printable(str(line))
        return
    columns = max(_LEAST_COLUMNS, _columns(stream))
    if isinstance(line, Row):
        pieces = Row(tuple(map(printable, line.cells)), line.widths).folded(columns)
    else:
        pieces = list(chain.from_iterable(_wrapped(one, columns) for one in printable(line).split("\n")))
    yield from map(_coloured, pieces) if _is_coloured else pieces


def _columns(stream: IO[str]) -> int:
    """How wide the terminal of `stream` is, which need not be that of stdout."""
    try:
        return _given_columns or os.get_terminal_size(stream.fileno()).columns or _COLUMNS
    except OSError:
        return _COLUMNS


def printable(text: str) -> str:
    """`text` without what a terminal would act on."""
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)


def _wrapped(line: str, columns: int) -> list[str]:
    if len(line) <= columns // 2:  # whatever its characters are
        return [line]
    if to_type := re.match(_TO_TYPE, line):
        return folded_command(line, columns, hang=to_type.end())
    fact = re.match(_FACT, line)
    hang = fact.end() if fact and fact.end() > 2 else len(line) - len(line.lstrip()) + 4
    return folded(line, columns, hang=min(hang, columns // 2))


def _coloured(line: str) -> str:
    for pattern, code in _COLOURS.items():
        line = re.sub(pattern, f"\x1b[{code}m\\g<0>\x1b[0m", line)
    return line
