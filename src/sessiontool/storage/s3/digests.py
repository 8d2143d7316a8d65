"""Tags that are digests: an ETag is the MD5 of the bytes, but for uploads in parts and where KMS encrypts."""

from __future__ import annotations

import hashlib
import re

_MD5 = r"[0-9a-f]{32}"


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def is_digest(tag: str) -> bool:
    """Whether a tag looks like an MD5."""
    return re.fullmatch(_MD5, tag) is not None


def differs(data: bytes, tag: str) -> bool:
    """Whether a tag looks like an MD5 and is not that of `data`."""
    return is_digest(tag) and md5(data) != tag
