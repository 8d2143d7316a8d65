"""The words of a recogniser that has a whole channel as one text."""

from __future__ import annotations

from typing import Any

from .texts import has_text, unwrapped


def words_by_channel(value: dict[str, Any], depth: int = 3) -> list[dict[str, Any]]:
    """The words of such a document, each with its channel; none elsewhere."""
    channels = value.get("channels")
    if not isinstance(channels, list) or len(channels) < 2:
        inner = (one for one in value.values() if isinstance(one, dict)) if depth else ()
        return next(filter(None, (words_by_channel(one, depth - 1) for one in inner)), [])
    if "utterances" in value:
        return []
    found: list[dict[str, Any]] = []
    for number, channel in enumerate(channels):
        words = unwrapped(channel).get("words") if isinstance(channel, dict) else None
        found += ({**word, "channel": number} for word in words or () if isinstance(word, dict) and has_text(word))
    return found
