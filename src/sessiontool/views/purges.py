"""How it reads what is deleted of sessions, or would be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .view import View

if TYPE_CHECKING:
    from ..sessions.purge import Purge


def _purge_lines(found: Purge, verbose: bool) -> list[str]:
    if found.action == "none":
        return [f"{found.session_id}: kept: {found.reason}"]
    objects = [*found.versions, *found.results]
    what = "everything" if found.action == "all" else "its chunks"
    done = "deleted" if found.deleted else "would delete"
    size = f"{len(objects):,} objects, {found.size_bytes / 1e6:.2f} MB"
    lines = [f"{found.session_id}: {done} {what}, {size}: {found.reason}"]
    if chunks := len({one.key for one in found.overridden}):
        lines.append(f"{found.session_id}: {done} although bytes of {chunks:,} chunk(s) are not in the result")
    lines += [f"{found.session_id}: not deleted, as it is no chunk: {key}" for key in found.left]
    shown = objects if verbose else ()
    return lines + [f"  {version.size_bytes:>9,} bytes  {version.key}{_version(version)}" for version in shown]


def _version(version: Any) -> str:
    if version.version in {"", "null"}:
        return ""
    return f" (delete marker {version.version})" if version.is_marker else f" (version {version.version})"


PURGE: View[Purge] = View(lambda found: found.summary_json(), _purge_lines, lambda _: 0)
