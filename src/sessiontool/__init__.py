"""sessiontool: the chunks of a recorded voice session, joined without loss, with captions from the sound.

`merge` is the whole interface; what it raises is in `sessiontool.errors`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import merge as merge
    from .sessions.merge import MergeResult as MergeResult

__version__ = "0.1.0"
__all__ = ["MergeResult", "__version__", "merge"]

_HOMES = {"merge": "sessiontool.api", "MergeResult": "sessiontool.sessions.merge"}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: the command line starts without any of it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(_HOMES[name]), name)
