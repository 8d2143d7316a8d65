"""Events of what the user said: speech in the input buffer, and its transcription."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .conversation import COMPLETED, FRAGMENTS, SEGMENTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from .event import Event
    from .gathering import Gathering


def _speech_started(made: Gathering, event: Event) -> None:
    item = made.item(event.item_id, event, "user")
    if item is not None and event.payload.audio_start_ms is not None and item.started is None:
        item.started = made.mark(event, event.payload.audio_start_ms)
        made.speaking[item.id] = item


def _speech_stopped(made: Gathering, event: Event) -> None:
    item = made.item(event.item_id, event, "user")
    if item is not None and event.payload.audio_end_ms is not None:
        item.stopped = made.mark(event, event.payload.audio_end_ms)
        made.speaking.pop(item.id, None)


def _committed(made: Gathering, event: Event) -> None:
    item = made.item(event.item_id, event, "user")
    if item is not None:
        item.kinds.add("input_audio")
        item.is_committed, item.committed_ms = True, event.at_ms
        made.speaking.pop(item.id, None)
        item.previous = item.previous or event.payload.previous_item_id


def _buffer_cleared(made: Gathering, _: Event) -> None:
    """What was in the input buffer is gone, and the speech with it that had not been committed."""
    for item in made.speaking.values():
        item.is_discarded = True
    made.speaking.clear()


def _idle(made: Gathering, event: Event) -> None:
    item = made.item(event.item_id, event, "user")
    if item is not None:
        item.is_idle = True


def _transcribed(made: Gathering, event: Event) -> None:
    item = made.item(event.item_id, event, "user")
    if item is not None:
        item.kinds.add("input_audio")
        item.transcription = "completed"
        item.language = language_of(event.payload.languages) or item.language
        if event.payload.usage is not None and event.payload.usage.seconds:
            item.spoken_ms = event.payload.usage.seconds * 1000
        item.add_text(event.payload.content_index or 0, COMPLETED, event.payload.transcript)


def _transcription_failed(made: Gathering, event: Event) -> None:
    item = made.item(event.item_id, event, "user")
    if item is not None:
        item.kinds.add("input_audio")
        item.transcription = item.transcription or "failed"


def _segment(made: Gathering, event: Event) -> None:
    item = made.item(event.item_id, event, "user")
    if item is not None and event.payload.text:
        item.kinds.add("input_audio")
        item.add_text(event.payload.content_index or 0, SEGMENTS, event.payload.text.strip() + " ")
        stated = event.payload
        if stated.speaker:
            item.segments.append(
                {"speaker": stated.speaker, "start": stated.start, "end": stated.end, "text": stated.text}
            )


def _user_fragment(made: Gathering, event: Event) -> None:
    item = made.item(event.item_id, event, "user")
    if item is not None:
        item.kinds.add("input_audio")
        item.add_text(event.content_index, FRAGMENTS, event.text)


def _sound_in(made: Gathering, event: Event) -> None:
    session = made.sessions.current()
    session.appended_ms += event.sound_bytes / session.settings_at(event.at_ms).input_bytes_per_ms
    if event.at_ms is not None:
        session.appended.extend((session.appended_ms, event.at_ms))


def language_of(languages: Any) -> str:
    """The first language of a list that names some, or has an object for each."""
    first = languages[0] if isinstance(languages, list) and languages else languages
    if isinstance(first, dict):
        first = next((first[name] for name in ("language", "code", "language_code") if name in first), "")
    return first if isinstance(first, str) and len(first) <= _MOST_OF_A_LANGUAGE else ""


_MOST_OF_A_LANGUAGE = 35
"""Characters, of BCP 47 (RFC 5646, 4.4.1): what programs are asked to keep."""

HANDLERS: dict[str, Callable[[Gathering, Event], None]] = {
    "input_audio_buffer.speech_started": _speech_started,
    "input_audio_buffer.speech_stopped": _speech_stopped,
    "input_audio_buffer.committed": _committed,
    "input_audio_buffer.cleared": _buffer_cleared,
    "input_audio_buffer.timeout_triggered": _idle,
    "conversation.item.input_audio_transcription.delta": _user_fragment,
    "conversation.item.input_audio_transcription.completed": _transcribed,
    "conversation.item.input_audio_transcription.failed": _transcription_failed,
    "conversation.item.input_audio_transcription.segment": _segment,
    "input_audio_buffer.append": _sound_in,
}
