"""Objects of documents that are in doubt, read by pydantic: what does for a field is taken, what does not is named.

The models are made of the kinds in `models`, whose annotations say all that a field may hold.
"""

from __future__ import annotations

from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from msgspec import NODEFAULT, Struct
from msgspec.structs import fields
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, StrictBool, create_model

from .lenient import validated
from .models import EXTRA, Bounds, MostChars, Reading

_KINDS: dict[type[BaseModel], Any] = {}
"""The kinds that models were made of."""


class _Wire(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


def checked_object(kind: Any, value: dict[str, Any]) -> tuple[Any, list[str]]:
    """What `value` holds as a `kind`, without the fields that are wrong; and what was wrong, in words."""
    model, problems = validated(model_of(kind), value)
    return None if model is None else _value(model), problems


@cache
def model_of(kind: Any) -> type[_Wire]:
    """The model of a kind."""
    declared: dict[str, Any] = {}
    for one in fields(kind):
        if one.name != EXTRA:
            default = one.default_factory() if one.default_factory is not NODEFAULT else one.default
            declared[one.name] = (_annotation(one.type), ... if one.required else default)
    made: type[_Wire] = create_model(kind.__name__, __base__=_Wire, **declared)
    _KINDS[made] = kind
    return made


def _annotation(hint: Any) -> Any:
    """An annotation of `models` in pydantic's words."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        kind, *marks = parts
        if Reading.STRICT in marks:
            return StrictBool
        return Annotated[_annotation(kind), *map(_mark, marks)]
    if origin in {Union, UnionType}:
        return _annotation(parts[0]) | None
    if origin is list:
        return list[_annotation(parts[0])]  # type: ignore[misc]
    if isinstance(hint, type) and issubclass(hint, Struct):
        return model_of(hint)
    return FiniteFloat if hint is float else hint


def _mark(mark: Any) -> Any:
    if isinstance(mark, Bounds):
        return Field(ge=mark.least, le=mark.most, lt=mark.below)
    return Field(max_length=mark.chars) if isinstance(mark, MostChars) else BeforeValidator(_as_text)


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _value(checked: Any) -> Any:
    """What a model holds, as values of `models`."""
    if isinstance(checked, list):
        return [_value(item) for item in checked]
    if not isinstance(checked, _Wire):
        return checked
    kind = _KINDS[type(checked)]
    made = {name: _value(getattr(checked, name)) for name in type(checked).model_fields}
    if EXTRA in kind.__struct_fields__:
        made[EXTRA] = dict(checked.model_extra or {})
    return kind(**made)
