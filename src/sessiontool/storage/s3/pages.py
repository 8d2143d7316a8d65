"""A page over all sessions, in the root of a bucket's sessions or results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..local.disk import scratch_folder
from ..local.untrusted import check_name

if TYPE_CHECKING:
    from .bucket import Bucket


def write_page(bucket: Bucket, root: str, name: str, body: bytes) -> str:
    """Store a page below `root`, in the place of an older one; where it is then (StorageError)."""
    key = root + check_name(name)
    with scratch_folder() as folder:
        (folder / name).write_bytes(body)
        bucket.put_file(key, folder / name)
    return bucket.url(key)
