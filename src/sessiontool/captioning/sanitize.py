"""Which characters may be in a caption.

Text comes from outside, and none of it may end a line, a cue or a paragraph's direction.  Kept: everything that
shows, combining characters, joiners, the marks of direction (LRM, RLM, ALM), and the no-break spaces.  Not kept:
control characters, line and paragraph separators (they become spaces), embeddings, overrides and isolates of
direction, and code points that are no characters.  Half of a surrogate pair becomes a question mark, and U+FFFD
too, where text was lost before it came here.  What means something to one format alone is that format's business.
"""

from __future__ import annotations

import re

NO_BREAK_SPACES = "\u00a0\u202f"

_LINE_BREAKS = "\r\n?|\n|\u2028|\u2029"
_GONE = "[\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff]"
_HALVES = r"[\ud800-\udfff\ufffd]"
_SPACES = f"(?:[^\\S{NO_BREAK_SPACES}]|[\x00-\x1f\x7f-\x9f])+"


def clean_lines(text: str) -> str:
    """`text` with each of its own lines cleaned, and none that is empty."""
    if "\n" not in text and "\r" not in text:
        return clean(text)
    return "\n".join(filter(None, map(clean, re.split(_LINE_BREAKS, text))))


def clean(text: str) -> str:
    """`text` in one line, runs of white space as one space."""
    if text.isascii() and text.isprintable():
        bare = " ".join(text.split())
        return text if bare == text else bare  # mostly it is: those of a day are held once
    return re.sub(_SPACES, " ", re.sub(_GONE, "", re.sub(_HALVES, "?", text))).strip(" " + NO_BREAK_SPACES)
