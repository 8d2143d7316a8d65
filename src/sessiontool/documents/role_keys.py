"""Texts under the name of who said them: `{"user": "…", "assistant": "…"}`, `{"agent_response": "…"}`."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from .lenient import words_of
from .name_words import words_in
from .roles import ASSISTANT, USER, role_named
from .texts import text_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_BESIDE = frozenset(
    words_of("transcript transcription text message response said utterance speech content reply answer question")
)
_LISTS = frozenset(
    words_of(
        "segments turns messages utterances transcripts transcriptions items lines entries texts track channel list"
    )
)
_NO_SPEECH = r"\S*[\d@/]\S*|[0-9a-f-]{8,}"
"""An identifier or an address: a field of that name has who it is, and not what was said."""
_MOST_KEYS = 1000
"""Number of fields of an object that are looked at for roles; chosen: no conversation has as many speakers."""


def spoken_by_key(value: Mapping[str, Any], depth: int = 3) -> list[dict[str, Any]]:
    """The entries that an object holds under names of roles, in its order, each with the object's other fields."""
    keys = {name: role for name in islice(value, _MOST_KEYS) if (role := role_of_key(name))}
    others = {name: item for name, item in value.items() if name not in keys and not isinstance(item, (dict, list))}
    found: list[dict[str, Any]] = []
    for name, role in keys.items():
        item = value[name]
        text = text_in(item)  # with its spaces: it may be a fragment
        if text.strip() and not re.fullmatch(_NO_SPEECH, text.strip()):
            own = item if isinstance(item, dict) else {}
            found.append({"role": role, **others, **own, "text": text})
    if found or not depth:
        return found
    inner = (spoken_by_key({**others, **one}, depth - 1) for one in _objects(value))
    return next(filter(None, inner), [])


def role_of_lists_key(name: str) -> str:
    """The role whose entries a list of that name holds (`agentSegments`), empty where it is none."""
    words = [word for word in words_in(name) if word not in _LISTS]
    return role_of_key(" ".join(words)) if words else ""


def _objects(value: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    return (one for one in value.values() if isinstance(one, dict))


def role_of_key(name: str) -> str:
    """The role whose words a field of that name holds, empty where it is none."""
    words = [word for word in words_in(name) if word not in _BESIDE]
    roles = {role_named(word, {}) for word in words}
    return roles.pop() if len(roles) == 1 and roles <= {USER, ASSISTANT} else ""
