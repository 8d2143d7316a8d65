"""How wide a text looks: in cells, of which a Latin letter takes one and a CJK character or an emoji two.

So one figure serves all scripts: 42 cells a line are 42 Latin letters or 21 ideographs, 20 cells a second 20 letters
or 10 ideographs. What belongs together (UAX #29: a letter and its marks, a family of emoji, a flag) is one cluster
and is measured as one, by wcwidth.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLAIN = "[\x20-\u02ff\u0370-\u0377\u0384-\u0482\u048a-\u052f\u2010-\u2027\u2030-\u205e\u20a0-\u20bf]*"
"""Latin, Greek, Cyrillic, punctuation, currencies: characters that stand alone and take one cell."""


def is_plain(text: str) -> bool:
    """Whether every character of `text` is a cluster of one cell."""
    return text.isascii() or re.fullmatch(_PLAIN, text) is not None


def cells(text: str) -> int:
    """How many cells `text` takes."""
    if is_plain(text):
        return len(text)
    from wcwidth import width  # noqa: PLC0415 - only some languages need it

    return max(0, width(text, control_codes="ignore"))


def clusters(text: str) -> Iterator[str]:
    """`text` in pieces that must not be taken apart."""
    if is_plain(text):
        return iter(text)
    from wcwidth import iter_graphemes  # noqa: PLC0415

    return iter(iter_graphemes(text))
