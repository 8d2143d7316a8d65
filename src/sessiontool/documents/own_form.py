"""The form in which our recorders write an utterance: known at a glance, as most logs have it in every line."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def is_plain(value: Any) -> bool:
    """Whether an object is an utterance just as our recorders write it: nothing of it has to be understood."""
    return (
        type(value) is dict
        and value.get("role") in _OUR_ROLES
        and bool(value.get("text"))
        and len(value) <= len(_OUR_FIELDS)
        and _is_our_form(tuple(value), tuple(map(type, value.values())))
    )


@lru_cache(maxsize=256)  # a log has a few forms, and nearly all of its lines have one of them
def _is_our_form(names: tuple[str, ...], kinds: tuple[type, ...]) -> bool:
    return all(kind in _OUR_FIELDS.get(name, ()) for name, kind in zip(names, kinds, strict=True))


_OUR_ROLES = ("user", "assistant")
_OUR_FIELDS: Mapping[str, tuple[type, ...]] = {
    "id": (str,),
    "role": (str,),
    "text": (str,),
    "t_start": (float, int),
    "t_end": (float, int),
    "interrupted": (bool,),
}
"""The fields of the contract, and what each holds: most logs are read many times as fast."""
