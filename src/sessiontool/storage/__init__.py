"""Stores: a local folder or S3, one layout, one protocol.

`open_store` gives a `Store`, which lists sessions and reads their objects; `Store.target`, `open_results` and
`open_output` give a `Target`, the place of one session's result, and `open_files` gives `Files`, a place for others.
boto3 is imported for `s3://` and never otherwise.
"""

from ..options import Limits, S3Options
from .files import Files
from .layout import (
    AUTO,
    DEFAULT_PATTERN,
    MERGED_FOLDER,
    REDACTED_FOLDER,
    SIDECARS,
    Layout,
    check_session_id,
    natural_key,
)
from .local.disk import scratch_folder
from .locations import local_folder, open_files, open_output, open_results, open_store, target_of
from .protocols import REPORT_NAME, Reader, Results, Scanned, Store, Target, check_chunk_size, not_published

__all__ = [
    "AUTO",
    "DEFAULT_PATTERN",
    "MERGED_FOLDER",
    "REDACTED_FOLDER",
    "REPORT_NAME",
    "SIDECARS",
    "Files",
    "Layout",
    "Limits",
    "Reader",
    "Results",
    "S3Options",
    "Scanned",
    "Store",
    "Target",
    "check_chunk_size",
    "check_session_id",
    "local_folder",
    "natural_key",
    "not_published",
    "open_files",
    "open_output",
    "open_results",
    "open_store",
    "scratch_folder",
    "target_of",
]
