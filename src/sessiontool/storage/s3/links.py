"""Signed URLs of objects (Signature version 4, in the query): anyone who has one can read the object until it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import UsageError
from .errors import FAILURES, translate

if TYPE_CHECKING:
    from .bucket import Bucket

LONGEST_S = 7 * 86_400
"""By definition of AWS Signature Version 4 (X-Amz-Expires)."""


def link_to(bucket: Bucket, key: str, lifetime_s: int) -> str:
    """A URL by which an object can be read for so long (UsageError where it cannot be that long, StorageError)."""
    if not 0 < lifetime_s <= LONGEST_S:
        raise UsageError("a link on S3 is good for 1 second to 7 days", hint="give a time such as 12h or 7d")
    client, where = bucket.client, {"Bucket": bucket.name, "Key": key}
    client.meta.events.register_first("choose-signer.s3.GetObject", _by_version_4)
    try:
        return str(client.generate_presigned_url("get_object", Params=where, ExpiresIn=lifetime_s))
    except FAILURES as error:
        raise translate(error, f"make a link to {bucket.url(key)}", client.meta.endpoint_url) from error


def _by_version_4(signature_version: str, **_: Any) -> str | None:
    """Version 4 where botocore would still sign a link by version 2; None leaves it to botocore."""
    return "s3v4-query" if signature_version in {"v4-query", "s3v4-query", "s3-query"} else None
