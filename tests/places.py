"""Stores as the world sees them, without sessiontool: a folder, and a prefix of a bucket."""

from __future__ import annotations

import os
from pathlib import Path
from shutil import disk_usage
from typing import TYPE_CHECKING, Protocol

from s3server import BUCKET

if TYPE_CHECKING:
    from typing import Any

    from sessiontool.storage import Target

ROOM_BYTES = 4 << 30  # chosen: a run of all tests leaves a quarter of it at a time


def memory() -> str | None:
    """A folder in memory with room for all tests, where programs may be run; None where there is none."""
    folder = Path("/dev/shm")
    if not folder.is_dir() or os.statvfs(folder).f_flag & os.ST_NOEXEC:
        return None
    return str(folder) if disk_usage(folder).free > ROOM_BYTES else None


class Place(Protocol):
    url: str

    def put(self, key: str, body: bytes) -> None: ...
    def get(self, key: str) -> bytes: ...
    def delete(self, key: str) -> None: ...
    def keys(self) -> list[str]: ...


class Folder:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.url = str(root)

    def put(self, key: str, body: bytes) -> None:
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    def get(self, key: str) -> bytes:
        return (self.root / key).read_bytes()

    def delete(self, key: str) -> None:
        (self.root / key).unlink()

    def keys(self) -> list[str]:
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file())


class Prefix:
    bucket = BUCKET

    def __init__(self, url: str, client: Any) -> None:
        self.url = url
        self.prefix = url.partition(f"{BUCKET}/")[2] + "/"
        self.client = client

    def put(self, key: str, body: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=self.prefix + key, Body=body)

    def get(self, key: str) -> bytes:
        body: bytes = self.client.get_object(Bucket=BUCKET, Key=self.prefix + key)["Body"].read()
        return body

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=BUCKET, Key=self.prefix + key)

    def keys(self) -> list[str]:
        page = self.client.list_objects_v2(Bucket=BUCKET, Prefix=self.prefix)
        return sorted(entry["Key"].removeprefix(self.prefix) for entry in page.get("Contents", ()))


def place_with(folder: Path, request: Any, tmp_path: Path) -> Place:
    """A store of the test's own with the session in `folder`: a folder or a bucket, as the fixture's `param` says."""
    found: Place = Folder(tmp_path / "store")
    if request.param == "bucket":
        found = Prefix(request.getfixturevalue("s3_url"), request.getfixturevalue("s3_client"))
    for path in (path for path in folder.rglob("*") if path.is_file()):
        found.put(f"{folder.name}/{path.relative_to(folder).as_posix()}", path.read_bytes())
    return found


def publish(target: Target, *names: str, report: bytes = b"{}") -> None:
    """Publish files that hold `new` and their name, and a report."""
    with target.workspace() as work:
        for name in names:
            (work / name).write_text(f"new {name}")
        (work / "report.json").write_bytes(report)
        # The report comes first here: the order must not depend on the caller's.
        target.publish({name: work / name for name in ("report.json", *names)})
