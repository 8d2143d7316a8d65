"""Where a store keeps what: one pattern of key fields, and the questions that both kinds of store ask of it.

Keys are data from outside.  They are only ever matched against the pattern, never taken apart by hand: a key that does
not fit is reported as ignored, and a session id is checked before it becomes part of a key or a path.  Keys are
relative to the store's root and use `/`.

Not here: reading or writing anything.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..errors import UsageError
from ..model import ChunkRef, SessionListing, StoredObject
from .name_times import TIME, microseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

ANYTHING = "*"
"""The field that may be anything within one name of a key, and says nothing."""
DEFAULT_PATTERN = "{session}/chunks/{part}/{seq}.{ext}"
AUTO = "auto"
"""In the place of a layout: the one that fits, by `layout_proposal`."""
MERGED_FOLDER = "merged"
REDACTED_FOLDER = "redacted"
"""In the folder of a result: that of the redacted one."""
SINGLE_PART = "0"
"""The part that all chunks belong to where the pattern has no `{part}`."""

_FIELDS = {
    "session": r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}",
    "part": r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}",
    "seq": r"[0-9]{1,18}",
    "time": TIME,
    "ext": r"[A-Za-z0-9]{1,8}",
}
_SESSION_ID = _FIELDS["session"]
_DOCUMENT = (
    r"(?a)[A-Za-z0-9][A-Za-z0-9._-]{0,127}\.(?:jsonl?|csv|tsv|srt|vtt)|utterances\.txt|events/[0-9]{1,18}\.jsonl?"
)
_DIGITS_OR_NOT = r"[0-9]+|[^0-9]+"
_INSIDE = r"(?<=[^/:])/(?:chunks|merged|events|recording)(?:/.*)?$|/[a-z]+\.jsonl?$"
"""What a pasted path has behind the folder of a session."""
_PLACEHOLDER = r"\{([^{}]*)\}"

SIDECARS = frozenset(
    {"json", "jsonl", "txt", "log", "csv", "vtt", "srt", "md5", "sha1", "sha256", "tmp", "part", "partial"}
)
"""Endings of what is beside recordings under the same number: manifests, checksums, unfinished uploads."""


def check_session_id(session_id: str) -> str:
    """`session_id` if it is one, so that it is safe in a key or a path (UsageError)."""
    if isinstance(session_id, str) and re.fullmatch(_SESSION_ID, session_id):
        return session_id
    shown = repr(session_id[:200] if isinstance(session_id, str) else session_id)
    hint = "an id is 1 to 128 letters, digits, '.', '_' or '-', and begins with a letter or digit"
    if {"/", "\\"} & set(str(session_id)):
        hint = "an id is the name of the session's folder alone; the folder around it is the store, named by --store"
        store, _, name = re.sub(_INSIDE, "", str(session_id)).rstrip("/").rpartition("/")
        if store.strip("./") and re.fullmatch(_SESSION_ID, name):
            hint = f"an id is a folder's name alone, the folder around it is the store: {name} --store {store}"
    raise UsageError(f"not a session id: {shown}", hint=hint)


def natural_key(text: str) -> list[tuple[bool, int, str]]:
    """A sort key that compares the numbers in `text` as numbers: `2` before `10`, `part-2` before `part-10`."""
    return [
        (False, int(token), "") if token.isdecimal() else (True, 0, token) for token in re.findall(_DIGITS_OR_NOT, text)
    ]


class _Component(Struct, frozen=True):
    """One folder or file name of a pattern: literals at even indices of `tokens`, field names at odd ones."""

    tokens: tuple[str, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        return self.tokens[1::2]


_Components = tuple[_Component, ...]


def _fields(components: _Components) -> list[str]:
    return [name for component in components for name in component.fields]


def _session_component(components: _Components) -> _Component:
    return next(component for component in components if "session" in component.fields)


def _is_relative(components: _Components) -> bool:
    return not any(component.tokens in {("",), (".",), ("..",)} for component in components)


def _fields_known(components: _Components) -> bool:
    return set(_fields(components)) <= {*_FIELDS, ANYTHING} and not any(
        re.search("[{}]", literal) for component in components for literal in component.tokens[::2]
    )


def _once_each(components: _Components) -> bool:
    return all(_fields(components).count(name) <= 1 for name in ("part", "seq", "time", "ext"))


def _separated(components: _Components) -> bool:
    return all(all(component.tokens[2:-1:2]) for component in components)


def _clear_of_output(components: _Components) -> bool:
    if components[0].tokens == (MERGED_FOLDER,):
        return True
    index = components.index(_session_component(components))
    return components[index + 1 : index + 2] != (_Component((MERGED_FOLDER,)),)


# Each rule may rely on those above it.
_RULES: tuple[tuple[Callable[[_Components], bool], str], ...] = (
    (_is_relative, "it must be relative to the store, without empty, '.' or '..' folders"),
    (_fields_known, "its fields can only be {session}, {part}, {seq}, {time}, {ext} and {*}"),
    (lambda found: "session" in _fields(found), "it must contain {session}"),
    (_once_each, "{part}, {seq}, {time} and {ext} can stand in it only once"),
    (_separated, "two fields need something between them, or it cannot be seen where one ends"),
    (lambda found: _fields(found)[0] == "session", "{session} must come before the other fields"),
    (
        lambda found: "part" not in _session_component(found).fields,
        "{part} must be in a later folder than {session}: in one name, 'a-1-2' could be two different parts",
    ),
    (_clear_of_output, f"'{MERGED_FOLDER}' inside the session's folder is where results go"),
)


def _parse(pattern: str) -> _Components:
    components = tuple(_Component(tuple(re.split(_PLACEHOLDER, name))) for name in pattern.split("/"))
    for holds, complaint in _RULES:
        if not holds(components):
            raise UsageError(
                f"the layout {pattern!r} cannot be used: {complaint}", hint=f"the default is {DEFAULT_PATTERN}"
            )
    return components


def _regex(components: _Components, session_id: str | None = None) -> re.Pattern[str]:
    """What matches keys (or a name, for a single component) of one session, or of any."""
    seen: set[str] = set()

    def field(name: str) -> str:
        if name == "session" and session_id is not None:
            return re.escape(session_id)
        if name == ANYTHING:
            return "[^/]+"
        if name in seen:
            return f"(?P={name})"
        seen.add(name)
        return f"(?P<{name}>{_FIELDS[name]})"

    def name(component: _Component) -> str:
        return "".join(field(token) if index % 2 else re.escape(token) for index, token in enumerate(component.tokens))

    return re.compile("/".join(map(name, components)), re.ASCII)


def _number(fields: Mapping[str, str]) -> int | None:
    """A chunk's number by its key, without one its time in microseconds; None without both."""
    if "seq" in fields:
        return int(fields["seq"])
    return microseconds(fields["time"]) if "time" in fields else None


def _as_they_came(chunks: Iterable[ChunkRef]) -> list[ChunkRef]:
    """Chunks whose keys have neither numbers nor times, numbered in the order in which they came.

    What came in one moment has the order of its names, and what a recorder wrote into the chunks decides in the end.
    """
    by_arrival = sorted(chunks, key=lambda one: (one.object.modified_s, natural_key(one.object.key)))
    return [replace(chunk, seq=place) for place, chunk in enumerate(by_arrival)]


class Layout:
    """Which keys of a store belong to which session, and what they are.

    A session's folder holds its documents and its result.  It is the pattern's path up to the folder `{session}`; where
    the id is only a piece of a name (`{session}-{seq}.webm`), it is a folder of that id beside those names.
    """

    def __init__(self, pattern: str = DEFAULT_PATTERN) -> None:
        self.pattern = pattern
        self._components = _parse(pattern)
        self._depth = self._components.index(_session_component(self._components))
        self._session_name = _regex(self._components[self._depth : self._depth + 1])
        self._any_chunk = _regex(self._components)
        self.parent = "".join(f"{component.tokens[0]}/" for component in self._components[: self._depth])
        """The prefix below which every session is: empty, or ending in `/`."""

    def __repr__(self) -> str:
        return f"Layout({self.pattern!r})"

    @property
    def owns_folder(self) -> bool:
        """Whether everything of a session is in its folder."""
        return self._components[self._depth].tokens == ("", "session", "")

    @property
    def has_order(self) -> bool:
        """Whether the names of chunks say in which order they are."""
        return bool({"seq", "time"} & set(_fields(self._components)))

    def folder(self, session_id: str) -> str:
        """The key of a session's folder, without a slash at its end (UsageError for what is no id)."""
        return self.parent + check_session_id(session_id)

    def prefixes(self, session_id: str) -> tuple[str, ...]:
        """What the keys of a session begin with; no key is below two of them."""
        folder = f"{self.folder(session_id)}/"
        if self.owns_folder:
            return (folder,)
        return (self._up_to_number(session_id), folder)

    def _up_to_number(self, session_id: str) -> str:
        """What the keys of all chunks of a session begin with."""
        start = re.split(r"\{(?:part|seq|time|ext|\*)\}", self.pattern, maxsplit=1)[0]
        return start.replace("{session}", session_id)

    def session_named(self, name: str, *, is_folder: bool) -> str | None:
        """The session that a folder or file directly below `parent` belongs to, if any."""
        if is_folder != (self._depth + 1 < len(self._components)):
            return None
        match = self._session_name.fullmatch(name)
        return match["session"] if match else None

    def sessions_named(self, names: Iterable[str]) -> Iterator[str]:
        """The sessions, each once, of what is directly below `parent`; the names of folders end in a slash."""
        seen: set[str] = set()
        for name in names:
            session_id = self.session_named(name.removesuffix("/"), is_folder=name.endswith("/"))
            if session_id is not None and session_id not in seen:
                seen.add(session_id)
                yield session_id

    def belongs(self, session_id: str, key: str) -> bool:
        """Whether a key is the session's: one of its chunks, or in its folder.  A marker of a folder is not."""
        inside = key.startswith(f"{self.folder(session_id)}/") and not key.endswith("/")
        return inside or self.is_chunk(session_id, key)

    def sessions_in(self, keys: Iterable[str]) -> list[str]:
        """The session of each key that is a chunk."""
        matches = (self._any_chunk.fullmatch(key) for key in keys)
        return [match["session"] for match in matches if match]

    def fields_of(self, keys: Iterable[str]) -> list[dict[str, str]]:
        """What the fields are of each key that is a chunk."""
        return [match.groupdict() for key in keys if (match := self._any_chunk.fullmatch(key))]

    def holds_sessions(self, folder: str, keys: Iterable[str]) -> bool:
        """Whether some of `keys`, which are below `folder`, are chunks where that is the store."""
        below = (key.removeprefix(f"{folder}/") for key in keys if key.startswith(f"{folder}/"))
        return any(self._any_chunk.fullmatch(key) for key in below)

    def is_chunk(self, session_id: str, key: str) -> bool:
        match = _regex(self._components, session_id).fullmatch(key)
        return match is not None and match.groupdict().get("ext", "").lower() not in SIDECARS

    def listing(self, session_id: str, objects: Iterable[StoredObject]) -> SessionListing | None:
        """What `objects`, all those below `prefixes`, are to the session; None where nothing of it is there.

        A key that ends in `/` marks a folder: it only shows that the session exists.
        """
        folder = f"{self.folder(session_id)}/"
        pattern = _regex(self._components, session_id)
        chunks: list[ChunkRef] = []
        parts: dict[str, str] = {}
        is_numbered = True
        documents: dict[str, StoredObject] = {}
        ignored: list[StoredObject] = []
        exists = False
        for stored in objects:
            inside = stored.key.startswith(folder)
            exists = exists or inside
            match = pattern.fullmatch(stored.key)
            fields = match.groupdict() if match else {}
            if match and fields.get("ext", "").lower() not in SIDECARS:
                part, number = fields.get("part", SINGLE_PART), _number(fields)
                is_numbered = number is not None
                chunks.append(ChunkRef(stored, parts.setdefault(part, part), number or 0))
            elif inside and re.compile(_DOCUMENT).fullmatch(stored.key, len(folder)):
                documents[stored.key[len(folder) :]] = stored
            elif self._is_stray(stored.key, folder):
                ignored.append(stored)
        if not (exists or chunks):
            return None
        if not is_numbered:
            chunks = _as_they_came(chunks)
        rank = {part: (natural_key(part), part) for part in parts}
        chunks.sort(key=lambda chunk: (rank[chunk.part], chunk.seq, chunk.object.key))
        ignored.sort(key=lambda stored: stored.key)
        return SessionListing(
            session_id,
            folder.rstrip("/"),
            tuple(chunks),
            dict(sorted(documents.items())),
            tuple(ignored),
            self._chunks_folder(session_id),
        )

    def _chunks_folder(self, session_id: str) -> str:
        """The folder that has a session's chunks and nothing else, ending in `/`; empty where there is none."""
        path = "".join(self._up_to_number(session_id).rpartition("/")[:2])
        is_inside = path.count("/") > self._depth and path != f"{self.folder(session_id)}/"
        return path if is_inside else ""

    def _is_stray(self, key: str, folder: str) -> bool:
        """Whether a key that is no use to the session is reported with it, and not with another or not at all."""
        if key.endswith("/") or key.startswith(f"{folder}{MERGED_FOLDER}/"):
            return False
        if key.startswith(folder):
            return True
        # `a-` also begins the keys of the session `a-1`.
        return key.count("/") == self.pattern.count("/") and not self._any_chunk.fullmatch(key)
