"""What a person should know of how a document is encoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ..model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator


class TextDamage(Struct, frozen=True):
    """What is not as it was written: bytes that are no text, halves of surrogate pairs, and U+FFFD in the text itself.

    `was_twice`: it was UTF-8 that something encoded again, which is undone.
    """

    lost_bytes: int = 0
    halves: int = 0
    replaced: int = 0
    was_twice: bool = False


def encoding_findings(name: str, encoding: str, damage: TextDamage) -> list[Finding]:
    """One finding for what of a document's text is gone, else one for how it had to be read."""
    gone = list(_gone(damage))
    if gone:
        what = f"{name}: {'; '.join(gone)}"
        return [Finding("text-encoding", "warning", what, hint="write logs as UTF-8, and whole")]
    if damage.was_twice:
        how = "its text is UTF-8 that something took for Windows-1252 and encoded again: that was undone"
    elif encoding == "utf-8" or encoding.startswith(("utf-16", "utf-32")):
        return []
    else:
        how = f"is not UTF-8; it was read as {encoding}, in which its words are most plausible"
    hint = "write logs as UTF-8, which leaves nothing to guess"
    return [Finding("text-encoding", "info", f"{name}: {how}", hint=hint)]


def _gone(damage: TextDamage) -> Iterator[str]:
    if damage.lost_bytes:
        yield f"{damage.lost_bytes} byte(s) are no text in any encoding that is known; each stands as '?'"
    if damage.halves:
        yield f"{damage.halves} character(s) are there by half (a surrogate without its pair); each stands as '?'"
    if damage.replaced:
        yield f"{damage.replaced} character(s) were lost before it was written (U+FFFD); captions have '?' for each"
