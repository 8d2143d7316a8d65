"""One run's share of the sessions: `I/N`, said by a person, or by the engine that started N runs side by side.

The share of a session follows from its id alone, so N runs that know nothing of each other do every session once.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from ..errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_FORM = r"(?P<index>[0-9]{0,9})/(?P<count>[0-9]{1,9})"


class _Engine(Struct, frozen=True):
    """The variables by which an engine tells each of its runs which one it is, of how many, counted from where."""

    index: str
    count: str = ""
    first: str = ""


_ENGINES = (
    _Engine("AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE"),
    _Engine("JOB_COMPLETION_INDEX"),  # Kubernetes does not tell its pods how many there are
    _Engine("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN"),
)


class Shard(Struct, frozen=True):
    """Share `index` (from 0) of `count`; `source` is what said so."""

    index: int = 0
    count: int = 1
    source: str = ""

    def holds(self, session_id: str) -> bool:
        digest = hashlib.sha256(session_id.encode("utf-8", "surrogateescape")).digest()
        return int.from_bytes(digest[:8], "big") % self.count == self.index

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


def find_shard(text: str | None, environment: Mapping[str, str], source: str = "--shard") -> Shard:
    """The share that `text` says (`I/N`, or `/N` with I from an engine), or an engine, or all (UsageError).

    `source` is where `text` was said.
    """
    engine = next((one for one in _ENGINES if environment.get(one.index)), None)
    if text is None:
        return _of_engine(engine, environment) if engine else Shard()
    match = re.fullmatch(_FORM, text.strip())
    if match is None:
        raise _no_shard(f"{source} {text[:40]!r} is no shard")
    count = int(match["count"])
    if match["index"]:
        return _checked(int(match["index"]), count, source)
    if engine is None:
        raise _no_shard(f"{source} {text[:40]!r} leaves open which shard this is, and no engine says it")
    return _checked(_number(engine.index, environment), count, engine.index)


def _of_engine(engine: _Engine, environment: Mapping[str, str]) -> Shard:
    if not environment.get(engine.count):
        raise UsageError(
            f"{engine.index} says which shard this is, but nothing says of how many", hint="give the number: --shard /8"
        )
    first = _number(engine.first, environment) if environment.get(engine.first) else 0
    return _checked(_number(engine.index, environment) - first, _number(engine.count, environment), engine.index)


def _number(name: str, environment: Mapping[str, str]) -> int:
    value = environment[name].strip()
    if not value.isascii() or not value.isdecimal() or len(value) > 9:
        raise UsageError(f"{name} is {value[:40]!r}, not a number", hint="--shard I/N says it instead")
    return int(value)


def _checked(index: int, count: int, source: str) -> Shard:
    if not 0 <= index < count:
        raise _no_shard(f"there is no shard {index} of {count} ({source})")
    return Shard(index, count, source)


def _no_shard(what: str) -> UsageError:
    return UsageError(what, hint="write I/N, with I from 0 to N-1: --shard 0/4 is the first of four")
