"""Events of what the model answers: responses, their items, and their sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..model import LoggedWord
from .conversation import DONE, FRAGMENTS, ITEM, PART
from .gathering import add_part

if TYPE_CHECKING:
    from collections.abc import Callable

    from .event import Event
    from .gathering import Gathering


def _spoken_fragment(made: Gathering, event: Event) -> None:
    item = made.item(event.item_id, event, "assistant")
    if item is not None:
        item.kinds.add("output_audio")
        item.add_text(event.content_index, FRAGMENTS, event.text)


def _written_fragment(made: Gathering, event: Event) -> None:
    item = made.item(event.item_id, event, "assistant")
    if item is not None:
        item.kinds.add("output_text")
        item.add_text(event.content_index, FRAGMENTS, event.text)


def _spoken(made: Gathering, event: Event) -> None:
    _said(made, event, "output_audio")


def _written(made: Gathering, event: Event) -> None:
    _said(made, event, "output_text")


def _said(made: Gathering, event: Event, kind: str) -> None:
    item = made.item(event.item_id, event, "assistant")
    if item is not None:
        item.kinds.add(kind)
        text = event.payload.transcript if kind == "output_audio" else event.payload.text
        item.add_text(event.payload.content_index or 0, DONE, text)
        made.join(event.payload.response_id, item, event)


def _part(made: Gathering, event: Event) -> None:
    item = made.item(event.item_id, event, "assistant")
    if item is not None and event.payload.part is not None:
        add_part(item, event.payload.content_index or 0, event.payload.part, PART)
        made.join(event.payload.response_id, item, event)


def _output_item(made: Gathering, event: Event) -> None:
    stated = event.payload.item
    item = made.item(stated.id if stated else None, event, "assistant")
    if item is not None and stated is not None:
        made.fill(item, stated, ITEM)
        made.join(event.payload.response_id, item, event)


def _word(made: Gathering, event: Event) -> None:
    """When a word of an answer is said, from the start of its sound, as Azure tells it."""
    stated = event.payload
    item = made.item(event.item_id, event, "assistant")
    if item is None or stated.audio_offset_ms is None or not stated.text:
        return
    begin_us = round(stated.audio_offset_ms * 1000)
    item.words.append(LoggedWord(stated.text, begin_us, begin_us + round((stated.audio_duration_ms or 0.0) * 1000)))


def _response_status(made: Gathering, event: Event) -> None:
    stated = event.payload.response
    response = made.response(stated.id if stated else None, event)
    if response is None or stated is None:
        return
    response.status = stated.status or response.status
    response.reason = stated.status_details.said() if stated.status_details else response.reason
    if stated.usage is not None and stated.usage.output_token_details is not None:
        response.sound_tokens = stated.usage.output_token_details.audio_tokens or response.sound_tokens
    for payload_item in stated.output or ():
        item = made.item(payload_item.id, event, "assistant")
        if item is not None:
            made.fill(item, payload_item, ITEM)
            made.join(response.id, item, event)


def _playback(made: Gathering, event: Event) -> None:
    """`output_audio_buffer.started`, `.stopped`, `.cleared`: the only events that tell of sound being played."""
    made.made.has_playback = True
    response = made.response(event.payload.response_id, event)
    if response is not None:
        name = f"{event.kind.rpartition('.')[2]}_ms"
        if getattr(response, name) is None:
            setattr(response, name, event.at_ms)


def _sound_out(made: Gathering, event: Event) -> None:
    item = made.item(event.item_id, event, "assistant")
    if item is not None:
        item.kinds.add("output_audio")
        item.sound_bytes += event.sound_bytes
        if item.sound_ms is None:
            item.sound_ms = event.at_ms
        made.join(event.text, item, event)


HANDLERS: dict[str, Callable[[Gathering, Event], None]] = {
    "response.created": _response_status,
    "response.done": _response_status,
    "response.output_item.added": _output_item,
    "response.output_item.done": _output_item,
    "response.content_part.added": _part,
    "response.content_part.done": _part,
    "response.output_audio_transcript.delta": _spoken_fragment,
    "response.output_audio_transcript.done": _spoken,
    "response.output_text.delta": _written_fragment,
    "response.output_text.done": _written,
    "response.audio_timestamp.delta": _word,
    "response.output_audio.delta": _sound_out,
    "output_audio_buffer.started": _playback,
    "output_audio_buffer.stopped": _playback,
    "output_audio_buffer.cleared": _playback,
}
