"""Which layout fits the keys that a store has: for `--layout auto`, and for people to choose from."""

from __future__ import annotations

import re
from itertools import chain, islice
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..errors import NotFoundError, UsageError
from .layout import DEFAULT_PATTERN, MERGED_FOLDER, Layout
from .layout_hint import patterns_of
from .matching import is_pattern
from .undivided import undivided

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from .protocols import Store

_LOOKED_AT = 1000
"""Keys; chosen: a page of a listing."""
_SESSIONS = 5
"""Sessions that are looked at; chosen: they are of one program."""
_RECORDING = r"(?i)\.(?:webm|weba|ogg|oga|opus|mp4|m4a|mkv|mka|wav|mp3|aac)$"
_BARE_NUMBER = r"(?a)(?:^|.*/)[A-Za-z_-]*[0-9]+"
"""A numbered key without an extension: a recording, where no key says that it is one."""
_NO_SESSION = r"(?a)(?:[0-9]{1,6}|chunks?|parts?[-_]?[0-9]*|audio|recordings?|sessions?|calls?|uploads?|data)"
"""Names of folders that sessions do not have."""
_SUFFIXED = r"(?a).*?(?P<between>[-_.])[0-9]{1,18}\.[A-Za-z0-9]{1,8}"


class Proposal(Struct, frozen=True):
    """A layout that takes all `keys` recordings of a store as chunks, of `sessions` sessions."""

    pattern: str
    keys: int
    sessions: int

    def __str__(self) -> str:
        sessions = f"{self.sessions} session" + "s" * (self.sessions != 1)
        return f"{self.keys} of {self.keys} keys fit --layout '{self.pattern}' ({sessions})"


def proposals(keys: Iterable[str], wanted: AbstractSet[str] = frozenset()) -> list[Proposal]:
    """The layouts that take every recording among `keys`; the default alone where that does.

    Where sessions are `wanted`, a layout by which none of them is there is no answer.
    """
    keys = [key for key in keys if f"/{MERGED_FOLDER}/" not in f"/{key}"]
    named = [key for key in keys if re.search(_RECORDING, key)]
    recordings = named or [key for key in keys if re.fullmatch(_BARE_NUMBER, key)]
    if not recordings:
        return []
    default = _proposal(DEFAULT_PATTERN, recordings, wanted)
    if default:
        return [default]
    found: dict[str, Proposal] = {}
    for candidates in _candidates(recordings[0]):
        fitting = (one for pattern in candidates if (one := _proposal(pattern, recordings, wanted)))
        if first := next(fitting, None):
            pattern = undivided(first.pattern, recordings)
            found.setdefault(pattern, replace(first, pattern=pattern))
    return list(found.values())


def find_layout(store: Store, session_ids: Iterable[str] = ()) -> Layout:
    """The one layout that fits these sessions, or what a store has (UsageError where none does, or several do).

    `store` has the default layout.  Ids may be patterns, which name no session here.
    """
    wanted = {one for one in islice(session_ids, _SESSIONS) if not is_pattern(one)}
    keys = list(chain.from_iterable(_keys_of(store, one) for one in wanted))
    found = proposals(keys or store.sample_keys(_LOOKED_AT), wanted)
    if len(found) == 1:
        return Layout(found[0].pattern)
    if not found:
        raise UsageError(
            f"no layout fits the keys of {store.url}", hint="write it: --layout '{session}/{part}/{seq}.{ext}'"
        )
    lines = "; ".join(map(str, found))
    raise UsageError(f"more than one layout fits the keys of {store.url}", hint=f"choose one: {lines}")


def _keys_of(store: Store, session_id: str) -> list[str]:
    """The keys of what may be recordings in the folder that the default layout gives a session; none without it."""
    try:
        listing = store.list_session(session_id)
    except (NotFoundError, UsageError):
        return []
    return [*(chunk.object.key for chunk in listing.chunks), *(one.key for one in listing.ignored)][:_LOOKED_AT]


def _proposal(pattern: str, recordings: Sequence[str], wanted: AbstractSet[str]) -> Proposal | None:
    try:
        sessions = Layout(pattern).sessions_in(recordings)
    except UsageError:
        return None
    if len(sessions) != len(recordings) or (wanted and wanted.isdisjoint(sessions)):
        return None
    if not wanted and all(re.fullmatch(_NO_SESSION, one) for one in sessions):
        return None
    return Proposal(pattern, len(recordings), len(set(sessions)))


def _candidates(key: str) -> Iterator[list[str]]:
    """Patterns that a key may be made by, the likeliest first, for each name that may be its session's."""
    *folders, file = key.split("/")
    for place in range(len(folders)):
        before = "".join(f"{folder}/" for folder in folders[:place]) + "{session}/"
        yield [before + pattern for pattern in patterns_of("/".join([*folders[place + 1 :], file]))]
    before = "".join(f"{folder}/" for folder in folders)
    suffixed = re.fullmatch(_SUFFIXED, file)
    yield [f"{before}{{session}}{suffixed['between']}{{seq}}.{{ext}}"] if suffixed else [f"{before}{{session}}.{{ext}}"]
