"""Versions and delete markers in a bucket: listing them, and deleting them for good.

An object of a bucket without versions has one version, `null`.  Deleting names the version that was listed, so where a
bucket keeps versions, what was put since is never deleted.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from ...errors import StorageError
from ...model import StoredVersion

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .bucket import Bucket

_AT_ONCE = 1000
"""Number of keys that S3 takes in one request, by definition."""


def list_versions(bucket: Bucket, root: str, prefix: str) -> Iterator[StoredVersion]:
    """Every version and delete marker whose key, below `root`, begins with `prefix` (StorageError)."""
    for page in bucket.version_pages(root + prefix):
        for entry in page.get("Versions", ()):
            yield _version(entry, root, entry["Size"], entry["ETag"].strip('"'))
        for entry in page.get("DeleteMarkers", ()):
            yield _version(entry, root, 0, "", is_marker=True)


def _version(entry: dict[str, Any], root: str, size_bytes: int, tag: str, *, is_marker: bool = False) -> StoredVersion:
    return StoredVersion(
        entry["Key"].removeprefix(root),
        size_bytes,
        tag,
        entry["LastModified"].timestamp(),
        version=entry["VersionId"],
        is_current=entry["IsLatest"],
        is_marker=is_marker,
    )


def delete_versions(bucket: Bucket, root: str, versions: Sequence[StoredVersion]) -> None:
    """Delete versions and markers, in this order (StorageError naming the first that was refused)."""
    remaining = iter(versions)
    while some := list(islice(remaining, _AT_ONCE)):
        objects = [{"Key": root + version.key, "VersionId": version.version} for version in some]
        refused = bucket.delete_exactly(objects)
        if refused:
            first = refused[0]
            raise StorageError(
                f"cannot delete {bucket.url(str(first.get('Key')))}: {first.get('Code')}: {first.get('Message')}"
                + (f", and {len(refused) - 1} more" if len(refused) > 1 else ""),
                hint="ask for s3:DeleteObject and s3:DeleteObjectVersion there; a lock or a hold keeps objects too",
            )
