"""Whether an entry says of itself that it was spoken, or typed: by its parts, its medium, or a flag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .field_names import MEDIA, TYPED_FLAGS
from .lenient import words_of
from .name_words import words_in
from .texts import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

_SPOKEN = frozenset(words_of("voice speech audio spoken"))
_TYPED = frozenset(words_of("text typed keyboard chat"))
_MOST_PARTS = 100
"""Parts of a text that are looked at for how they were said; chosen: there are one or two."""


def how_said(value: Mapping[str, Any]) -> str:
    """Whether an entry says of itself that it was `spoken` or `typed`; empty where it does not."""
    return next(filter(None, (_how(plain(name), item) for name, item in value.items())), "")


def _how(name: str, item: Any) -> str:
    if name in TYPED_FLAGS and isinstance(item, bool):
        return "typed" if item else "spoken"
    if name in MEDIA and isinstance(item, str):
        words = words_in(item)
        return "spoken" if _SPOKEN.intersection(words) else "typed" if _TYPED.intersection(words) else ""
    if name in {"content", "parts"} and isinstance(item, list):
        kinds = [words_in(str(part.get("type"))) for part in item[:_MOST_PARTS] if isinstance(part, dict)]
        are_typed = bool(kinds) and all(words == ("input", "text") for words in kinds)
        return "spoken" if any("audio" in words for words in kinds) else "typed" if are_typed else ""
    return ""
