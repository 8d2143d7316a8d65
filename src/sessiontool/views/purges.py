"""How it reads what is deleted of sessions, or would be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .table import Row
from .view import View

if TYPE_CHECKING:
    from ..sessions.purge import Purge
    from .table import Line

_SIZE_WIDTH = 17
"""Character cells of a size; chosen: a gigabyte fits."""


def _purge_lines(found: Purge, verbose: bool) -> list[Line]:
    if found.action == "none":
        return [f"{found.session_id}: kept: {found.reason}"]
    objects = [*found.versions, *found.results]
    what = "everything" if found.action == "all" else "its chunks"
    done = "deleted" if found.deleted else "would delete"
    size = f"{len(objects):,} objects, {found.size_bytes / 1e6:.2f} MB"
    lines: list[Line] = [f"{found.session_id}: {done} {what}, {size}: {found.reason}"]
    if chunks := len({one.key for one in found.overridden}):
        lines.append(f"{found.session_id}: {done} although bytes of {chunks:,} chunk(s) are not in the result")
    lines += [f"{found.session_id}: not deleted, as it is no chunk: {key}" for key in found.left]
    shown = objects if verbose else ()
    keys = ((version.size_bytes, f"{version.key}{_version(version)}") for version in shown)
    return lines + [Row((f"  {size_bytes:>9,} bytes", key), (_SIZE_WIDTH,)) for size_bytes, key in keys]


def _version(version: Any) -> str:
    if version.version in {"", "null"}:
        return ""
    return f" (delete marker {version.version})" if version.is_marker else f" (version {version.version})"


PURGE: View[Purge] = View(lambda found: found.summary_json(), _purge_lines, lambda _: 0)
