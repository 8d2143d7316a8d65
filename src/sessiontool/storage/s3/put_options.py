"""What is asked of S3 for everything that is stored there: encryption and tags."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from ...errors import UsageError

if TYPE_CHECKING:
    from ...options import S3Options

ENCRYPTIONS = ("AES256", "aws:kms", "aws:kms:dsse")

_MOST_TAGS = 10
"""Numbers of tags of an object, by the definition of S3."""
_NAME = r"[\w +\-=.:/@]{1,128}"
_VALUE = r"[\w +\-=.:/@]{0,256}"


def write_parameters(options: S3Options) -> dict[str, str]:
    """The parameters of a request that stores something, as boto3 names them (UsageError for what S3 would refuse)."""
    parameters = {}
    encryption = options.sse or ("aws:kms" if options.sse_kms_key_id else None)
    if encryption is not None and encryption not in ENCRYPTIONS:
        raise UsageError(f"{encryption!r} is no encryption that S3 knows", hint=f"use one of {', '.join(ENCRYPTIONS)}")
    if encryption:
        parameters["ServerSideEncryption"] = encryption
    if options.sse_kms_key_id:
        if encryption == "AES256":
            raise UsageError("a KMS key encrypts nothing with AES256", hint="set sse to aws:kms, or leave it out")
        parameters["SSEKMSKeyId"] = options.sse_kms_key_id
    if options.tags:
        parameters["Tagging"] = urlencode(read_tags(options.tags))
    return parameters


def read_tags(text: str) -> dict[str, str]:
    """The tags in `name=value,name=value` (UsageError)."""
    tags: dict[str, str] = {}
    for pair in text.split(","):
        name, is_pair, value = (part.strip() for part in pair.partition("="))
        if not (is_pair and re.fullmatch(_NAME, name) and re.fullmatch(_VALUE, value)) or name in tags:
            raise UsageError(
                f"{pair.strip()[:80]!r} is no tag, or is there twice",
                hint="tags are written name=value,name=value, with letters, digits, spaces and + - = . _ : / @",
            )
        tags[name] = value
    if len(tags) > _MOST_TAGS:
        raise UsageError(f"{len(tags)} tags are too many", hint=f"an object can have {_MOST_TAGS}")
    return tags
