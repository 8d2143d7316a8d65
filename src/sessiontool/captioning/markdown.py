"""The marks of Markdown in a text, which a model writes and says nothing of, taken off.

What is between the marks stays, and numbers of lists do: they are said.  Marks count only where Markdown has them, so
`2 * 3`, `snake_case` and `C#` are left alone.
"""

from __future__ import annotations

import re

# Compiled by `re` where a text has marks: most have none, and all of these take a millisecond of each start.
_LINES = (
    (r"(?m)^[ \t]*(?:```|~~~)[^\n`]*$\n?", ""),  # fences
    (r"(?m)^[ \t]*(?:[-*_][ \t]*){3,}$\n?", ""),  # rules
    (r"(?m)^[ \t]{0,3}#{1,6}[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$", r"\1"),
    (r"(?m)^[ \t]*(?:>[ \t]?)+", ""),
    (r"(?m)^[ \t]*[-*+\u2022][ \t]+(?:\[[ xX]\][ \t]+)?(?=\S)", ""),  # bullets, and boxes to tick
)
_INLINE = (
    (r"!?\[([^\]\n]*)\]\((?:[^()\s]|\([^()\s]*\))*(?:\s+\"[^\"\n]*\")?\)", r"\1"),
    (r"(?<!`)(`{1,3})(?!`)(.+?)(?<!`)\1(?!`)", r"\2"),
    (r"(?s)\*{2,3}(?=\S)(.+?)(?<=\S)\*{2,3}", r"\1"),
    (r"(?s)(?<!\w)_{2,3}(?=\S)(.+?)(?<=\S)_{2,3}(?!\w)", r"\1"),
    (r"(?<![\w*\\])\*(?=[^\s*])(.+?)(?<=[^\s*\\])\*(?![\w*])", r"\1"),
    (r"(?<!\w)_(?=[^\s_])(.+?)(?<=[^\s_])_(?!\w)", r"\1"),
    (r"~~(?=\S)(.+?)(?<=\S)~~", r"\1"),
    (r"(?<!\w)\*{2}(?=\w)|(?<=\w)\*{2}(?!\w)", ""),  # of what was cut off in between
    (r"\\([\\`*_{}\[\]()#+.!~>-])", r"\1"),
)
_MARKS = "*_`#>~[\\\u2022-"


def without_marks(text: str) -> str:
    """`text` without the marks of Markdown, its lines as they are."""
    if not any(mark in text for mark in _MARKS):
        return text
    for pattern, instead in (*_LINES, *_INLINE):
        text = re.sub(pattern, instead, text)
    return text
