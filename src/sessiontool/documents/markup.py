"""XML -> plain values: elements as objects, those of one name as lists; TTML and other captions in XML as well.

`<p begin="1s" agent="a1">Yes.</p>` is `{"begin": "1s", "agent": "a1", "text": "Yes."}`.  Entities of a document's own
are refused, as they may grow without end.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_DECLARED = r"\A\s*(?:<\?xml[^>]*\?>)?\s*(?:<!--.*?-->\s*)*"
_OWN_ENTITIES = r"<!(?:DOCTYPE|ENTITY)"
_NAMESPACE = r"\{[^}]*\}"
_TEXT = "text"
_MOST_DEPTH = 50
"""Levels of elements; chosen: captions have six."""


def value_of_markup(text: str) -> Any:
    """The value of a text in XML, or of elements one after another; None where it is none."""
    from xml.etree.ElementTree import ParseError, fromstring  # noqa: PLC0415 - most logs are no XML; see above

    body = re.sub(_DECLARED, "", text, count=1, flags=re.DOTALL)
    if re.search(_OWN_ENTITIES, body):
        return None
    for written in (body, f"<all>{body}</all>"):
        try:
            root = fromstring(written)  # noqa: S314 - without entities of its own
        except (ParseError, ValueError):
            continue
        return {_name(root.tag): _value(root, _MOST_DEPTH)}
    return None


def _value(element: Element, depth: int) -> Any:
    own = {_name(name): value for name, value in element.attrib.items()}
    inner = list(element)
    is_text = bool((element.text or "").strip()) or any((one.tail or "").strip() for one in inner)
    if is_text or not inner or not depth:
        text = " ".join("".join(element.itertext()).split()) if not inner else _spaced(element)
        return {**own, _TEXT: text} if own else text
    by_name: dict[str, list[Any]] = {}
    for one in inner:
        by_name.setdefault(_name(one.tag), []).append(_value(one, depth - 1))
    return {**own, **{name: some[0] if len(some) == 1 else some for name, some in by_name.items()}}


def _spaced(element: Element) -> str:
    """The text of an element that has others in it, such as breaks of lines."""
    return " ".join(" ".join(element.itertext()).split())


def _name(tag: Any) -> str:
    return re.sub(_NAMESPACE, "", tag) if isinstance(tag, str) else "comment"
