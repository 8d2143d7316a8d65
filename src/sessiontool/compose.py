"""From settings to what they ask for: a store, a place for results, options of a merge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .config import Settings
    from .options import CaptionOptions, LogOptions, MergeOptions
    from .sessions.corrections_file import CorrectionsFile
    from .storage import Results, Store, Target


def with_layout(settings: Settings, session_ids: Iterable[str] = ()) -> Settings:
    """The settings, with the one layout that fits the sessions, or the store, where they ask for that (UsageError)."""
    from .storage import AUTO, DEFAULT_PATTERN  # noqa: PLC0415

    if settings.layout != AUTO:
        return settings
    from .storage.layout_proposal import find_layout  # noqa: PLC0415

    with open_store_of(replace(settings, layout=DEFAULT_PATTERN, corrections=None)) as store:
        return replace(settings, layout=find_layout(store, session_ids).pattern)


def open_store_of(settings: Settings, *, corrects: bool = False) -> Store:
    """The store that the settings name, with the corrections in the file that they name.

    NotFoundError without that file, unless the caller `corrects`, which makes it.
    """
    from .storage import Layout, open_store  # noqa: PLC0415

    file = corrections_file_of(settings, corrects=corrects)
    store = open_store(settings.store, options=settings.s3, layout=Layout(settings.layout), limits=settings.limits)
    if file is None:
        return store
    from .sessions.corrections_file import with_corrections  # noqa: PLC0415

    return with_corrections(store, file)


def corrections_file_of(settings: Settings, *, corrects: bool = False) -> CorrectionsFile | None:
    """The file of corrections that the settings name, as it is now (UsageError; NotFoundError as `open_store_of`)."""
    if settings.corrections is None:
        return None
    from .sessions.corrections_file import read_corrections_file  # noqa: PLC0415 - which few have

    return read_corrections_file(settings.corrections, may_be_new=corrects)


def open_results_of(settings: Settings) -> Results:
    """The place of results that the settings name, which must be there: `output`."""
    from .storage import open_results  # noqa: PLC0415

    assert settings.output, "without it results go into the store"
    return open_results(settings.output, options=settings.s3, limits=settings.limits)


def open_result_store_of(settings: Settings) -> Store | None:
    """The place of results as a store, to be listed; None where results are beside their chunks, or nowhere yet."""
    if not settings.output:
        return None
    from .errors import NotFoundError  # noqa: PLC0415
    from .storage import open_store  # noqa: PLC0415

    try:
        return open_store(settings.output, options=settings.s3, limits=settings.limits)
    except NotFoundError:
        return None


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
    """How the settings want captions, with the rules of the profile that they name (UsageError)."""
    from .captions import resolved  # noqa: PLC0415

    return resolved(settings.merge.captions, settings.profiles)


def log_options_of(settings: Settings) -> LogOptions:
    """How the settings want logs of utterances and events read (UsageError)."""
    from .documents.log_options import log_options  # noqa: PLC0415

    return log_options(settings.log, f"{settings.source('log')}: [log]")


def merge_options_of(settings: Settings) -> MergeOptions:
    """How the settings want sessions merged (UsageError)."""
    return replace(settings.merge, log=log_options_of(settings), captions=caption_options_of(settings))
