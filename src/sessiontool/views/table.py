"""Lines that are wider than a terminal: where they end, and what of a table goes into its columns there.

Off a terminal a line is whole.  Widths are character cells, of which a CJK character takes two.
"""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING

from msgspec import Struct

from ..captioning.cell_width import cells, clusters

if TYPE_CHECKING:
    from collections.abc import Iterator

_GAP = 2
"""Character cells between two columns; chosen."""
_LEAST_LAST = 24
"""Character cells of a last column; chosen: the longest code of a finding fits.  A narrower one goes into lines of its
own."""
_BENEATH = 4
"""Character cells before these; chosen."""
_WORD = r" *[^ ]+"
_ARGUMENT = r" *(?:'[^']*'|[^ '])+"
"""A word of a shell, as `shlex.quote` writes it."""
_SEAM = frozenset("/-_.,:=&")
"""Behind these a word may be broken that is wider than a line."""


class Row(Struct, frozen=True):
    """A line of a table.

    `widths` are those of all columns but the last, which takes what is left; a negative one is flush right.
    """

    cells: tuple[str, ...]
    widths: tuple[int, ...]

    def __str__(self) -> str:
        """The whole row, in one line."""
        padded = map(_padded, self.cells, (*self.widths, 0))
        return (" " * _GAP).join(padded).rstrip()

    def folded(self, columns: int) -> list[str]:
        """The row in lines of at most so many cells: cells within their columns, and beneath them what has no room."""
        whole = str(self)
        if cells(whole) <= columns:
            return [whole]
        kept, used = 0, 0
        for width in map(abs, self.widths):
            if used + width > columns:
                break
            kept, used = kept + 1, used + width + _GAP
        widths, rest = self.widths[:kept], self.cells[kept:]
        if kept == len(self.widths) and columns - used >= _LEAST_LAST:
            widths, rest = (*widths, columns - used), ()
        pieces = [folded(text, abs(width)) for text, width in zip(self.cells, widths, strict=False)]
        lines = [str(Row(line, widths)) for line in zip_longest(*pieces, fillvalue="")]
        beneath = (" " * _GAP).join(filter(None, (text.strip() for text in rest)))
        return lines + (folded(" " * _BENEATH + beneath, columns, hang=_BENEATH) if beneath else [])


Line = str | Row


def folded(text: str, columns: int, *, hang: int = 0) -> list[str]:
    """A text in lines of at most so many cells that end at words; all but the first begin with `hang` spaces."""
    return _filled(re.findall(_WORD, text), columns, hang)


def folded_command(text: str, columns: int, *, hang: int) -> list[str]:
    """A line to type in several that a shell takes as one; no word of it is broken."""
    *lines, last = _filled(re.findall(_ARGUMENT, text), columns - 2, hang, breaks=False)
    return [*(f"{line} \\" for line in lines), last]


def _filled(words: list[str], columns: int, hang: int, *, breaks: bool = True) -> list[str]:
    lines, line = [], ""
    for word in words:
        if line.strip() and cells(line) + cells(word) > columns:
            lines.append(line)
            line, word = "", " " * hang + word.lstrip(" ")  # noqa: PLW2901 - the space is the line's end
        line += word
        while breaks and cells(line) > columns:
            head = _head(line, columns)
            lines.append(head)
            line = " " * hang + line[len(head) :]
    return [*lines, line]


def _head(line: str, columns: int) -> str:
    """As much of the beginning of a line as fits, to the last seam in its second half if there is one."""
    head = "".join(_fitting(line, columns))
    seam = max((at + 1 for at, char in enumerate(head) if char in _SEAM), default=0)
    return head[:seam] if seam > len(head) // 2 else head


def _fitting(line: str, columns: int) -> Iterator[str]:
    used = 0
    for cluster in clusters(line):
        used += cells(cluster)
        if used > columns:
            return
        yield cluster


def _padded(text: str, width: int) -> str:
    space = " " * (abs(width) - cells(text))
    return space + text if width < 0 else text + space
