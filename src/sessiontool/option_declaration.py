"""How an option is declared, and what is known of it beside its name: one field of a class of options, annotated."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from .errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LONGEST_SHOWN = 80
"""Characters of a wrong value in a message; chosen."""


class Meta(Struct, frozen=True):
    """What is known of an option beside its name.  `default` is as it is written in a file, None for none.

    `read` makes the value of a text that is more than a text (ValueError with what is expected).  `is_setting`: it can
    be set in the file and the environment too, and not for one run alone.  `has_flag`: commands have it.
    """

    help: str
    panel: str
    choices: tuple[str, ...] = ()
    metavar: str = ""
    short: str = ""
    read: Callable[[str], Any] | None = None
    changes_result: bool = False
    is_path: bool = False
    is_setting: bool = True
    has_flag: bool = True
    shown_default: str = ""
    default: bool | int | str | None = None
    kind: type = str

    def check(self, value: object, where: str) -> Any:
        """What `value` means if it is of the option's type and among its choices (UsageError that names `where`)."""
        expected = " or ".join(self.choices) or _KINDS[self.kind]
        is_right = type(value) is self.kind and (not self.choices or value in self.choices)
        if is_right and not (type(value) is int and value < 1):
            try:
                return self.read(str(value)) if self.read else value
            except ValueError as error:
                expected = str(error)
        shown = repr(value) if len(repr(value)) <= _LONGEST_SHOWN else f"{repr(value)[:_LONGEST_SHOWN]}…"
        raise UsageError(f"{where} must be {expected}, not {shown}", hint=self.help)


_KINDS: dict[type, str] = {bool: "true or false", str: "a text", int: "a whole number from 1"}


def option(help: str, panel: str, **more: Any) -> Meta:  # noqa: A002
    """What a field's annotation says to be an option: see `Meta` for what `more` may say; the rest is its default."""
    more.setdefault("metavar", "|".join(more.get("choices", ())))
    return Meta(help, panel, **more)


@cache
def options_of(kind: type[Struct]) -> Mapping[str, Meta]:
    """The fields of a class of options that are options, by name."""
    defaults = dict(zip(kind.__struct_fields__, kind.__struct_defaults__, strict=True))
    declared = {name: getattr(hint, "__metadata__", ()) for name, hint in kind.__annotations__.items()}
    return {name: _with_default(meta, defaults[name]) for name, marks in declared.items() for meta in marks}


def _with_default(meta: Meta, default: Any) -> Meta:
    assert not isinstance(default, tuple) or meta.read
    text = ",".join(default) if isinstance(default, tuple) else default
    return replace(meta, default=text, kind=str if text is None else type(text))


def check_options(options: Struct) -> None:
    """UsageError for a value that is none of its choices, or of another type than true or false."""
    for name, meta in options_of(type(options)).items():
        if meta.choices or meta.kind is bool:
            meta.check(getattr(options, name), name)
