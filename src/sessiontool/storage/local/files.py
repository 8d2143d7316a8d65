"""Files in a local folder that are no result, such as exports."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from .disk import disk_errors, work_folder
from .untrusted import check_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path


class FolderFiles:
    """Files in a folder, which is made when the first work begins."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def url(self) -> str:
        return str(self._folder)

    def inside(self, name: str) -> FolderFiles:
        return FolderFiles(self._folder / check_name(name))

    def first_there(self, names: Iterable[str]) -> str | None:
        return next((name for name in names if (self._folder / name).exists()), None)

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        with disk_errors("write to", self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
        with work_folder(self._folder, ".sessiontool-") as work:
            yield work

    def put(self, files: Mapping[str, Path]) -> None:
        with disk_errors("write to", self._folder):
            for name, path in files.items():
                path.replace(self._folder / check_name(name))
