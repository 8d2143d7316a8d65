"""What stands in the text of an entry beside what was said: who says it, and characters as HTML writes them.

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
_NAMED = r"\s*[-\u2013]?\s*(?:\[([^\]\n]{1,40})\]:?|\(([^)\n]{1,40})\):?|([^\W\d_][^:\n]{0,39}):)\s+(?=\S)"


def without_entities(text: str) -> str:
    if not re.search(_ENTITY, text):
        return text
    from html import unescape  # noqa: PLC0415 - a table of two thousand names, for few logs

    return unescape(text)


def name_in_front(text: str, names: Mapping[str, str]) -> tuple[str, str] | None:
    """The name of a role that a text begins with (`User: …`, `[agent] …`) and the rest; None where it has none.

    `names` are those of known speakers, by their letters.
    """
    found = re.match(_NAMED, text)
    name = next(filter(None, found.groups())).strip() if found else ""
    return (name, text[found.end() :]) if found and role_named(name, names) in {USER, ASSISTANT} else None


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
