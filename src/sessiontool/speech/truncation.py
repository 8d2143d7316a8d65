"""How much of an utterance could be heard, by the sound that was found of it.

A turn that was cut off has more text than sound.  Its sound's length tells the last word that was audible: beside the
length of all that was generated, where the log knows it, else by how fast its speaker says whole turns.  Where only
the sound says that it was cut off, and no log, words are taken away only if they surely were not heard: a fast talker
is not to lose any.
"""

from __future__ import annotations

from itertools import accumulate
from statistics import median
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..model import SAMPLES_PER_MS
from .duration_model import MS_PER_UNIT, heard_part, units_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..model import Placement

_SURE = 0.5  # share: the least confidence that is used; chosen
_LEAST_RATES, _LEAST_UNITS = 3, 15.0  # rates of a speaker, units of each text; chosen
_SURELY_CUT = 0.65
"""Of 485 turns heard whole, 5 took less than this share of their speaker's usual time (measured)."""
_LEAST_RATE, _MOST_RATE = MS_PER_UNIT / 2.5, MS_PER_UNIT * 2.5  # ms a unit; chosen


def with_heard_text(placements: Sequence[Placement], *, known_only: bool = False) -> tuple[Placement, ...]:
    """The same placements, each with what was heard of it where that is less than its text, and no words but those.

    What was found word by word stands.  `known_only`: leave out what only the speaker's rate tells.
    """
    rates = {role: _rate(placements, role) for role in {placement.utterance.role for placement in placements}}
    return tuple(
        p if _is_known(p) or (known_only and _is_guess(p)) else _cut(p, _heard(p, rates[p.utterance.role]))
        for p in placements
    )


def _is_known(placement: Placement) -> bool:
    """Whether what was heard is known already: it was recorded, or its words were found in the sound."""
    return placement.heard_text is not None or any(word.source == "aligned" for word in placement.words)


def _is_guess(placement: Placement) -> bool:
    """Whether neither what was heard was recorded, nor how long all of it was."""
    utterance = placement.utterance
    return utterance.generated_us is None and (utterance.heard_text is None or utterance.heard_estimated)


def _cut(placement: Placement, heard: str | None) -> Placement:
    if heard is None:
        return placement
    letters = accumulate(_letters(word.text) for word in placement.words)
    kept = sum(count <= _letters(heard) for count in letters)
    return replace(placement, heard_text=heard, words=placement.words[:kept])


def _letters(text: str) -> int:
    return sum(character.isalnum() for character in text)


def _rate(placements: Sequence[Placement], role: str) -> float:
    """Milliseconds a unit of text takes a speaker, by the turns that were heard whole and surely found."""
    rates = [
        (p.end_samples - p.start_samples) / SAMPLES_PER_MS / units
        for p in placements
        if p.utterance.role == role
        and p.start_samples is not None
        and p.end_samples is not None
        and p.status == "aligned"
        and p.confidence >= _SURE
        and not p.utterance.interrupted
        and (units := units_of(p.utterance.text)) >= _LEAST_UNITS
    ]
    rate = median(rates) if len(rates) >= _LEAST_RATES else MS_PER_UNIT
    return min(max(rate, _LEAST_RATE), _MOST_RATE)


def _heard(placement: Placement, rate: float) -> str | None:
    """What was heard, None where that is all of it, or where it is unknown.

    What was recorded is kept; what was worked out of the log's times gives way to the sound where it was found.
    """
    utterance = placement.utterance
    recorded = utterance.heard_text
    by_speaker = placement.status == "clipped" and not placement.gap_cut
    is_cut = by_speaker or (utterance.interrupted and utterance.heard_estimated)
    if not is_cut or (recorded is not None and not utterance.heard_estimated):
        return recorded
    if placement.start_samples is None or placement.end_samples is None or placement.confidence < _SURE:
        return recorded
    audible_ms = (placement.end_samples - placement.start_samples) / SAMPLES_PER_MS
    generated_us = utterance.generated_us
    whole_ms = rate * units_of(utterance.text) if generated_us is None else generated_us / 1000
    share = audible_ms / max(1.0, whole_ms)
    if share > _SURELY_CUT and not utterance.interrupted:
        return None
    heard = heard_part(utterance.text, share)
    return None if heard == utterance.text else heard
