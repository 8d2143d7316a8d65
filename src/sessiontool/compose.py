"""From settings to what they ask for: a store, a place for results, options of a merge."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .captions import CaptionOptions
    from .config import Settings
    from .documents.log_options import LogOptions
    from .sessions.merge import MergeOptions
    from .storage import Limits, Results, S3Options, Store, Target


def open_store_of(settings: Settings) -> Store:
    """The store that the settings name."""
    from .storage import Layout, open_store  # noqa: PLC0415

    layout, limits = Layout(settings.layout), limits_of(settings)
    return open_store(settings.store, options=s3_options_of(settings), layout=layout, limits=limits)


def limits_of(settings: Settings) -> Limits:
    """How much the settings want read at once."""
    from .storage import Limits  # noqa: PLC0415

    return Limits(settings.max_chunk_bytes, settings.max_document_bytes, settings.max_report_bytes)


def s3_options_of(settings: Settings) -> S3Options:
    """How the settings want S3 to be reached."""
    from .storage import S3Options  # noqa: PLC0415

    return S3Options(
        profile=settings.profile,
        region=settings.region,
        endpoint_url=settings.endpoint_url,
        sse=settings.sse,
        sse_kms_key_id=settings.sse_kms_key_id,
        tags=settings.tags,
    )


def open_results_of(settings: Settings) -> Results:
    """The place of results that the settings name, which must be there: `output`."""
    from .storage import open_results  # noqa: PLC0415

    assert settings.output, "without it results go into the store"
    return open_results(settings.output, options=s3_options_of(settings), limits=limits_of(settings))


def targets_of(settings: Settings) -> Callable[[Store, str], Target]:
    """What says where a session's result belongs: the place that was asked for, or beside its chunks.

    That place is opened once for all sessions.
    """
    if not settings.output:
        return lambda store, session_id: store.target(session_id)
    from .storage import check_session_id  # noqa: PLC0415

    results = open_results_of(settings)
    return lambda _store, session_id: results.target(check_session_id(session_id))


def caption_options_of(settings: Settings) -> CaptionOptions:
    """How the settings want captions."""
    from .captions import make_options  # noqa: PLC0415

    return make_options(
        settings.caption_profile,
        settings.caption_formats,
        own_profiles=settings.profiles,
        speakers=settings.caption_speakers,
        generated=settings.caption_text == "generated",
        mark_gaps=settings.mark_gaps,
    )


def log_options_of(settings: Settings) -> LogOptions:
    """How the settings want logs of utterances and events read."""
    from .documents.log_options import log_options  # noqa: PLC0415

    return log_options(settings.log, f"{settings.source('log')}: [log]")


def merge_options_of(settings: Settings, *, align: bool, force: bool, dry_run: bool) -> MergeOptions:
    """How the settings, and the options that are no settings, want sessions merged."""
    from .sessions.merge import MergeOptions  # noqa: PLC0415

    return MergeOptions(
        keep_pauses=settings.pauses == "keep",
        align=align,
        vad=settings.vad,
        words=settings.words,
        prefer=settings.prefer,
        log=log_options_of(settings),
        captions=caption_options_of(settings),
        strict=settings.strict,
        require_consent=settings.require_consent,
        force=force,
        dry_run=dry_run,
    )
