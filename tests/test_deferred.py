"""Our dataclasses and named tuples are those of the standard library, made more cheaply: each behaves as its twin."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import re
import statistics
import subprocess
import sys
from dataclasses import field
from typing import TYPE_CHECKING, Any
from typing import NamedTuple as TheirNamedTuple

import pytest

from sessiontool.deferred import NamedTuple, dataclass, median, median_low, regex
from sessiontool.options import LogOptions

if TYPE_CHECKING:
    from collections.abc import Callable

MAKERS: list[Any] = [dataclass, dataclasses.dataclass]
"""Ours, and what it stands for."""
both = pytest.mark.parametrize("make", MAKERS, ids=["ours", "theirs"])


def plain(make: Callable[..., Any], **how: Any) -> Any:
    @make(slots=True, **how)
    class Plain:
        """A value."""

        first: int
        second: str = "two"
        third: list[int] = field(default_factory=list)
        unseen: float = field(default=0.5, compare=False, repr=False)

    return Plain


def shown(call: Callable[[], Any]) -> str:
    """What a call gives, or the error that it ends with."""
    try:
        return repr(call())
    except (TypeError, AttributeError) as error:
        return f"{type(error).__name__}: {error}"


def seen(kind: Any) -> list[str]:
    """What is seen of a class and its values."""
    one, same, other = kind(first=1), kind(first=1, unseen=1.0), kind(first=2)
    calls: list[Callable[[], Any]] = [
        lambda: kind(1),
        lambda: kind(first=1, third=[2]),
        kind,
        lambda: kind(1, "2", [3], 4.0, 5),
        lambda: kind(1, x=2),
        lambda: [one == same, one == other, one != same, one == 1, hasattr(one, "__dict__")],
        lambda: kind.__match_args__,
        lambda: kind.__eq__ is object.__eq__ or hash(kind(first=1, third=())),
        lambda: copy.deepcopy(one).third,
        lambda: dataclasses.replace(one, second="zwei"),
        lambda: dataclasses.asdict(other),
        lambda: setattr(one, "first", 3),
        lambda: delattr(one, "first"),
    ]
    return [shown(call) for call in calls]


@pytest.mark.parametrize("how", [{}, {"frozen": True}, {"frozen": True, "kw_only": True}, {"eq": False}], ids=str)
def test_values_look_and_fail_alike(how: dict[str, Any]) -> None:
    ours, theirs = (seen(plain(make, **how)) for make in MAKERS)
    assert ours == theirs


@both
def test_each_value_has_a_list_of_its_own(make: Callable[..., Any]) -> None:
    kind = plain(make)
    kind(1).third.append(2)
    assert kind(1).third == []


@both
def test_what_is_to_be_done_after_is_done(make: Callable[..., Any]) -> None:
    @make(frozen=True)
    class Checked:
        size: int

        def __post_init__(self) -> None:
            if self.size < 0:
                raise ValueError("less than nothing")

    assert Checked(size=3).size == 3  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="less than nothing"):
        Checked(-1)  # type: ignore[call-arg]


@both
def test_a_class_of_one_field_or_none_is_compared(make: Callable[..., Any]) -> None:
    @make(frozen=True, slots=True)
    class Nothing:
        pass

    @make(frozen=True, slots=True)
    class One:
        value: float

    nan = float("nan")
    assert Nothing() == Nothing()
    assert hash(Nothing()) == hash(())
    assert One(nan) == One(nan)  # type: ignore[call-arg]
    assert One(1) != One(2)  # type: ignore[call-arg]
    assert hash(One(1)) == hash((1,))  # type: ignore[call-arg]
    assert (Nothing() == One(1)) is False  # type: ignore[call-arg]


class Ours(NamedTuple):
    """A pair."""

    first: int
    second: str = "two"

    @property
    def both(self) -> str:
        return f"{self.first} {self.second}"


class Theirs(TheirNamedTuple):
    """A pair."""

    first: int
    second: str = "two"

    @property
    def both(self) -> str:
        return f"{self.first} {self.second}"


def test_named_tuples_look_and_fail_alike() -> None:
    def seen(kind: Any) -> list[str]:
        calls: list[Callable[[], Any]] = [
            lambda: kind(1),
            lambda: kind(second="2", first=1)._replace(first=2)._asdict(),
            lambda: kind(1).both,
            lambda: (*kind(1), kind._fields, kind._field_defaults, kind.__match_args__, kind.__doc__, kind.__module__),
            lambda: kind(1) == (1, "two"),
            lambda: pickle.loads(pickle.dumps(kind(1))) == kind(1),
            kind,
            lambda: kind(1, 2, 3),
            lambda: kind(1, x=2),
            lambda: setattr(kind(1), "first", 2),
            lambda: setattr(kind(1), "other", 2),
        ]
        return [shown(call).replace("Theirs", "Ours") for call in calls]

    assert seen(Ours) == seen(Theirs)


def test_values_go_to_other_processes() -> None:
    options = LogOptions(unit_ms=5.0)
    assert pickle.loads(pickle.dumps(options)) == options


def test_no_class_is_made_by_the_standard_library() -> None:
    """What a short merge waits for would come back with the first class that is."""
    code = (
        "import dataclasses, sessiontool.sessions.merge\n"
        "kinds = [k for k in object.__subclasses__() if k.__module__.startswith('sessiontool')]\n"
        "slow = [k for k in kinds if hasattr(k, '__dataclass_params__') and k.__dataclass_params__.repr]\n"
        "assert not slow, slow"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_regular_expressions_are_compiled_when_they_are_used() -> None:
    words, number = regex(r"(\w)\w*", re.IGNORECASE), regex(rb"\d+")
    assert vars(words).keys() == {"_how"}
    assert words.sub(r"\1", "one two") == "o t"
    assert vars(words).keys() > {"_how", "match"}
    assert (words.pattern, words.flags, words.groups) == (r"(\w)\w*", re.IGNORECASE | re.UNICODE, 1)
    assert [found.span() for found in number.finditer(b"a1b22")] == [(1, 2), (3, 5)]
    assert shown(lambda: words.other) == shown(lambda: re.compile("").other)  # type: ignore[attr-defined]


@pytest.mark.parametrize("values", [[3], [4, 1], [2.5, 7, 1], [4, 4, 1, 9]], ids=str)
def test_medians_are_those_of_statistics(values: list[float]) -> None:
    assert median(iter(values)) == statistics.median(values)
    assert median_low(iter(values)) == statistics.median_low(values)
