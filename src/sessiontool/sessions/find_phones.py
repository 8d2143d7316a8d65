"""The sounds of words in a published recording: looked for where its utterances are, and put into its transcript."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ..model import SAMPLE_RATE, Placement, Utterance
from ..words import engine, time_words
from . import result_files
from .align_recording import excerpts_of
from .exports.clip_transcript import times_of
from .exports.source import source_of
from .redaction.forms import LABEL
from .transcript import word_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..progress import Progress
    from ..storage import Target

_PLACED = ("aligned", "clipped")


def find_phones(
    session_id: str, target: Target, published: Mapping[str, Any], transcript: Mapping[str, Any], progress: Progress
) -> None:
    """Give words their sounds, and utterances without measured words those too, where the sound fits the text.

    What is found replaces the words of `transcript`; what is not, because a place is not sure, a script cannot be read
    here or the sound says something else, is left as it was.

    Raises UsageError (the extra `words` is not installed), RecordingError (the recording is not the one that its
    report names) and StorageError.
    """
    engine("--phones")
    entries, placements = [], []
    for entry in transcript["utterances"]:
        placement = _placement(entry)
        if placement is not None:
            entries.append(entry)
            placements.append(placement)
    name = result_files.audio_of(published)
    with target.fetched(name) as path:
        source = source_of(session_id, name, path, published)
        channels = [_channel_of(one.utterance.role, published, source.head.channels) for one in placements]
        found = time_words(placements, channels, excerpts_of(path, source.head), phones=True, progress=progress)
    for entry, one in zip(entries, found, strict=True):
        if any(word.phones for word in one.words):
            entry["words"] = [word_json(word) for word in one.words]


def _placement(entry: object) -> Placement | None:
    """An utterance of a transcript where it was found; None where it has no place, or a part of it is redacted."""
    times = times_of(entry)
    if times is None or not isinstance(entry, dict) or entry.get("status") not in _PLACED:
        return None
    heard, language, confidence = (
        entry.get("heard_text", entry.get("text")),
        entry.get("language"),
        entry.get("confidence"),
    )
    is_known = isinstance(heard, str) and isinstance(confidence, int | float) and 0 <= times[0] < times[1]
    if not is_known or LABEL in cast("str", heard):
        return None
    start, end = (round(at_s * 1000) * SAMPLE_RATE // 1000 for at_s in times)
    said = Utterance(
        str(entry.get("id", "")),
        str(entry.get("role", "")),
        cast("str", heard),
        None,
        None,
        language=language if isinstance(language, str) else None,
    )
    return Placement(said, start, end, entry["status"], cast("float", confidence), heard_text=said.text)


def _channel_of(role: str, published: Mapping[str, Any], count: int) -> int | None:
    """The channel on which a role is heard, as the report has it; None where it is on none."""
    if count == 1:
        return 0
    sound = published.get("sound")
    channels = sound.get("channels") if isinstance(sound, dict) else None
    for number, channel in enumerate(channels if isinstance(channels, list) else ()):
        roles = channel.get("roles") if isinstance(channel, dict) else None
        if number < count and isinstance(roles, list) and role in roles:
            return number
    return None
