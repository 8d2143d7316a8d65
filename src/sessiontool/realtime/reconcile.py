"""A log of utterances and a log of events for the same session -> one list, each utterance once.

They are joined by item id, else by role, time and text.  One of them is preferred where both know; what only one knows
is taken from there, so nothing that either of them holds is lost.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from ..documents.lenient import shown
from ..model import INAUDIBLE, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..model import Utterance
    from ..options import Prefer

_NEAR_US = 10_000_000
"""Microseconds; chosen: two logs of one utterance are no farther apart."""
_ALIKE, _INAUDIBLE_ALIKE = 0.6, 0.6
"""Ratio of equal letters from which on two texts are one; chosen, with transcripts of two models in view."""
_APART_US = 3_000_000
"""Microseconds; chosen: a difference that a listener notices, and that is worth a finding."""
_LISTED = 5
"""Names that a message lists; chosen: a line of a terminal."""
_MOST_LETTERS, _MOST_NEAR, _MOST_COMPARED = 200, 60, 6000
"""Letters of a text, neighbours in time and pairs in all that are compared; chosen: bounded time on any log."""

_NO_LETTER = r"[\W_]+"


class Joined(Struct, frozen=True):
    """All utterances, in the order of the conversation; how many both logs have; where they disagree."""

    utterances: list[Utterance]
    in_both: int
    findings: list[Finding]


def join(written: Sequence[Utterance], logged: Sequence[Utterance], prefer: Prefer = "utterances") -> Joined:
    """Join utterances as the application wrote them down with those of a log of events."""
    pairs = _pairs(written, logged)
    merged = {i: _merged(written[i], logged[j], prefer) for i, j in pairs.items()}
    partner = {j: i for i, j in pairs.items()}
    behind: dict[int, list[Utterance]] = {}
    anchor = -1
    for j, utterance in enumerate(logged):
        if j in partner:
            anchor = partner[j]
        else:
            behind.setdefault(anchor, []).append(utterance)
    utterances = list(behind.get(-1, ()))
    for i, utterance in enumerate(written):
        utterances += [merged.get(i, utterance), *behind.get(i, ())]
    return Joined(utterances, len(pairs), list(_disagreements(written, logged, pairs, prefer)))


# -- who is who


def _pairs(written: Sequence[Utterance], logged: Sequence[Utterance]) -> dict[int, int]:
    """Positions in `written` to those in `logged`."""
    names = {utterance.id: j for j, utterance in enumerate(logged)}
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for i, utterance in enumerate(written):
        for name in (utterance.id, utterance.extra.get("item_id")):
            j = names.get(name) if isinstance(name, str) else None
            if j is not None and j not in taken:
                pairs[i] = j
                taken.add(j)
                break
    for _, i, j in sorted(_candidates(written, logged, pairs, taken), reverse=True):
        if i not in pairs and j not in taken:
            pairs[i] = j
            taken.add(j)
    _pair_by_text(written, logged, pairs, taken)
    return pairs


def _candidates(
    written: Sequence[Utterance], logged: Sequence[Utterance], pairs: dict[int, int], taken: set[int]
) -> Iterator[tuple[float, int, int]]:
    """Utterances of one role and about one time whose texts are alike: how well they fit, and their positions."""
    timed = sorted((u.t_start_us, j) for j, u in enumerate(logged) if u.t_start_us is not None and j not in taken)
    ours, theirs = ([_letters(one.text) for one in log] for log in (written, logged))
    low, budget = 0, _MOST_COMPARED
    order = sorted((u.t_start_us, i) for i, u in enumerate(written) if u.t_start_us is not None and i not in pairs)
    for at_us, i in order:
        while low < len(timed) and timed[low][0] < at_us - _NEAR_US:
            low += 1
        for there_us, j in timed[low : low + _MOST_NEAR]:
            if there_us > at_us + _NEAR_US:
                break
            if logged[j].role == written[i].role:
                budget -= 1
                alike = _likeness(ours[i], theirs[j], exactly=budget < 0)
                if alike >= _ALIKE:
                    yield alike - abs(at_us - there_us) / _NEAR_US, i, j


def _likeness(a: str, b: str, *, exactly: bool) -> float:
    """0 to 1: how much two texts are the same, by their letters; the beginning of a text is like the whole.

    `exactly`: any other likeness takes too long to tell.
    """
    if _INAUDIBLE in (a, b):
        return _INAUDIBLE_ALIKE
    if a == b:
        return 1.0
    if a and b and (a.startswith(b) or b.startswith(a)):
        return 0.9
    compared = SequenceMatcher(None, a[:_MOST_LETTERS], b[:_MOST_LETTERS], autojunk=False)
    return 0.0 if exactly or compared.quick_ratio() < _ALIKE else compared.ratio()


def _pair_by_text(
    written: Sequence[Utterance], logged: Sequence[Utterance], pairs: dict[int, int], taken: set[int]
) -> None:
    """The same words of the same role, in order, wherever the two clocks have them."""
    free: dict[tuple[str, str], list[int]] = {}
    for j, utterance in enumerate(logged):
        if j not in taken:
            free.setdefault((utterance.role, _letters(utterance.text)), []).append(j)
    for i, utterance in enumerate(written):
        places = free.get((utterance.role, _letters(utterance.text))) if i not in pairs else None
        if places:
            pairs[i] = places.pop(0)
            taken.add(pairs[i])


def _letters(text: str) -> str:
    return re.sub(_NO_LETTER, "", text.casefold())


_INAUDIBLE = _letters(INAUDIBLE)


# -- what is true


def _merged(written: Utterance, logged: Utterance, prefer: Prefer) -> Utterance:
    """One utterance out of two: the id and unknown fields as written, the rest from the one that is preferred."""
    written, logged = _without_arrival(written, logged), _without_arrival(logged, written)
    first, second = (logged, written) if prefer == "events" else (written, logged)
    text = first.text if _is_whole(first) else second.text
    is_stated = written.heard_text is not None
    heard = written.heard_text if is_stated else _still_heard(logged.heard_text, text)
    extra: dict[str, Any] = {"item_id": logged.id} if written.id != logged.id else {}
    if "noticed_s" in logged.extra:
        extra["noticed_s"] = logged.extra["noticed_s"]
    return replace(
        written,
        text=text,
        t_start_us=first.t_start_us if first.t_start_us is not None else second.t_start_us,
        t_end_us=first.t_end_us if first.t_end_us is not None else second.t_end_us,
        interrupted=written.interrupted if written.interrupted is not None else logged.interrupted,
        heard_text=heard,
        heard_estimated=logged.heard_estimated and not is_stated,
        language=written.language or logged.language,
        logged_words=logged.logged_words if _letters(text) == _letters(logged.text) else (),
        generated_us=logged.generated_us if _letters(text) == _letters(logged.text) else None,
        extra={**extra, **written.extra},
    )


def _without_arrival(one: Utterance, other: Utterance) -> Utterance:
    """An utterance without the time at which it was received, where the other log knows better."""
    is_known = other.arrived_us is None and (other.t_start_us is not None or other.t_end_us is not None)
    if one.arrived_us is None or not is_known:
        return one
    return replace(one, t_start_us=None, t_end_us=None, arrived_us=None)


def _is_whole(utterance: Utterance) -> bool:
    return bool(utterance.text.strip()) and "transcription" not in utterance.extra


def _still_heard(heard: str | None, text: str) -> str | None:
    """The heard beginning of a text, if the text is not another one, or no more than what was heard."""
    if heard is None or not _letters(text).startswith(_letters(heard)) or _letters(text) == _letters(heard):
        return None
    return heard


def _disagreements(
    written: Sequence[Utterance], logged: Sequence[Utterance], pairs: dict[int, int], prefer: Prefer
) -> Iterator[Finding]:
    both = [(written[i], logged[j]) for i, j in pairs.items()]
    texts = [w.id for w, e in both if _is_whole(e) and _letters(w.text) != _letters(e.text)]
    times = [
        w.id
        for w, e in both
        if w.t_start_us is not None and e.t_start_us is not None and abs(w.t_start_us - e.t_start_us) > _APART_US
    ]
    roles = [w.id for w, e in both if w.role != e.role]
    only_written = [u.id for i, u in enumerate(written) if i not in pairs]
    taken = set(pairs.values())
    only_logged = [u.id for j, u in enumerate(logged) if j not in taken]
    kept = f"those of the {prefer} are used"
    for names, what in (
        (texts, f"have another text in the utterances than in the events; {kept}"),
        (times, f"begin more than {_APART_US // 1_000_000} s apart in utterances and events; {kept}"),
        (roles, "are of another role in the utterances than in the events; the utterances' is used"),
        (only_written, "are in the utterances alone"),
        (only_logged, "are in the events alone"),
    ):
        if names:
            more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
            stated = ", ".join(shown(name) for name in names[:_LISTED]) + more
            yield Finding(
                "sources-disagree", "info", f"{len(names)} utterance(s) {what}: {stated}", hint="choose with --prefer"
            )
