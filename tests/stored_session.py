"""A recorded session in a store of a test's own: joined, changed as it was noted, and the packets that come of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from recordings import walk

from sessiontool import MergeOptions, merge, verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sessiontool import MergeResult

    Parts = list[dict[str, Any]]


PARTS = ("000", "001", "002")
"""Those of the sample."""


def merged(session: Path) -> MergeResult:
    """The session of this folder merged into the folder, without alignment."""
    return merge(session.name, store=session.parent, options=MergeOptions(align=False))


def packets(session: Path) -> list[tuple[int, bytes]]:
    """When each packet of the joined recording is played, in ms, and its bytes."""
    return [(block.time_ms, block.payload) for block in walk((session / "merged" / "audio.webm").read_bytes())]


def edit_parts(session: Path, change: Callable[[Parts], Parts | None]) -> None:
    """Change what session.json notes of the parts, in place or by returning others."""
    document = json.loads((session / "session.json").read_text())
    document["parts"] = change(document["parts"]) or document["parts"]
    (session / "session.json").write_text(json.dumps(document))


def assert_verified(session: Path) -> None:
    """Its published result is what its report says."""
    assert not [one for one in verify(session.name, store=session.parent).findings if one.severity != "info"]
