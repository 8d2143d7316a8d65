"""The marks of Markdown in a text, which a model writes and says nothing of, taken off.

What is between the marks stays, and numbers of lists do: they are said.  Marks count only where Markdown has them, so
`2 * 3`, `snake_case` and `C#` are left alone.
"""

from __future__ import annotations

import re

_LINES = (
    (re.compile(r"(?m)^[ \t]*(?:```|~~~)[^\n`]*$\n?"), ""),  # fences
    (re.compile(r"(?m)^[ \t]*(?:[-*_][ \t]*){3,}$\n?"), ""),  # rules
    (re.compile(r"(?m)^[ \t]{0,3}#{1,6}[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$"), r"\1"),
    (re.compile(r"(?m)^[ \t]*(?:>[ \t]?)+"), ""),
    (re.compile(r"(?m)^[ \t]*[-*+\u2022][ \t]+(?:\[[ xX]\][ \t]+)?(?=\S)"), ""),  # bullets, and boxes to tick
)
_INLINE = (
    (re.compile(r"!?\[([^\]\n]*)\]\((?:[^()\s]|\([^()\s]*\))*(?:\s+\"[^\"\n]*\")?\)"), r"\1"),
    (re.compile(r"(?<!`)(`{1,3})(?!`)(.+?)(?<!`)\1(?!`)"), r"\2"),
    (re.compile(r"\*{2,3}(?=\S)(.+?)(?<=\S)\*{2,3}", re.DOTALL), r"\1"),
    (re.compile(r"(?<!\w)_{2,3}(?=\S)(.+?)(?<=\S)_{2,3}(?!\w)", re.DOTALL), r"\1"),
    (re.compile(r"(?<![\w*\\])\*(?=[^\s*])(.+?)(?<=[^\s*\\])\*(?![\w*])"), r"\1"),
    (re.compile(r"(?<!\w)_(?=[^\s_])(.+?)(?<=[^\s_])_(?!\w)"), r"\1"),
    (re.compile(r"~~(?=\S)(.+?)(?<=\S)~~"), r"\1"),
    (re.compile(r"(?<!\w)\*{2}(?=\w)|(?<=\w)\*{2}(?!\w)"), ""),  # of what was cut off in between
    (re.compile(r"\\([\\`*_{}\[\]()#+.!~>-])"), r"\1"),
)
_MARKS = re.compile(r"[*_`#>~\[\\\u2022-]")


def without_marks(text: str) -> str:
    """`text` without the marks of Markdown, its lines as they are."""
    if not _MARKS.search(text):
        return text
    for pattern, instead in (*_LINES, *_INLINE):
        text = pattern.sub(instead, text)
    return text
