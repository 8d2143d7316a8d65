"""What a field holds, by the words of its name, where the name as a whole is not a known one (`field_names`).

`BeginOffsetMillis` is begin, offset and millis: a start, in milliseconds.  A name counts only where every word of it is
known: `end_reason` is no time, and `message_id` no text.
"""

from __future__ import annotations

import re
from functools import lru_cache

from msgspec import Struct

from .lenient import words_of
from .moments import MS, NS, TICKS, US, S

_MOST_CHARS = 60
"""Characters of a field's name that are compared; chosen: names are shorter."""
_WORD = r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+"

UNITS = {
    **dict.fromkeys(words_of("ms millis milliseconds millisecond msec msecs"), MS),
    **dict.fromkeys(words_of("us micros microseconds usec"), US),
    **dict.fromkeys(words_of("ns nano nanos nanoseconds"), NS),
    **dict.fromkeys(words_of("s sec secs second seconds sekunden"), S),
    "ticks": TICKS,
}

_TIMES = {
    **dict.fromkeys(words_of("start starts started begin begins began beginn anfang debut inicio onset"), "start"),
    **dict.fromkeys(words_of("end ends ended stop stopped finish finished ende fin fim fine"), "end"),
    **dict.fromkeys(words_of("duration dauer duree duracion length"), "duration"),
    **dict.fromkeys(words_of("create created creation received arrived sent logged recorded"), "arrived"),
}
_BESIDE_TIMES = frozenset(
    words_of(
        "time times timestamp ts offset at audio speech speaking utterance segment turn in position pos sentence "
        "relative date datetime utc recording zeit call message line iso unix epoch first"
    )
)
_ARRIVALS = frozenset(words_of("timestamp time ts date datetime zeit"))

_SPEAKERS = frozenset(words_of("speaker role participant sender author talker actor party sprecher locuteur hablante"))
_BESIDE_SPEAKERS = frozenset(words_of("name role id label type kind identity tag info of display key purpose"))
_CHANNELS = frozenset(words_of("channel kanal canal"))
_BESIDE_CHANNELS = frozenset(words_of("id index number no tag audio media of speaker source name label"))

_TEXTS = frozenset(words_of("text transcript utterance transcription content message sentence caption texte texto"))
_BESIDE_TEXTS = frozenset(
    words_of("display final full short formatted normalized punctuated clean best value body spoken original")
)


class NamedField(Struct, frozen=True):
    """What a field holds (`start`, `end`, `duration`, `arrived`, `text`, `speaker`, `channel`), and a time's unit."""

    what: str
    unit_ms: float = S


@lru_cache(maxsize=4096)
def field_named(name: str) -> NamedField | None:
    """What a field of this name holds, None where the words of its name do not tell."""
    words = tuple(word.casefold() for word in re.findall(_WORD, name)) if len(name) <= _MOST_CHARS else ()
    if not words:
        return None
    some = set(words)
    for what, telling, beside in (
        ("channel", _CHANNELS, _BESIDE_CHANNELS),
        ("speaker", _SPEAKERS, _BESIDE_SPEAKERS),
        ("text", _TEXTS, _TEXTS | _BESIDE_TEXTS),
    ):
        if some & telling and some <= telling | beside:
            return NamedField(what)
    return _time_named(words)


def _time_named(words: tuple[str, ...]) -> NamedField | None:
    units = [UNITS[word] for word in words[1:] if word in UNITS]
    unit = units[-1] if units else S
    left = [word for number, word in enumerate(words) if not (number and word in UNITS)]
    kinds = {_TIMES[word] for word in left if word in _TIMES}
    if any(word not in _TIMES and word not in _BESIDE_TIMES for word in left):
        return None
    if len(kinds) == 1:
        return NamedField(kinds.pop(), unit)
    if kinds:
        return None
    if "offset" in left:
        return NamedField("start", unit)
    return NamedField("arrived", unit) if _ARRIVALS.intersection(left) else None


def words_in(name: str) -> tuple[str, ...]:
    """The words of a name in lower case, as its capitals and punctuation part them."""
    return tuple(word.casefold() for word in re.findall(_WORD, name[:_MOST_CHARS]))
