"""The output of a log of events as a client plays it: each answer from its arrival, or behind the one before it.

An answer ends where it does, or where it was cut off: by a truncation, a cleared buffer, or as a client says it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from .event_types import SOUND_FRAGMENTS
from .heard_lanes import SoundPiece

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .event import Event
    from .heard_lanes import HeardLane


def play(events: Iterable[Event], lane: HeardLane, zero_ms: float) -> None:
    """Fill a lane with what was played of the output; `zero_ms` is where a stream's own clock begins."""
    player = _Player(lane)
    for event in events:
        payload, kind = event.payload, event.kind
        if event.sound_bytes:
            if SOUND_FRAGMENTS[kind] == "delta":
                player.add(event, zero_ms)
        elif kind in {"conversation.item.truncated", "conversation.item.truncate"} and payload.item_id:
            if payload.audio_end_ms is not None:
                player.cut_item(payload.item_id, payload.audio_end_ms)
        elif kind in {"output_audio_buffer.cleared", "output_audio_buffer.clear"} and event.at_ms is not None:
            player.cut_at(event.at_ms)
        elif kind == "playback.played" and payload.item_id and payload.ms is not None:
            player.played(payload.item_id, payload.ms)
    player.finish()


class _Queued(Struct):
    """A piece in a player's queue; `before_ms` of its item come before it."""

    piece: SoundPiece
    item_id: str
    before_ms: float


class _Player:
    """Plays output as a client does: in the order of its arrival, and never two pieces at once."""

    def __init__(self, lane: HeardLane) -> None:
        self.lane = lane
        self.form = lane.format
        self._queue: list[_Queued] = []
        self._item_ms: dict[str, float] = {}  # how much of each item was received
        self._played_ms: dict[str, float] = {}
        self._cut: set[str] = set()

    def add(self, event: Event, zero_ms: float) -> None:
        """Queue what an event carries; `zero_ms` is where the clock of a stream begins that says its times."""
        name, length_ms = event.item_id or "", self.form.ms(event.sound_bytes)
        self.lane.events += 1
        if name in self._cut:  # it was on its way when its answer was cut off
            self.lane.unheard_ms += length_ms
            return
        start_ms = max(event.at_ms or 0.0, self._free_ms())
        if event.span_ms is not None:
            start_ms = zero_ms + event.span_ms[0]
        self._add(_Queued(SoundPiece(start_ms, event.sound_at, event.sound_bytes), name, self._item_ms.get(name, 0.0)))
        self._item_ms[name] = self._item_ms.get(name, 0.0) + length_ms

    def played(self, item_id: str, ms: float) -> None:
        """A client said how much of an item it has played so far."""
        self._played_ms[item_id] = max(ms, self._played_ms.get(item_id, 0.0))

    def cut_item(self, item_id: str, heard_ms: float) -> None:
        """An item was cut off after so much of it: what follows is not played, and what plays next need not wait."""
        if self._item_ms.get(item_id, 0.0) <= heard_ms:
            return
        self._cut.add(item_id)
        kept: list[_Queued] = []
        while self._queue:
            last = self._queue.pop()
            if last.item_id != item_id:
                kept.append(last)
                continue
            kept += self._shortened(last, heard_ms - last.before_ms)
            if last.before_ms <= heard_ms:
                break
        self._queue += reversed(kept)

    def cut_at(self, at_ms: float) -> None:
        """All that would be played from now on is thrown away."""
        while self._queue and self._end_ms(self._queue[-1]) > at_ms:
            last = self._queue.pop()
            if last.item_id:
                self._cut.add(last.item_id)
            if kept := self._shortened(last, at_ms - last.piece.at_ms):
                self._queue += kept
                return

    def finish(self) -> None:
        for item_id, ms in self._played_ms.items():
            self.cut_item(item_id, ms)
        for queued in self._queue:
            self.lane.append(queued.piece)

    def _add(self, queued: _Queued) -> None:
        """Put a piece into the queue; one that is what comes next of its item is added to the last."""
        if self._queue and self._queue[-1].item_id == queued.item_id:
            last, piece = self._queue[-1], queued.piece
            is_next = piece.offset == last.piece.offset + last.piece.size_bytes
            if is_next and piece.at_ms == self._end_ms(last) and not last.piece.size_bytes % self.form.sample_bytes:
                last.piece = replace(last.piece, size_bytes=last.piece.size_bytes + piece.size_bytes)
                return
        self._queue.append(queued)

    def _free_ms(self) -> float:
        """When all that was received will have been played."""
        return self._end_ms(self._queue[-1]) if self._queue else float("-inf")

    def _end_ms(self, queued: _Queued) -> float:
        return queued.piece.at_ms + self.form.ms(queued.piece.size_bytes)

    def _shortened(self, queued: _Queued, ms: float) -> list[_Queued]:
        """What is left of a piece that is heard for `ms`: none where that is nothing."""
        piece = queued.piece
        size = min(piece.size_bytes, self.form.bytes_of(max(0.0, ms)))
        self.lane.unheard_ms += self.form.ms(piece.size_bytes - size)
        return [_Queued(replace(piece, size_bytes=size), queued.item_id, queued.before_ms)] if size else []
