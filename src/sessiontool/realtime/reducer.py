"""Events -> sessions, items and responses: what each event adds is kept where it belongs, whatever came before it.

An item is known by its id, so events of different items may come in any order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .conversation import (
    COMPLETED,
    DONE,
    FRAGMENTS,
    ITEM,
    PART,
    SEGMENTS,
    SPOKEN,
    Conversation,
    Fragment,
    Item,
    Mark,
    Pushed,
    Response,
)
from .event_types import CONTENT_NAMES
from .sessions import SessionKeeper

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .event import Event
    from .payloads import Content, ItemPayload


def gather(events: Sequence[Event]) -> Conversation:
    """The conversation of a log's events, taken in the order in which they were received."""
    gatherer = _Gatherer()
    for event in sorted(events, key=lambda event: event.at_ms if event.at_ms is not None else float("-inf")):
        gatherer.add(event)
    return gatherer.made


class _Gatherer:
    """Adds event after event; one method for each kind."""

    def __init__(self) -> None:
        self.made = Conversation()
        self._place = 0
        self._open: dict[str, Item] = {}
        self._sessions = SessionKeeper(self.made)

    def add(self, event: Event) -> None:
        self._place += 1
        self._sessions.add(event)
        if (handle := _HANDLERS.get(event.kind)) is not None:
            handle(self, event)

    # -- items

    def _item(self, name: str | None, event: Event, role: str = "") -> Item | None:
        if name is None:
            return None
        item = self.made.items.get(name)
        if item is None:
            item = self.made.items[name] = Item(name, self._sessions.current(), self._place, event.at_ms)
        item.role = item.role or role
        return item

    def _mark(self, event: Event, audio_ms: float) -> Mark:
        return Mark(audio_ms, event.at_ms, self._sessions.current())

    def _speech_started(self, event: Event) -> None:
        item = self._item(event.item_id, event, "user")
        if item is not None and event.payload.audio_start_ms is not None and item.started is None:
            item.started = self._mark(event, event.payload.audio_start_ms)
            self._open[item.id] = item

    def _speech_stopped(self, event: Event) -> None:
        item = self._item(event.item_id, event, "user")
        if item is not None and event.payload.audio_end_ms is not None:
            item.stopped = self._mark(event, event.payload.audio_end_ms)
            self._open.pop(item.id, None)

    def _committed(self, event: Event) -> None:
        item = self._item(event.item_id, event, "user")
        if item is not None:
            item.kinds.add("input_audio")
            item.is_committed, item.committed_ms = True, event.at_ms
            self._open.pop(item.id, None)
            item.previous = item.previous or event.payload.previous_item_id

    def _buffer_cleared(self, _: Event) -> None:
        """What was in the input buffer is gone, and the speech with it that had not been committed."""
        for item in self._open.values():
            item.is_discarded = True
        self._open.clear()

    def _idle(self, event: Event) -> None:
        item = self._item(event.item_id, event, "user")
        if item is not None:
            item.is_idle = True

    def _created(self, event: Event) -> None:
        """`conversation.item.create`: the page puts an item in."""
        item = event.payload.item
        if item is not None and item.id:
            known = self._item(item.id, event)
            if known is not None:
                known.is_pushed = not known.is_spoken
                self._fill(known, item, ITEM)

    def _added(self, event: Event) -> None:
        told = event.payload.item
        item = self._item(told.id if told else None, event)
        if item is None or told is None:
            return
        if item.session is not self._sessions.current() and not _has_sound(told):
            return  # an item of an earlier session, put into the new one as text
        item.previous = item.previous or event.payload.previous_item_id
        self._fill(item, told, ITEM)

    def _fill(self, item: Item, told: ItemPayload, source: int) -> None:
        item.role = item.role or told.role or ""
        item.type = told.type or item.type
        item.status = told.status or item.status
        for number, part in enumerate(told.content or ()):
            _add_part(item, number, part, source)
        fields = {"name": told.name, "call_id": told.call_id, "arguments": told.arguments, "output": told.output}
        item.tool.update({name: value for name, value in fields.items() if value})

    def _transcribed(self, event: Event) -> None:
        item = self._item(event.item_id, event, "user")
        if item is not None:
            item.kinds.add("input_audio")
            item.transcription = "completed"
            item.add_text(event.payload.content_index or 0, COMPLETED, event.payload.transcript)

    def _transcription_failed(self, event: Event) -> None:
        item = self._item(event.item_id, event, "user")
        if item is not None:
            item.kinds.add("input_audio")
            item.transcription = item.transcription or "failed"

    def _segment(self, event: Event) -> None:
        item = self._item(event.item_id, event, "user")
        if item is not None and event.payload.text:
            item.kinds.add("input_audio")
            item.add_text(event.payload.content_index or 0, SEGMENTS, event.payload.text.strip() + " ")

    def _user_fragment(self, event: Event) -> None:
        item = self._item(event.item_id, event, "user")
        if item is not None:
            item.kinds.add("input_audio")
            item.add_text(event.content_index, FRAGMENTS, event.text)

    def _spoken_fragment(self, event: Event) -> None:
        item = self._item(event.item_id, event, "assistant")
        if item is not None:
            item.kinds.add("output_audio")
            item.add_text(event.content_index, FRAGMENTS, event.text)

    def _written_fragment(self, event: Event) -> None:
        item = self._item(event.item_id, event, "assistant")
        if item is not None:
            item.kinds.add("output_text")
            item.add_text(event.content_index, FRAGMENTS, event.text)

    def _spoken(self, event: Event) -> None:
        self._said(event, "output_audio")

    def _written(self, event: Event) -> None:
        self._said(event, "output_text")

    def _said(self, event: Event, kind: str) -> None:
        item = self._item(event.item_id, event, "assistant")
        if item is not None:
            item.kinds.add(kind)
            text = event.payload.transcript if kind == "output_audio" else event.payload.text
            item.add_text(event.payload.content_index or 0, DONE, text)
            self._join(event.payload.response_id, item)

    def _part(self, event: Event) -> None:
        item = self._item(event.item_id, event, "assistant")
        if item is not None and event.payload.part is not None:
            _add_part(item, event.payload.content_index or 0, event.payload.part, PART)
            self._join(event.payload.response_id, item)

    def _truncated(self, event: Event) -> None:
        item = self._item(event.item_id, event, "assistant")
        if item is not None and event.payload.audio_end_ms is not None:
            item.truncated = (event.payload.audio_end_ms, event.at_ms)

    def _truncate(self, event: Event) -> None:
        item = self._item(event.item_id, event, "assistant")
        if item is not None and event.payload.audio_end_ms is not None:
            item.asked = (event.payload.audio_end_ms, event.at_ms)

    # -- responses and their sound

    def _response(self, name: str | None) -> Response | None:
        if not name:
            return None
        return self.made.responses.setdefault(name, Response(name, self._sessions.current()))

    def _join(self, name: str | None, item: Item) -> None:
        response = self._response(name)
        if response is not None:
            item.response = name
            response.items[item.id] = None

    def _output_item(self, event: Event) -> None:
        told = event.payload.item
        item = self._item(told.id if told else None, event, "assistant")
        if item is not None and told is not None:
            self._fill(item, told, ITEM)
            self._join(event.payload.response_id, item)

    def _arguments(self, event: Event) -> None:
        item = self._item(event.item_id, event, "assistant")
        if item is not None:
            item.type = "function_call"
            fields = {
                "name": event.payload.name,
                "call_id": event.payload.call_id,
                "arguments": event.payload.arguments,
            }
            item.tool.update({name: value for name, value in fields.items() if value})
            self._join(event.payload.response_id, item)

    def _response_status(self, event: Event) -> None:
        told = event.payload.response
        response = self._response(told.id if told else None)
        if response is None or told is None:
            return
        response.status = told.status or response.status
        response.reason = told.status_details.said() if told.status_details else response.reason
        if told.usage is not None and told.usage.output_token_details is not None:
            response.sound_tokens = told.usage.output_token_details.audio_tokens or response.sound_tokens
        for payload_item in told.output or ():
            item = self._item(payload_item.id, event, "assistant")
            if item is not None:
                self._fill(item, payload_item, ITEM)
                self._join(response.id, item)

    def _playback(self, event: Event) -> None:
        """`output_audio_buffer.started`, `.stopped`, `.cleared`: the only events that tell of sound being played."""
        self.made.has_playback = True
        response = self._response(event.payload.response_id)
        if response is not None:
            name = f"{event.kind.rpartition('.')[2]}_ms"
            if getattr(response, name) is None:
                setattr(response, name, event.at_ms)

    def _sound_out(self, event: Event) -> None:
        item = self._item(event.item_id, event, "assistant")
        if item is not None:
            item.kinds.add("output_audio")
            item.sound_bytes += event.sound_bytes
            if item.sound_ms is None:
                item.sound_ms = event.at_ms
            self._join(event.text, item)

    def _sound_in(self, event: Event) -> None:
        session = self._sessions.current()
        session.appended_ms += event.sound_bytes / session.settings_at(event.at_ms).input_bytes_per_ms
        session.appended.append((session.appended_ms, event.at_ms))

    # -- Live

    def _live_fragment(self, event: Event) -> None:
        role = "user" if "input" in event.kind else "assistant"
        session = self._sessions.current()
        span_ms = event.span_ms or session.received_span_ms(event.at_ms)
        if span_ms is None:
            return
        if session.api == "realtime":
            session.api = "translation"
        self.made.fragments.append(Fragment(role, event.text, *span_ms, session, event.at_ms))

    def _append(self, event: Event) -> None:
        """A Live session is told something.  The acknowledgement has the time, the request the words."""
        text = event.payload.content if isinstance(event.payload.content, str) else ""
        if text.strip():
            kind = event.kind.split(".")[1]
            self.made.pushed.append(Pushed(kind, text, event.at_ms, self._sessions.current()))

    def _delegated(self, event: Event) -> None:
        if event.payload.delegation is not None:
            told = {"call_id": event.payload.delegation.id, "name": event.payload.delegation.target}
            extra = {name: value for name, value in told.items() if value}
            self.made.pushed.append(Pushed("delegation", "", event.at_ms, self._sessions.current(), extra))


def _has_sound(told: ItemPayload) -> bool:
    return any(part.type in (*SPOKEN, "audio") for part in told.content or ())


def _add_part(item: Item, number: int, part: Content, source: int) -> None:
    kind = CONTENT_NAMES.get(part.type or "", part.type or "")
    if kind in SPOKEN:
        item.kinds.add(kind)
        item.add_text(number, source, part.transcript)
    elif kind:
        item.kinds.add(kind)
        item.add_text(number, source, part.text)


_HANDLERS: dict[str, Callable[[_Gatherer, Event], None]] = {
    "input_audio_buffer.speech_started": _Gatherer._speech_started,
    "input_audio_buffer.speech_stopped": _Gatherer._speech_stopped,
    "input_audio_buffer.committed": _Gatherer._committed,
    "input_audio_buffer.cleared": _Gatherer._buffer_cleared,
    "input_audio_buffer.timeout_triggered": _Gatherer._idle,
    "conversation.item.create": _Gatherer._created,
    "conversation.item.added": _Gatherer._added,
    "conversation.item.done": _Gatherer._added,
    "conversation.item.truncate": _Gatherer._truncate,
    "conversation.item.truncated": _Gatherer._truncated,
    "conversation.item.input_audio_transcription.delta": _Gatherer._user_fragment,
    "conversation.item.input_audio_transcription.completed": _Gatherer._transcribed,
    "conversation.item.input_audio_transcription.failed": _Gatherer._transcription_failed,
    "conversation.item.input_audio_transcription.segment": _Gatherer._segment,
    "response.created": _Gatherer._response_status,
    "response.done": _Gatherer._response_status,
    "response.output_item.added": _Gatherer._output_item,
    "response.output_item.done": _Gatherer._output_item,
    "response.content_part.added": _Gatherer._part,
    "response.content_part.done": _Gatherer._part,
    "response.output_audio_transcript.delta": _Gatherer._spoken_fragment,
    "response.output_audio_transcript.done": _Gatherer._spoken,
    "response.output_text.delta": _Gatherer._written_fragment,
    "response.output_text.done": _Gatherer._written,
    "response.function_call_arguments.done": _Gatherer._arguments,
    "response.output_audio.delta": _Gatherer._sound_out,
    "input_audio_buffer.append": _Gatherer._sound_in,
    "output_audio_buffer.started": _Gatherer._playback,
    "output_audio_buffer.stopped": _Gatherer._playback,
    "output_audio_buffer.cleared": _Gatherer._playback,
    "session.input_transcript.delta": _Gatherer._live_fragment,
    "session.output_transcript.delta": _Gatherer._live_fragment,
    "session.instructions.append": _Gatherer._append,
    "session.commentary.append": _Gatherer._append,
    "session.thinking.append": _Gatherer._append,
    "session.delegation.created": _Gatherer._delegated,
}
