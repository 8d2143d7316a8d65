"""What stands in the text of an entry beside what was said: who says it, and what marks it up.

And what is no text at all: the message of a logger, which is the same in each of its lines.
"""

from __future__ import annotations

import re
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from .roles import ASSISTANT, USER, role_named
from .texts import has_text, text_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_ENTITY = r"&(?:amp|lt|gt|quot|apos|nbsp|#\d{2,6}|#x[0-9a-fA-F]{2,5});"
_MARKUP = (
    r"(?is)<(think|thinking|reasoning)>.*?</\1>"
    r"|</?(?:speak|break|prosody|emphasis|say-as|phoneme|voice|audio|sub|lang|mark|p|s|w|mstts:[\w-]+)(?:\s[^<>]*)?/?>"
)
"""What a model thought, and the elements of SSML, which say how a voice reads a text."""
_NAMED = r"\s*[-\u2013]?\s*(?:\[([^\]\n]{1,40})\]:?|\(([^)\n]{1,40})\):?|([^\W\d_][^:\n]{0,39}):)\s+(?=\S)"


def spoken(text: str, role: str) -> str:
    """The text without what marks it up, and without the name of the `role` in front of it."""
    if "<" in text:
        text = " ".join(re.sub(_MARKUP, " ", text).split()) if re.search(_MARKUP, text) else text
    if "&" in text and re.search(_ENTITY, text):
        from html import unescape  # noqa: PLC0415 - a table of two thousand names, for few logs

        text = unescape(text)
    found = _name(text) if role in {USER, ASSISTANT} else None
    is_name = found is not None and role_named(next(filter(None, found.groups())).strip(), {}) == role
    return text[found.end() :] if found and is_name else text


def name_in_front(text: str, names: Mapping[str, str]) -> tuple[str, str] | None:
    """The name of a role that a text begins with (`User: …`, `[agent] …`) and the rest; None where it has none.

    `names` are those of known speakers, by their letters.
    """
    found = _name(text)
    name = next(filter(None, found.groups())).strip() if found else ""
    return (name, text[found.end() :]) if found and role_named(name, names) in {USER, ASSISTANT} else None


def _name(text: str) -> re.Match[str] | None:
    """The name that a text may begin with: few have the signs for it."""
    return re.match(_NAMED, text) if ":" in text or "]" in text or ")" in text else None


# -- labels

_JUDGED = 200
"""Number of entries by which the fields of texts are judged, as units of evidence; chosen."""
_LEAST_ENTRIES, _MOST_SHARE = 6, 0.25
"""Number of entries, as units of evidence, and the ratio of different texts to them, up to which a field is a label;
chosen: people repeat themselves less."""


def without_labels(found: Iterable[Any]) -> Iterator[Any]:
    """The entries of a log; those with several texts without the ones that are nearly the same in all of them."""
    entries = iter(found)
    judged = list(islice(entries, _JUDGED))
    values = [value for one in judged if isinstance(value := getattr(one, "value", None), dict)]
    labels = set(_labels(values))
    if not labels:
        return chain(judged, entries)
    return (_without(one, labels) for one in chain(judged, entries))


def _labels(values: list[dict[str, Any]]) -> Iterator[str]:
    texts: dict[str, list[str]] = {}
    for value in values:
        for name in text_fields(value):
            if isinstance(value[name], str):
                texts.setdefault(name, []).append(value[name])
    for name, some in texts.items():
        if len(some) >= _LEAST_ENTRIES and len(set(some)) <= _MOST_SHARE * len(some):
            yield name


def _without(found: Any, labels: set[str]) -> Any:
    """An entry without its labels, where it has more than these."""
    value = getattr(found, "value", None)
    if not isinstance(value, dict) or labels.isdisjoint(value):
        return found
    rest = {name: item for name, item in value.items() if name not in labels}
    return type(found)(found.place, rest) if has_text(rest) else found
