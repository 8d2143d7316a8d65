"""One event of a log, as it is kept between reading and reducing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from .payloads import Payload

if TYPE_CHECKING:
    from ..documents.moments import Moment

NO_PAYLOAD = Payload()
"""What events have that carry nothing of use; one object, as there are thousands of them."""


class Event(Struct):
    """One event.  `kind` is its type by its GA name; `receipt` is when it was received, as noted.

    Fragments have `item_id`, `text` and `span_ms` (start and end on a Live session's clock), or the `sound_bytes` that
    they carried, kept at byte `sound_at` where the sound is kept; all others that are read have a `payload`.
    `at_ms` is the session clock on arrival, None where it is unknown.
    """

    kind: str
    receipt: Moment | None
    item_id: str | None = None
    content_index: int = 0
    text: str = ""
    span_ms: tuple[float, float] | None = None
    sound_bytes: int = 0
    sound_at: int = -1
    payload: Payload = field(default_factory=lambda: NO_PAYLOAD)
    at_ms: float | None = None
