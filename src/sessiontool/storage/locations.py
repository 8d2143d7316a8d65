"""A folder's path or a URL -> the store there, or the place of a session's result."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..errors import UsageError
from .layout import Layout, check_session_id
from .local.store import LocalStore
from .local.target import FolderTarget
from .protocols import Limits, S3Options, Store, Target

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")


def open_store(
    url_or_path: str,
    *,
    options: S3Options | None = None,
    layout: Layout | None = None,
    limits: Limits | None = None,
) -> Store:
    """The store at a folder's path, a `file://` URL, or `s3://bucket/prefix`.

    A folder must exist (NotFoundError); a bucket is asked for with the first listing, which saves a round trip.
    UsageError where the name makes no sense, or the options name a profile that does not exist.
    """
    layout, limits = layout or Layout(), limits or Limits()
    scheme = _SCHEME.match(url_or_path)
    if scheme is None:
        return LocalStore(_folder(url_or_path), layout, limits)
    if scheme[1].lower() == "file":
        return LocalStore(_folder_of_url(url_or_path), layout, limits)
    if scheme[1].lower() == "s3":
        from .s3.store import open_s3  # noqa: PLC0415 - boto3 takes half a second to come up

        return open_s3(url_or_path, options or S3Options(), layout, limits)
    raise UsageError(f"cannot use a {scheme[1][:40]}:// store", hint="a store is a folder or s3://bucket/prefix")


def open_output(folder: str | Path, session_id: str, *, limits: Limits | None = None) -> Target:
    """The place of a session's result in a local folder of results, whatever store the session is in (UsageError)."""
    return FolderTarget(_folder(str(folder)) / check_session_id(session_id), limits)


def _folder(path: str) -> Path:
    if not path.strip() or "\0" in path:
        raise UsageError("the name of a folder is empty or broken", hint="name a folder, or s3://bucket/prefix")
    try:
        return Path(path).expanduser()
    except RuntimeError:  # ~somebody who is not known here
        return Path(path)


def _folder_of_url(url: str) -> Path:
    parts = urlsplit(url)
    if parts.netloc not in {"", "localhost"}:
        raise UsageError(
            f"{url!r} names another machine", hint="write file:///path with three slashes, or just the path"
        )
    return _folder(unquote(parts.path))
