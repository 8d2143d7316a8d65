"""Results in a local folder of their own, outside the store: a folder for each session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .pages import write_page
from .target import FolderTarget

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ...options import Limits
    from ..protocols import Check


class FolderResults:
    """Results below `root`, which is made when the first of them is."""

    def __init__(self, root: Path, limits: Limits) -> None:
        self._root = root
        self._limits = limits

    @property
    def url(self) -> str:
        return str(self._root)

    def write_page(self, name: str, body: bytes) -> str:
        return write_page(self._root, name, body)

    def target(self, session_id: str) -> FolderTarget:
        return FolderTarget(self._root / session_id, self._limits)

    def checks(self) -> Iterator[Check]:
        from ..checks import check_output  # noqa: PLC0415 - for `doctor`

        yield check_output(self._root)
