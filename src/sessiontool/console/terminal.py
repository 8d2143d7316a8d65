"""What a terminal gets beyond the plain text: lines that end at words, and a colour for what needs a look.

Off a terminal nothing is changed, so that programs find each line whole.
"""

from __future__ import annotations

import re
import shutil
import textwrap
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FACT = re.compile(r"  [a-z][a-z0-9 ]{0,9} {2,}|  (?=\S)")
"""The name of a fact before its value, or the indent of a finding."""
_COLOURS = {
    re.compile(r"(?:^|(?<=  ))(?:error:|✗|failed)(?= )|(?<=: )FAILED\b"): "31",
    re.compile(r"(?:^|(?<=  ))(?:warning:|!)(?= )|(?<=: )partial\b|\b(?:partial|stale)(?=  )"): "33",
    re.compile(r"^hint:|(?<=: )(?:complete|repaired)\b"): "2",
}
"""Colours of ECMA-48 (red, yellow, faint) by what they are for."""
_LEAST_COLUMNS = 40
"""Character cells; chosen: below that, wrapping is of no use."""


_is_coloured = False


def use_colours(environment: Mapping[str, str]) -> None:
    """From now on terminals get colours, unless the environment has them off: https://no-color.org, or a plain one."""
    global _is_coloured  # noqa: PLW0603 - as there is one terminal
    _is_coloured = not environment.get("NO_COLOR") and environment.get("TERM", "") not in {"", "dumb"}


def for_terminal(text: str, stream: IO[str]) -> Iterator[str]:
    """The lines of a text as `stream` is to get them."""
    if not stream.isatty():
        yield text
        return
    columns = max(_LEAST_COLUMNS, shutil.get_terminal_size().columns)
    for line in text.split("\n"):
        for piece in _wrapped(line, columns):
            yield _coloured(piece) if _is_coloured else piece


def _wrapped(line: str, columns: int) -> list[str]:
    if len(line) <= columns:
        return [line]
    fact = _FACT.match(line)
    indent = " " * (fact.end() if fact and fact.end() > 2 else len(line) - len(line.lstrip()) + 4)
    made = textwrap.wrap(line, columns, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False,
                         drop_whitespace=True, expand_tabs=False, replace_whitespace=False)  # fmt: skip
    return made or [line]


def _coloured(line: str) -> str:
    for pattern, code in _COLOURS.items():
        line = pattern.sub(f"\x1b[{code}m\\g<0>\x1b[0m", line)
    return line
