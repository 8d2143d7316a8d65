"""An object of a document -> a value of its kind in `models`, without the fields that are wrong.

Most documents are written by programs and plainly right: each field there has just the type that its annotation says,
and is taken as it stands.  The first field that has not is a doubt, and the object is read by pydantic (`checked`),
which knows what else does, and what to say of what does not.  Both make the same of what is plainly right; loading
pydantic takes longer than a short session.
"""

from __future__ import annotations

import re
from functools import cache
from math import isfinite
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, Union, get_args, get_origin

from msgspec import Struct
from msgspec.structs import fields

from .models import EXTRA, Bounds, MostChars, Reading

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
_SURROGATE = "[\ud800-\udfff]"
_EXACT = 1 << 53
"""By definition: the significand of a float holds whole numbers up to this exactly (ISO/IEC 60559)."""


def read_object(kind: type[T], value: dict[str, Any]) -> tuple[T | None, list[str]]:
    """What `value` holds, and what was wrong with it, in words; None where a required field is missing or wrong.

    What is wrong is taken out of `value`.
    """
    try:
        made: T = _plain_object(kind, value)
    except _DoubtError:
        from .checked import checked_object  # noqa: PLC0415 - pydantic, which most documents do without

        return checked_object(kind, value)
    return made, []


class _DoubtError(Exception):
    """A value is not plainly right."""


class _Field(Struct, frozen=True):
    name: str
    read: Callable[[Any], Any]
    is_required: bool


@cache
def _fields_of(kind: Any) -> tuple[_Field, ...]:
    return tuple(_Field(one.name, _reader(one.type), one.required) for one in fields(kind) if one.name != EXTRA)


def _plain_object(kind: Any, value: Any) -> Any:
    """`value` as a `kind` (_DoubtError)."""
    if type(value) is not dict:
        raise _DoubtError
    made: dict[str, Any] = {}
    known = _fields_of(kind)
    for one in known:
        if one.name in value:
            made[one.name] = one.read(value[one.name])
        elif one.is_required:
            raise _DoubtError
    if len(made) < len(value):
        rest = {_text(name): held for name, held in value.items() if name not in made}
        if EXTRA in kind.__struct_fields__:
            made[EXTRA] = rest
    return kind(**made)


# -- what a field is read by


def _reader(hint: Any) -> Callable[[Any], Any]:
    """What takes a value that is plainly of the type `hint`, and raises _DoubtError for others."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _marked(_reader(parts[0]), parts[0], parts[1:])
    if origin in {Union, UnionType}:
        one, nothing = parts
        assert nothing is type(None)
        return _or_none(_reader(one))
    if origin is list:
        return _list_of(_reader(parts[0]))
    if origin is dict:
        assert parts == (str, str)
        return _texts_by_name
    if isinstance(hint, type) and issubclass(hint, Struct):
        return lambda value: _plain_object(hint, value)
    return {str: _text, float: _number, int: _whole, bool: _truth, Any: _any}[hint]


def _marked(read: Callable[[Any], Any], kind: Any, marks: tuple[Any, ...]) -> Callable[[Any], Any]:
    for mark in marks:
        if mark is Reading.AS_NAME:
            read = _name
        elif isinstance(mark, Bounds):
            read = _bounded(read, mark)
        elif isinstance(mark, MostChars):
            read = _short(read, mark.chars)
        else:
            assert mark is Reading.STRICT
            assert kind is bool, "which is read so in any case"
    return read


def _any(value: Any) -> Any:
    return value


def _text(value: Any) -> str:
    if type(value) is not str or not (value.isascii() or re.search(_SURROGATE, value) is None):
        raise _DoubtError
    return value


def _name(value: Any) -> str:
    return str(_whole(value)) if type(value) is int else _text(value)


def _whole(value: Any) -> int:
    if type(value) is not int or not -_EXACT <= value <= _EXACT:
        raise _DoubtError
    return value


def _number(value: Any) -> float:
    if type(value) is int:
        return float(_whole(value))
    if type(value) is not float or not isfinite(value):
        raise _DoubtError
    return value


def _truth(value: Any) -> bool:
    if type(value) is not bool:
        raise _DoubtError
    return value


def _texts_by_name(value: Any) -> dict[str, str]:
    if type(value) is not dict:
        raise _DoubtError
    return {_text(name): _text(held) for name, held in value.items()}


def _or_none(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


def _list_of(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def items(value: Any) -> list[Any]:
        if type(value) is not list:
            raise _DoubtError
        return [read(item) for item in value]

    return items


def _bounded(read: Callable[[Any], Any], bounds: Bounds) -> Callable[[Any], Any]:
    least, most, below = bounds.least, bounds.most, bounds.below

    def within(value: Any) -> Any:
        number = read(value)
        if number < least or (most is not None and number > most) or (below is not None and number >= below):
            raise _DoubtError
        return number

    return within


def _short(read: Callable[[Any], Any], chars: int) -> Callable[[Any], Any]:
    def short(value: Any) -> Any:
        text = read(value)
        if len(text) > chars:
            raise _DoubtError
        return text

    return short
