"""A folder's path or a URL -> the store there, or the place of results."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ..errors import UsageError
from ..options import Limits, S3Options
from .layout import Layout, check_session_id
from .local.files import FolderFiles
from .local.results import FolderResults
from .local.store import LocalStore

if TYPE_CHECKING:
    from os import PathLike

    from .files import Files
    from .protocols import Results, Store, Target

_SCHEME = r"([A-Za-z][A-Za-z0-9+.-]+)://"
_MISTYPED = r"(?i)s3:"


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
    if _is_bucket(url_or_path, "store"):
        from .s3.store import open_s3  # noqa: PLC0415 - boto3 takes half a second to come up

        return open_s3(url_or_path, options or S3Options(), layout, limits)
    return LocalStore(_folder(url_or_path), layout, limits)


def open_results(url_or_path: str, *, options: S3Options | None = None, limits: Limits | None = None) -> Results:
    """The place of results at a folder's path, a `file://` URL, or `s3://bucket/prefix`, whatever the store is.

    Nothing is made or asked of a server yet.  UsageError as `open_store`.
    """
    limits = limits or Limits()
    if _is_bucket(url_or_path, "place for results"):
        from .s3.results import S3Results  # noqa: PLC0415 - as above

        return S3Results.at(url_or_path, options or S3Options(), limits)
    return FolderResults(_folder(url_or_path), limits)


def open_files(url_or_path: str, *, options: S3Options | None = None, limits: Limits | None = None) -> Files:
    """The place of files that are no result, such as exports, at a folder's path or `s3://bucket/prefix`.

    Nothing is made or asked of a server yet.  UsageError as `open_store`.
    """
    if _is_bucket(url_or_path, "folder"):
        from .s3.files import S3Files  # noqa: PLC0415 - as above
        from .s3.store import open_bucket  # noqa: PLC0415

        bucket, root, _ = open_bucket(url_or_path, options or S3Options(), limits or Limits())
        return S3Files(bucket, root)
    return FolderFiles(_folder(url_or_path))


def open_output(
    url_or_path: str | Path, session_id: str, *, options: S3Options | None = None, limits: Limits | None = None
) -> Target:
    """The place of one session's result outside its store (UsageError as `open_results`, and for a wrong id)."""
    return open_results(str(url_or_path), options=options, limits=limits).target(check_session_id(session_id))


def target_of(
    store: Store,
    session_id: str,
    output: str | PathLike[str] | None,
    *,
    options: S3Options | None = None,
    limits: Limits | None = None,
) -> Target:
    """The place of a session's result: outside its store where there is an `output` (UsageError as `open_output`)."""
    if output is None:
        return store.target(session_id)
    return open_output(str(output), session_id, options=options, limits=limits)


def local_folder(path: str) -> Path:
    """The folder at a path or a `file://` URL, for what can be nowhere else (UsageError for a bucket)."""
    if _is_bucket(path, "folder"):
        raise UsageError(f"{path[:80]!r} is no folder of this machine", hint="this is written to a local folder alone")
    return _folder(path)


def _is_bucket(place: str, what: str) -> bool:
    """Whether a place is in S3, not in a folder (UsageError where it is in neither)."""
    scheme = re.match(_SCHEME, place)
    if scheme and scheme[1].lower() not in {"file", "s3"}:
        raise UsageError(f"cannot use a {scheme[1][:40]}:// {what}", hint=f"a {what} is a folder or s3://bucket/prefix")
    if scheme is None and re.match(_MISTYPED, place):
        raise UsageError(f"{place[:80]!r} is neither a folder nor a bucket", hint="write s3://bucket/prefix")
    return scheme is not None and scheme[1].lower() == "s3"


def _folder(path: str) -> Path:
    if re.match(_SCHEME, path):
        path = _path_of_url(path)
    if not path.strip() or "\0" in path:
        raise UsageError("the name of a folder is empty or broken", hint="name a folder, or s3://bucket/prefix")
    try:
        return Path(path).expanduser()
    except RuntimeError:  # ~name of a user who is not known here
        return Path(path)


def _path_of_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.netloc not in {"", "localhost"}:
        raise UsageError(
            f"{url!r} names another machine", hint="write file:///path with three slashes, or just the path"
        )
    return unquote(parts.path)
