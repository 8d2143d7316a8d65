"""The options of a merge as its report has them: those that change the result, and what does what they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..captions import options_json
from ..errors import UsageError
from ..options import result_settings

if TYPE_CHECKING:
    from ..options import MergeOptions


def settings_used(options: MergeOptions) -> dict[str, Any]:
    """What of the options changes the result, as the report has it (UsageError where it cannot be done)."""
    for name in ("vad", "words"):
        if getattr(options, name) and not options.align:
            raise UsageError(f"--{name} needs the alignment", hint=f"leave out --{name}, or --no-align")
    return {
        **result_settings(options),
        "vad": _detector(options),
        "words": words_engine(options),
        **({"log": options.log.settings()} if options.log else {}),
        "captions": options_json(options.captions),
    }


def _detector(options: MergeOptions) -> str | None:
    """What is asked where noise is loud, None where nothing (UsageError where it is wanted and not there)."""
    if not options.vad:
        return None
    from ..audio.silero_vad import detector  # noqa: PLC0415

    return detector()


def words_engine(options: MergeOptions) -> str | None:
    """What finds words, None where they are not wanted (UsageError where they are and cannot be found)."""
    if not options.words:
        return None
    from ..words import engine  # noqa: PLC0415

    return engine()
