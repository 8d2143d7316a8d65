"""Whether a bucket can be worked with: who we are, whether it is there, and everything that a merge does to it.

What is written goes to a key of its own, where the results of a session of that name would be, so that the permissions
that are asked for are those that a merge needs; it is deleted at the end.
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from ...errors import SessionToolError, StorageError
from ..checks import doubtful, probe
from ..protocols import Check
from .checksums import check_checksums, stores_without
from .errors import FAILURES, translate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..layout import Layout
    from .bucket import Bucket

_FOLDER = "sessiontool-doctor"
_MUCH_SKEW_S, _TOO_MUCH_SKEW_S = 60, 900
"""Chosen: worth a warning; and AWS's definition: beyond 15 minutes requests are refused."""
_NO_CONDITIONS = "two runs at once could mix their results: run one at a time, or use a server that keeps conditions"


def check_bucket(bucket: Bucket, session: Any) -> Iterator[Check]:
    """Credentials, the bucket, the clock; no more of them once one failed."""
    yield (found := probe("credentials", lambda: _credentials(session, bucket)))
    if found.status == "failed":
        return
    answer: dict[str, Any] = {}
    yield (found := probe("bucket", lambda: _bucket(bucket, answer)))
    if found.status != "failed":
        yield probe("clock", lambda: _clock(answer))


def check_writing(bucket: Bucket, session: Any, prefix_of: Callable[[str], str]) -> Iterator[Check]:
    """What a merge does where results go; `prefix_of` says where those of a session are."""
    folder = prefix_of(_FOLDER)
    key, copied = f"{folder}{uuid.uuid4().hex}", f"{folder}{uuid.uuid4().hex}"
    found = probe("write", lambda: _write(bucket, key))
    if found.status == "failed":
        hint = stores_without(bucket, session, copied)
        yield replace(found, hint=hint) if hint else found
        return
    yield found
    yield probe("checksums", lambda: check_checksums(bucket, copied))
    yield probe("conditional write", lambda: _conditions(bucket, key))
    yield probe("copy", lambda: _copy(bucket, key, copied))
    yield probe("delete", lambda: _delete(bucket, key, copied))


def check_purging(bucket: Bucket, root: str, layout: Layout) -> Check:
    """What `sessiontool purge` needs beyond that; most need it not."""
    try:
        next(bucket.version_pages(f"{root}{layout.folder(_FOLDER)}/"))
    except SessionToolError as error:
        hint = "only `sessiontool purge` needs it: s3:ListBucketVersions, s3:DeleteObjectVersion"
        return doubtful("versions", error.message, hint)
    return Check("versions", "ok", "can be listed, as `sessiontool purge` does")


def _credentials(session: Any, bucket: Bucket) -> str:
    doing = f"use {bucket.url('')}"
    try:
        found = session.get_credentials()
    except FAILURES as error:
        raise translate(error, doing, bucket.client.meta.endpoint_url) from error
    if found is None:
        raise StorageError(
            "there are no credentials",
            hint="name a profile with --profile or AWS_PROFILE, or set AWS_ACCESS_KEY_ID and its secret",
        )
    return f"from {found.method}"


def _bucket(bucket: Bucket, answer: dict[str, Any]) -> str:
    answer.update(bucket.head())
    region = answer["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region")
    return f"{bucket.url('')} answers" + (f", in {region}" if region else "")


def _clock(answer: dict[str, Any]) -> str | Check:
    try:
        theirs = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    except (KeyError, ValueError):
        return doubtful("clock", "the server does not tell its time", "see to it that this machine's clock is right")
    skew_s = (datetime.now(UTC) - theirs).total_seconds()
    what = f"{abs(skew_s):.0f} s {'ahead of' if skew_s > 0 else 'behind'} the server's"
    hint = "set the clock, and keep it right (NTP); S3 refuses requests that are 15 minutes off"
    if abs(skew_s) >= _TOO_MUCH_SKEW_S:
        raise StorageError(f"this machine's clock is {what}", hint=hint)
    return doubtful("clock", what, hint) if abs(skew_s) >= _MUCH_SKEW_S else what if abs(skew_s) >= 2 else "right"


def _write(bucket: Bucket, key: str) -> str:
    if bucket.put_if(key, b"first", None) is None:
        raise StorageError(f"{bucket.url(key)} is there, and should not be", hint="run it again")
    try:
        if (there := bucket.get_if_there(key)) != b"first":
            raise StorageError(f"{bucket.url(key)} comes back changed: {there!r:.80}", hint="ask who runs the server")
    except SessionToolError:
        with suppress(SessionToolError):
            bucket.delete([key])
        raise
    return f"{bucket.url(key)} written, and read again"


def _conditions(bucket: Bucket, key: str) -> str:
    if bucket.put_if(key, b"second", None) is not None:
        raise StorageError("the server ignores If-None-Match", hint=_NO_CONDITIONS)
    if bucket.put_if(key, b"second", "0" * 32) is not None:
        raise StorageError("the server ignores If-Match", hint=_NO_CONDITIONS)
    if bucket.put_if(key, b"second", bucket.tag_of(key)) is None:
        raise StorageError("the server refuses an If-Match that holds", hint=_NO_CONDITIONS)
    return "If-None-Match and If-Match are kept"


def _copy(bucket: Bucket, key: str, copied: str) -> str:
    bucket.copy(key, copied)
    return "on the server, as results are replaced"


def _delete(bucket: Bucket, *keys: str) -> str:
    with suppress(SessionToolError):
        bucket.delete(keys[1:])
    bucket.delete(keys[:1])
    if bucket.tag_of(keys[0]) is not None:
        raise StorageError(f"{bucket.url(keys[0])} is still there", hint="delete it by hand")
    return "what was written here is deleted"
