"""Which layout fits the keys that a store has: for `--layout auto`, and for people to choose from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ..errors import UsageError
from .layout import DEFAULT_PATTERN, MERGED_FOLDER, Layout
from .layout_hint import patterns_of
from .name_times import TIME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .protocols import Store

_LOOKED_AT = 1000
"""Keys; chosen: a page of a listing."""
_RECORDING = re.compile(r"\.(?:webm|weba|ogg|oga|opus|mp4|m4a|mkv|mka|wav)$", re.IGNORECASE)
_NO_SESSION = re.compile(
    r"(?:[0-9]{1,6}|chunks?|parts?[-_]?[0-9]*|audio|recordings?|sessions?|calls?|uploads?|data)", re.ASCII
)
"""Names of folders that sessions do not have."""
_TIMED = re.compile(rf"(?P<before>.*?)(?:{TIME})(?P<after>.*)\.[A-Za-z0-9]{{1,8}}", re.ASCII)
_SUFFIXED = re.compile(r".*?(?P<between>[-_.])[0-9]{1,18}\.[A-Za-z0-9]{1,8}", re.ASCII)


class Proposal(NamedTuple):
    """A layout that takes all `keys` recordings of a store as chunks, of `sessions` sessions."""

    pattern: str
    keys: int
    sessions: int

    def __str__(self) -> str:
        sessions = f"{self.sessions} session" + "s" * (self.sessions != 1)
        return f"{self.keys} of {self.keys} keys fit --layout '{self.pattern}' ({sessions})"


def proposals(keys: Iterable[str]) -> list[Proposal]:
    """The layouts that take every recording among `keys`; the default alone where that does."""
    recordings = [key for key in keys if _RECORDING.search(key) and f"/{MERGED_FOLDER}/" not in f"/{key}"]
    if not recordings:
        return []
    default = _proposal(DEFAULT_PATTERN, recordings)
    if default:
        return [default]
    found: dict[str, Proposal] = {}
    for candidates in _candidates(recordings[0]):
        fitting = (one for pattern in candidates if (one := _proposal(pattern, recordings)))
        if first := next(fitting, None):
            found.setdefault(first.pattern, first)
    return list(found.values())


def find_layout(store: Store) -> Layout:
    """The one layout that fits what a store has (UsageError where none does, or several do)."""
    found = proposals(store.sample_keys(_LOOKED_AT))
    if len(found) == 1:
        return Layout(found[0].pattern)
    if not found:
        raise UsageError(
            f"no layout fits the keys of {store.url}", hint="write it: --layout '{session}/{part}/{seq}.{ext}'"
        )
    lines = "; ".join(map(str, found))
    raise UsageError(f"more than one layout fits the keys of {store.url}", hint=f"choose one: {lines}")


def _proposal(pattern: str, recordings: Sequence[str]) -> Proposal | None:
    try:
        sessions = Layout(pattern).sessions_in(recordings)
    except UsageError:
        return None
    if len(sessions) != len(recordings) or all(_NO_SESSION.fullmatch(one) for one in sessions):
        return None
    return Proposal(pattern, len(recordings), len(set(sessions)))


def _candidates(key: str) -> Iterator[list[str]]:
    """Patterns that a key may be made by, the likeliest first, for each name that may be its session's."""
    *folders, file = key.split("/")
    for place in range(len(folders)):
        before = "".join(f"{folder}/" for folder in folders[:place]) + "{session}/"
        yield [before + pattern for pattern in _below("/".join([*folders[place + 1 :], file]))]
    before = "".join(f"{folder}/" for folder in folders)
    suffixed = _SUFFIXED.fullmatch(file)
    yield [f"{before}{{session}}{suffixed['between']}{{seq}}.{{ext}}"] if suffixed else [f"{before}{{session}}.{{ext}}"]


def _below(name: str) -> Iterator[str]:
    """Patterns of what is below a session's folder."""
    *folders, file = name.split("/")
    inside = "".join(f"{folder}/" for folder in folders)
    in_part = "".join(f"{folder}/" for folder in folders[:-1]) + "{part}/" if folders else ""
    if timed := _TIMED.fullmatch(file):
        made = f"{timed['before']}{{time}}{timed['after']}.{{ext}}"
        yield from (inside + made, *([in_part + made] if in_part else []))
    yield from patterns_of(name)
    yield inside + "{*}.{ext}"
    if in_part:
        yield in_part + "{*}.{ext}"
