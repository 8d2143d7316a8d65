"""Lines of calls with personal data, in other styles than `finder_sentences`: what the finder is measured by again.

Numbers split over words, groups of several countries, addresses spelt aloud, account numbers in groups, also in other
languages; and, without any, orders, prices, dates and the like.  Numbers are published test numbers, or made by their
check digits.

`dialogue` and `decoys` were written at once, before the finder was tried on them: it found 71 of 89, nothing false.
`afterwards` was written when it found all of those: it found 27 of 29, nothing false but a count from one to ten.
`called` and `called-decoys` are of the kinds that lines of strangers showed to be missed: numbers that are called what
they are and have no right check digit, addresses with letters alone, numbers said digit by digit.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

MISSED = {"GB29 (that's NWBK) 6016 1331 9268 19"}
"""Lines that are still missed."""


class Line(NamedTuple):
    """A line, and what of it is of which kind; empty in one without any."""

    kind: str
    said: str
    text: str


def lines_of(name: str) -> list[Line]:
    """The lines of a set; in the file what must be found is between « and »."""
    path = Path(__file__).parent / "data" / "finder_dialogues.tsv"
    found = []
    for row in path.read_text(encoding="utf-8").splitlines()[1:]:
        of, kind, marked = row.split("\t")
        if of == name:
            said = marked.partition("«")[2].partition("»")[0]
            found.append(Line(kind, said, marked.replace("«", "").replace("»", "")))
    return found
