"""Folders with chunks whose names are no session ids: no command can name them, so they must not go unsaid."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ..model import StoredObject
    from .layout import Layout

_MOST_LOOKED_AT = 1000
"""Keys of a folder that are looked at; chosen: one page of a listing."""


def misnamed_folders(
    layout: Layout, names: Iterable[str], below: Callable[[str], Iterable[StoredObject]]
) -> Iterator[str]:
    """Those of `names`, of what is directly below the layout's parent, folders with a slash at the end.

    `below` lists the objects below a prefix.  Hidden folders are none, nor are those without a chunk, as a folder of
    scripts.  Nothing is found by layouts in which the id is only a piece of a name: what a session is, its name says.
    """
    if not layout.owns_folder:
        return
    for name in names:
        folder = name.removesuffix("/")
        is_odd = folder != name and layout.session_named(folder, is_folder=True) is None
        if is_odd and not folder.startswith(".") and _has_chunk(layout, folder, below(f"{layout.parent}{name}")):
            yield folder


def _has_chunk(layout: Layout, folder: str, objects: Iterable[StoredObject]) -> bool:
    as_listed = folder.encode("utf-8", "backslashreplace").decode()
    return any(layout.is_chunk(as_listed, obj.key) for obj in islice(objects, _MOST_LOOKED_AT))
