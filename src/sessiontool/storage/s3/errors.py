"""What boto3 reports, said once for people: a table from error to reason and next step.

Known errors are given in our words alone.  The server's own words are added for refusals, where AWS names the missing
permission, and for errors that are not in the table, where they are all there is.  Nothing here formats a credential.

Not here: deciding when to ask again beyond saying which errors pass (`is_passing`).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from boto3.exceptions import Boto3Error
from botocore import exceptions as aws
from botocore.parsers import ResponseParserError
from msgspec import Struct
from urllib3.exceptions import HTTPError  # leaks from a body in the middle of TLS; botocore wraps the other cases

from ...errors import NotFoundError, SessionToolError, StorageError, UsageError

MISSING = frozenset({"NoSuchKey", "404", "NotFound"})
CHANGED = frozenset({"PreconditionFailed", "412"})
_CONFLICT = frozenset({"ConditionalRequestConflict", "OperationAborted", "409"})
"""Two requests for one object at the same moment: S3 wants to be asked again."""

TRY_WITHOUT = "set checksums to when_required (--checksums, SESSIONTOOL_CHECKSUMS); `sessiontool doctor` tries it"

_SERVER_WORDS_MAX = 300
"""Characters; chosen: a few lines of a terminal."""


class ShortBodyError(Exception):
    """A body ended before its announced length, and the connection did not say so."""


class WrongBytesError(Exception):
    """A body is not what its tag says."""


FAILURES = (
    aws.BotoCoreError,
    aws.ClientError,
    Boto3Error,
    ResponseParserError,
    HTTPError,
    ShortBodyError,
    WrongBytesError,
    RecursionError,  # botocore asks for the region of a bucket whose region it was redirected to, and so on
)
"""Everything that a call of boto3 raises when the world, not the program, is at fault."""


class _Problem(Struct, frozen=True):
    """`what` may name the endpoint, and what botocore keeps with an error of that class."""

    what: str
    hint: str
    kind: type[SessionToolError] = StorageError


_THROTTLED = _Problem("the server asks to slow down", "fewer requests at once, or try again later")
_BROKEN = _Problem("the server failed", "try again later")
_KEYS = _Problem(
    "the access key is not known there", "check the credentials (`aws sts get-caller-identity`), profile and endpoint"
)
_SECRET = _Problem("the secret does not belong to the access key", "check the credentials, or log in again")
_EXPIRED = _Problem("the credentials have expired", "log in again (`aws sso login`), or refresh the session token")
_DENIED = _Problem("access denied", "ask for s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject there")
_NO_BUCKET = _Problem("there is no such bucket", "check the bucket's name, the endpoint and the account", NotFoundError)
_REGION = _Problem("the bucket is in another region", "name it with --region, AWS_DEFAULT_REGION or the profile")
_UNREACHABLE = _Problem("nothing answers at {endpoint}", "check the endpoint's URL and the network")
_SILENT = _Problem("{endpoint} does not answer in time", "try again later; check the network")
_NO_KEYS = _Problem(
    "there are no credentials",
    "name a profile with --profile or AWS_PROFILE, or set AWS_ACCESS_KEY_ID and its secret",
)
_LOGIN = _Problem("credentials could not be had", "log in again, or check the profile in ~/.aws/config")
_NOT_S3 = _Problem("what answers at {endpoint} does not speak S3", "check the endpoint's URL")
_CUT = _Problem("the connection broke off, time and again", "try again later; check the network")
_WRONG = _Problem("its checksum is wrong, time and again", "the object is damaged, or the way")
_ROUND = _Problem("{endpoint} sends every request on to another place, without end", "check the endpoint's URL")
_REFUSED = _Problem("boto3 refuses", "check the bucket's name and the AWS settings", UsageError)

_CHECKSUM = _Problem("the server does not take the checksum that came with it", TRY_WITHOUT)

_BY_CODE = {
    "NoSuchBucket": _NO_BUCKET,
    "NoSuchKey": _Problem("it is not there", "another program deletes or moves it; run again", NotFoundError),
    "AccessDenied": _DENIED,
    "403": _DENIED,
    "Forbidden": _DENIED,
    "AllAccessDisabled": _DENIED,
    "AccountProblem": _DENIED,
    "InvalidAccessKeyId": _KEYS,
    "SignatureDoesNotMatch": _SECRET,
    "InvalidToken": _EXPIRED,
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "TokenRefreshRequired": _EXPIRED,
    "RequestExpired": _EXPIRED,
    "RequestTimeTooSkewed": _Problem("this machine's clock is wrong", "set the clock; S3 allows 15 minutes"),
    "PermanentRedirect": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "301": _REGION,
    "SlowDown": _THROTTLED,
    "Throttling": _THROTTLED,
    "ThrottlingException": _THROTTLED,
    "RequestLimitExceeded": _THROTTLED,
    "TooManyRequests": _THROTTLED,
    "429": _THROTTLED,
    "503": _THROTTLED,
    "ServiceUnavailable": _THROTTLED,
    "InternalError": _BROKEN,
    "500": _BROKEN,
    "502": _BROKEN,
    "504": _BROKEN,
    "RequestTimeout": _SILENT,
    # Without a code of its own an answer is no S3's; a missing object is not looked up here.
    "302": _NOT_S3,
    "404": _NOT_S3,
    "405": _NOT_S3,
    "NotImplemented": _Problem(
        "the server cannot do that",
        "it must know conditional writes and checksums: `sessiontool doctor` tries both; or publish with --output",
    ),
    "XAmzContentSHA256Mismatch": _CHECKSUM,
    "XAmzContentChecksumMismatch": _CHECKSUM,
    "MissingContentLength": _CHECKSUM,
    "InvalidObjectState": _Problem("it is archived", "restore it from Glacier first (`aws s3api restore-object`)"),
    "QuotaExceeded": _Problem("the quota is used up", "make room there, or publish with --output"),
    "InvalidBucketName": _Problem("that is no name of a bucket", "a store is s3://bucket/prefix", UsageError),
}

# The first class that fits: the special before the general.
_BY_CLASS: tuple[tuple[type[Exception], _Problem], ...] = (
    (aws.NoCredentialsError, _NO_KEYS),
    (aws.PartialCredentialsError, _Problem("the credentials are incomplete", "an access key needs its secret")),
    (
        aws.ProfileNotFound,
        _Problem("there is no AWS profile {profile!r}", "`aws configure list-profiles` lists them", UsageError),
    ),
    (aws.ConfigParseError, _Problem("the AWS configuration is not readable", "check ~/.aws/config", UsageError)),
    (
        aws.InvalidRegionError,
        _Problem("{region_name!r} is no name of a region", "check --region or AWS_DEFAULT_REGION", UsageError),
    ),
    (aws.SSLError, _Problem("no trusted TLS connection to {endpoint}", "check the URL; AWS_CA_BUNDLE names a CA")),
    (aws.ProxyConnectionError, _Problem("the proxy does not answer", "check HTTPS_PROXY and NO_PROXY")),
    (aws.ConnectTimeoutError, _UNREACHABLE),
    (aws.EndpointConnectionError, _UNREACHABLE),
    (aws.ReadTimeoutError, _SILENT),
    (aws.ConnectionError, _UNREACHABLE),
    (aws.HTTPClientError, _CUT),
    (aws.IncompleteReadError, _CUT),
    (ShortBodyError, _CUT),
    (HTTPError, _CUT),
    (aws.FlexibleChecksumError, _WRONG),
    (aws.ChecksumError, _WRONG),
    (WrongBytesError, _WRONG),
    (aws.CredentialRetrievalError, _LOGIN),
    (aws.TokenRetrievalError, _LOGIN),
    (aws.SSOError, _LOGIN),
    (aws.LoginError, _LOGIN),
    (aws.MetadataRetrievalError, _LOGIN),
    (aws.RefreshWithMFAUnsupportedError, _LOGIN),
    (aws.UnknownCredentialError, _LOGIN),
    (ResponseParserError, _NOT_S3),
    (RecursionError, _ROUND),
    (aws.BotoCoreError, _REFUSED),
)

_PASSING = (
    aws.IncompleteReadError,
    aws.HTTPClientError,
    aws.FlexibleChecksumError,
    aws.ChecksumError,
    HTTPError,
    ShortBodyError,
    WrongBytesError,
)


def error_code(error: Exception) -> str:
    """The code of an answer of the server, empty for what is none."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, aws.ClientError) else ""


def is_throttling(error: Exception) -> bool:
    return _BY_CODE.get(error_code(_cause(error))) is _THROTTLED


def is_passing(error: Exception) -> bool:
    """Whether the same call may succeed in a moment.  Connecting in vain is not: botocore has tried by then."""
    error = _cause(error)
    if isinstance(error, aws.ClientError):
        if is_throttling(error) or error_code(error) in _CONFLICT:
            return True
        return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) in {500, 502, 503, 504}
    return isinstance(error, _PASSING) and not isinstance(error, aws.ConnectionError)


def translate(error: Exception, doing: str, endpoint: str) -> SessionToolError:
    """Our error for one of `FAILURES`; `doing` says what was tried, such as `read s3://bucket/key`."""
    error = _cause(error)
    code = error_code(error)
    problem = _BY_CODE.get(code) or next((known for kind, known in _BY_CLASS if isinstance(error, kind)), None)
    details = {**getattr(error, "kwargs", {}), "endpoint": public_endpoint(endpoint)}
    what = problem.what.format(**details) if problem else "S3 reports an error"
    if code:
        what += f" ({code})"
    if problem in (None, _DENIED, _REFUSED):
        what += f": {_server_words(error)}"
    hint = problem.hint if problem else "what the server says is all that is known; --debug shows more"
    return (problem.kind if problem else StorageError)(f"cannot {doing}: {what}", hint=hint)


def public_endpoint(endpoint: str) -> str:
    """A URL without what may be secret in it: user, password, query."""
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _cause(error: Exception) -> Exception:
    """The error itself where boto3's transfer of files wraps it into text."""
    inner = error.__cause__ or error.__context__
    return inner if isinstance(error, Boto3Error) and isinstance(inner, Exception) else error


def _server_words(error: Exception) -> str:
    words = error.response.get("Error", {}).get("Message", "") if isinstance(error, aws.ClientError) else str(error)
    printable = "".join(char if char.isprintable() else " " for char in str(words))
    return " ".join(printable.split())[:_SERVER_WORDS_MAX] or "no more is said"
