"""Texts with labels in the place of what is gone, and the hash by which it is seen later that a text was changed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from .forms import LABEL
from .places import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .forms import Place


def labelled(text: str, places: Iterable[Place], kinds: Iterable[tuple[Place, str]] = ()) -> str:
    """A text with one label in the place of each stretch that is gone; those that only separators part are one.

    `kinds` are those that labels name, by their places, empty for one that is not named; what is of several has none.
    """
    found, named = "", list(kinds)
    end = 0
    for start, after in together(text, places):
        of = {kind for place, kind in named if touches(place, [(start, after)])}
        kind = of.pop() if len(of) == 1 else ""
        found += text[end:start] + (f"[redacted: {kind}]" if kind else LABEL)
        end = after
    return found + text[end:]


def together(text: str, places: Iterable[Place]) -> list[Place]:
    """Places in order, those as one between which there is no letter and no digit: their number is a hint as well."""
    found: list[Place] = []
    for start, end in joined((max(0, a), min(len(text), b)) for a, b in places):
        if start >= end:
            continue
        if found and not any(one.isalnum() for one in text[found[-1][1] : start]):
            found[-1] = found[-1][0], end
        else:
            found.append((start, end))
    return found


def rest_hash(text: str, places: Iterable[Place]) -> str:
    """SHA-256 of what is left of a text: of nothing that is gone."""
    return hashlib.sha256(labelled(text, places).encode("utf-8", "replace")).hexdigest()


def word_places(words: Sequence[Mapping[str, Any]], text: str) -> list[Place] | None:
    """Where the words of an utterance are in its text, in order; None where one of them is not there."""
    found, at = [], 0
    for word in words:
        start = text.find(word["text"], at)
        if start < 0:
            return None
        at = start + len(word["text"])
        found.append((start, at))
    return found


def touches(one: Place, places: Iterable[Place]) -> bool:
    return any(one[0] < end and start < one[1] for start, end in places)
