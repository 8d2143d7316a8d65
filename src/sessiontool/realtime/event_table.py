"""The events of a log in the order of the file, with little memory for those that carry sound.

An hour of a WebSocket has some hundred thousand of them, and each is a few numbers: they are kept as such, and made
into an `Event` when they are looked at.  All others are kept as they are.
"""

from __future__ import annotations

import struct
from array import array
from itertools import pairwise
from math import isnan, nan
from typing import TYPE_CHECKING, Any, cast

from ..documents.moments import Moment
from .event import Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..documents.moments import MomentClock

_ROW = struct.Struct("<4iiqdddd")
"""Kind, item, response and clock as places of their names; the size and place of the sound; the receipt and its unit;
the span."""


class EventTable:
    """Events; `at_ms` of each is None until `set_times` was called."""

    def __init__(self) -> None:
        self._places = array("q")
        """For each event: where it is in `_kept`, or -1 and down where its row is."""
        self._kept: list[Event] = []
        self._rows = bytearray()
        self._names: list[str | None] = [None]
        self._numbers: dict[str | None, int] = {None: 0}
        self._at_ms = array("d")

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Event]:
        return map(self._event, range(len(self._places)))

    def append(self, event: Event) -> None:
        """Add an event at the end."""
        self._at_ms.append(nan)
        if not event.sound_bytes:
            self._places.append(len(self._kept))
            self._kept.append(event)
            return
        self._places.append(-1 - len(self._rows) // _ROW.size)
        receipt = event.receipt
        names = map(self._number, (event.kind, event.item_id, event.text, receipt.clock if receipt else None))
        value, unit = (receipt.value, receipt.unit_ms) if receipt else (nan, nan)
        span = event.span_ms or (nan, nan)
        self._rows += _ROW.pack(*names, event.sound_bytes, event.sound_at, value, unit, *span)

    def without_sound(self) -> Sequence[Event]:
        """The events that carry no sound, in the order of the file."""
        return self._kept

    def receipts(self) -> Iterator[Moment | None]:
        """When each event was received, as noted."""
        for place in self._places:
            yield self._kept[place].receipt if place >= 0 else self._row_receipt(place)

    def set_times(self, at_ms: Iterable[float]) -> None:
        """Give each event its time on the session clock, in ms; NaN where it is unknown."""
        self._at_ms = array("d", at_ms)

    def reverse(self) -> None:
        """Put the last event first."""
        self._places.reverse()
        self._at_ms.reverse()

    def by_time(self) -> Iterator[Event]:
        """The events in the order in which they were received, those without a time first."""
        if any(isnan(one) or isnan(other) or other < one for one, other in pairwise(self._at_ms)):
            times = [float("-inf") if isnan(at) else at for at in self._at_ms]
            return map(self._event, sorted(range(len(times)), key=times.__getitem__))
        return iter(self)

    def _number(self, name: str | None) -> int:
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self._names)
            self._names.append(name)
        return number

    def _row_receipt(self, place: int) -> Moment | None:
        _, _, _, clock, _, _, value, unit, _, _ = self._row(place)
        name = self._names[clock]
        return None if name is None else Moment(value, cast("MomentClock", name), unit)

    def _event(self, index: int) -> Event:
        place, at_ms = self._places[index], self._at_ms[index]
        event = self._kept[place] if place >= 0 else self._made(place)
        event.at_ms = None if isnan(at_ms) else at_ms
        return event

    def _made(self, place: int) -> Event:
        kind, item, text, _, size_bytes, sound_at, _, _, start, end = self._row(place)
        made = Event(self._names[kind] or "", None, self._names[item], text=self._names[text] or "")
        made.span_ms = None if isnan(start) else (start, end)
        made.sound_bytes, made.sound_at = size_bytes, sound_at
        return made

    def _row(self, place: int) -> tuple[Any, ...]:
        return _ROW.unpack_from(self._rows, (-1 - place) * _ROW.size)
