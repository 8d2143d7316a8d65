"""Checksums that boto3 sends with what is stored (from 1.36 on), and servers that cannot deal with them.

AWS checks them.  Of the others some refuse the request, and some store the frame that carries the checksum as a part
of the object, which is then no recording any more (boto3's issues 4398 and 4435, SeaweedFS' 6548).  Both show only when
it is tried.  botocore sets them by `request_checksum_calculation`, `when_supported` or `when_required`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from botocore.config import Config

from ...errors import SessionToolError
from .bucket import Bucket
from .errors import FAILURES

if TYPE_CHECKING:
    from ..protocols import Check

_WITHOUT: Final = "when_required"
_TRIED = b"sessiontool"
_NOT_ITS_CRC32 = "AAAAAA=="
"""Base64 of four bytes that are 0, which is not the CRC-32 of `_TRIED`."""


def in_force(bucket: Bucket) -> str:
    """How checksums are set for a bucket's requests: `when_supported` or `when_required`."""
    return str(bucket.client.meta.config.request_checksum_calculation)


def stores_without(bucket: Bucket, session: Any, key: str) -> str:
    """What to set where the server stores an object as it is only without a checksum; empty where it does not.

    What is written at `key` for that is deleted.
    """
    if in_force(bucket) == _WITHOUT:
        return ""
    wanted = Config(request_checksum_calculation=_WITHOUT, response_checksum_validation=_WITHOUT)
    meta = bucket.client.meta
    client = session.client("s3", endpoint_url=meta.endpoint_url, config=meta.config.merge(wanted))
    without = Bucket(client, bucket.name, bucket.written, bucket.limits)
    try:
        if without.put_if(key, _TRIED, None) is None or without.get_if_there(key) != _TRIED:
            return ""
    except SessionToolError:
        return ""
    finally:
        with suppress(SessionToolError):
            without.delete([key])
        without.close()
    return "set checksums to when_required (--checksums, SESSIONTOOL_CHECKSUMS): tried, and the server stores it so"


def check_checksums(bucket: Bucket, key: str) -> str | Check:
    """How checksums are set, and whether the server compares them; what it stores at `key` for that is deleted."""
    if in_force(bucket) == _WITHOUT:
        return f"{_WITHOUT}: none is sent with what is stored"
    try:
        bucket.client.put_object(
            Bucket=bucket.name, Key=key, Body=_TRIED, ChecksumCRC32=_NOT_ITS_CRC32, **bucket.written
        )
    except FAILURES:
        return "sent with what is stored, and a wrong one is refused"
    bucket.delete([key])
    return "sent with what is stored; the server does not compare them"
