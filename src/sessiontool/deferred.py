"""What the standard library does whenever a program is loaded, left until it is needed, or out.

The methods of each dataclass are source text there, which is compiled: an eighth of a merge of 30 seconds.  Here all
dataclasses share their methods, but `__init__`: that is compiled when the first value is made.  The annotations of each
`typing.NamedTuple` are compiled, too, and never used: a twentieth.  Here they stay the texts that they are, and
`__new__` waits as `__init__` does.

Regular expressions are compiled when they are first looked for: a merge has a hundred, and needs a third of them.
Two medians are written out, as `statistics` brings decimals and fractions.

Everything else is as in the standard library: `dataclasses.fields`, `replace` and `asdict` work, the fields of named
tuples are read by what reads those of `collections`, and type checkers see what the standard library has.
"""

from __future__ import annotations

import dataclasses
import re
from collections import namedtuple
from dataclasses import MISSING, FrozenInstanceError
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from dataclasses import dataclass
    from re import compile as regex
    from statistics import median, median_low
    from typing import NamedTuple
else:

    def dataclass(
        *, frozen: bool = False, eq: bool = True, kw_only: bool = False, slots: bool = False
    ) -> Callable[[type], type]:
        """`dataclasses.dataclass` with the parameters that are needed here; there is no `init=False` and no InitVar."""

        def made(plain: type) -> type:
            plain.__doc__ = plain.__doc__ or plain.__name__  # else it is made of the signature, which takes a while
            cls = dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=kw_only, slots=slots)(plain)
            methods = {"__init__": _first_init(cls, frozen), "__repr__": _repr}
            if eq:
                methods |= _comparison(cls, frozen)
            if frozen:
                methods |= {"__setattr__": _refuse_to_set, "__delattr__": _refuse_to_delete}
            if frozen and slots:
                methods |= {"__getstate__": _state, "__setstate__": _set_state}
            for name, method in methods.items():
                setattr(cls, name, method)
            return cls

        return made

    class _Tuples(type):
        """Makes named tuples of the classes that are written below `NamedTuple`."""

        def __new__(cls, name: str, bases: tuple[type, ...], space: dict[str, Any]) -> type:
            if not bases:
                return super().__new__(cls, name, bases, space)
            types = space["__annotations__"] if "__annotations__" in space else type(name, (), space).__annotations__
            names, own = tuple(types), {key: value for key, value in space.items() if key not in types}
            defaults = {one: space[one] for one in names if one in space}
            about = {"__slots__": (), "_fields": names, "_field_defaults": defaults, "__match_args__": names}
            getters = zip(names, _GETTERS[: len(names)], strict=True)
            made = type(name, (tuple,), {**_TUPLE_METHODS, **about, **own, **dict(getters)})
            made.__new__ = _first_new(made)
            return made

    class NamedTuple(metaclass=_Tuples):
        """`typing.NamedTuple`: the fields are the annotated names, and the class is a tuple."""

    class regex:  # noqa: N801 - it replaces a function
        """`re.compile`, at the first use."""

        def __init__(self, source: str | bytes, flags: int = 0) -> None:
            self._how = source, flags

        def __getattr__(self, name: str) -> Any:
            """What a compiled one has; methods are kept, so that this is not asked twice."""
            compiled = re.compile(*self._how)
            self.__dict__ |= {one: getattr(compiled, one) for one in _METHODS}
            return getattr(compiled, name)

    def median(values: Iterable[Any]) -> Any:
        """`statistics.median`, of one value at least."""
        ordered = sorted(values)
        half = len(ordered) // 2
        return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2

    def median_low(values: Iterable[Any]) -> Any:
        """`statistics.median_low`, of one value at least."""
        ordered = sorted(values)
        return ordered[(len(ordered) - 1) // 2]


__all__ = ["NamedTuple", "dataclass", "median", "median_low", "regex"]

_METHODS = ("findall", "finditer", "fullmatch", "match", "search", "split", "sub", "subn")


# -- named tuples

_ROW: Any = namedtuple("_ROW", "a b c d e f g h i j k l m n o p q r s t u v w x y z")
_GETTERS = [vars(_ROW)[name] for name in _ROW._fields]
"""What gives the values of a named tuple, each by its number: the same objects for all classes."""


def _first_new(cls: Any) -> Callable[..., Any]:
    """A `__new__` that makes the one that stays."""

    def new(kind: Any, *values: Any, **named: Any) -> Any:
        cls.__new__ = _new(cls)
        return cls.__new__(kind, *values, **named)

    return new


def _new(cls: Any) -> Any:
    """The `__new__` that `collections.namedtuple` would have made."""
    names = ", ".join(cls._fields)
    made = eval(f"lambda _cls, {names}: _new(_cls, ({names},))", {"_new": tuple.__new__})  # noqa: S307 - names of fields
    made.__defaults__ = tuple(cls._field_defaults.values())
    made.__qualname__ = f"{cls.__qualname__}.__new__"
    return made


def _make(cls: Any, values: Iterable[Any]) -> Any:
    made = tuple.__new__(cls, values)
    if len(made) != len(cls._fields):
        raise TypeError(f"Expected {len(cls._fields)} arguments, got {len(made)}")
    return made


def _replace(self: Any, /, **changes: Any) -> Any:
    made = self._make(map(changes.pop, self._fields, self))
    if changes:
        raise ValueError(f"Got unexpected field names: {list(changes)!r}")
    return made


def _tuple_repr(self: Any) -> str:
    shown = (f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True))
    return f"{self.__class__.__name__}({', '.join(shown)})"


_TUPLE_METHODS = {
    "_make": classmethod(_make),
    "_replace": _replace,
    "__replace__": _replace,
    "__repr__": _tuple_repr,
    "_asdict": lambda self: dict(zip(self._fields, self, strict=True)),
    "__getnewargs__": lambda self: self[:],
}

# -- dataclasses


def _first_init(cls: Any, frozen: bool) -> Callable[..., None]:
    """An `__init__` that makes the one that stays."""

    def init(self: Any, *values: Any, **named: Any) -> None:
        cls.__init__ = _init(cls, frozen)
        cls.__init__(self, *values, **named)

    return init


def _init(cls: Any, frozen: bool) -> Any:
    """The `__init__` that the standard library would have made."""
    known: dict[str, Any] = {"_missing": MISSING, "_set": object.__setattr__}
    lines = [f"def __init__({', '.join(['self', *_parameters(cls, known)])}):"]
    for one in dataclasses.fields(cls):
        value = one.name
        if one.default_factory is not MISSING:
            value = f"_default_{one.name}() if {one.name} is _missing else {one.name}"
        lines.append(f" _set(self, {one.name!r}, {value})" if frozen else f" self.{one.name} = {value}")
    lines.append(" self.__post_init__()" if hasattr(cls, "__post_init__") else " return None")
    exec("\n".join(lines), known)  # noqa: S102 - the names of fields, which are those of a class of ours
    known["__init__"].__qualname__ = f"{cls.__qualname__}.__init__"
    return known["__init__"]


def _parameters(cls: Any, known: dict[str, Any]) -> Iterator[str]:
    """The parameters of `__init__`, as source text; what that refers to is added to `known`."""
    is_named = False
    for one in sorted(dataclasses.fields(cls), key=lambda field: field.kw_only is True):
        if one.kw_only and not is_named:
            is_named = True
            yield "*"
        if one.default_factory is not MISSING:
            known[f"_default_{one.name}"] = one.default_factory
            yield f"{one.name}=_missing"
        elif one.default is not MISSING:
            known[f"_default_{one.name}"] = one.default
            yield f"{one.name}=_default_{one.name}"
        else:
            yield one.name


def _comparison(cls: Any, frozen: bool) -> dict[str, Any]:
    """`__eq__` and, of values that do not change, `__hash__`: those of a tuple of what is compared."""
    names = [one.name for one in dataclasses.fields(cls) if one.compare]
    compared: Callable[[Any], tuple[Any, ...]] = attrgetter(*names) if len(names) > 1 else _few(names)

    def equal(self: Any, other: object) -> bool:
        return compared(self) == compared(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: Any) -> int:
        return hash(compared(self))

    return {"__eq__": equal, "__hash__": hashed if frozen else None}


def _few(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    """`attrgetter` for one name or none, of which that makes no tuple."""
    return lambda value: tuple(getattr(value, name) for name in names)


def _repr(self: Any) -> str:
    shown = (f"{one.name}={getattr(self, one.name)!r}" for one in dataclasses.fields(self) if one.repr)
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


def _refuse_to_set(_self: object, name: str, _value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_self: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    """What `pickle` keeps of a value that has slots and no dictionary."""
    return [getattr(self, one.name) for one in dataclasses.fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for one, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, one.name, value)
