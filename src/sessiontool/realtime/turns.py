"""Items -> turns: who said what, when on the session clock, and how much of it was heard.

A user's boundaries are the server's, without the padding and the silence that were in force.  An assistant's sound
begins and ends with the output buffer's events, or lasts as long as the sound in the log; never as its text, which is
complete seconds before.

Not here: text that was not spoken (`notes`), and the sound (`align`).
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from msgspec import Struct, field

from ..model import INAUDIBLE
from ..speech.duration_model import MS_PER_UNIT, units_of
from .conversation import FRAGMENTS
from .heard_words import hear, measure
from .lost_answers import UNFINISHED, lost_answers
from .turn import ASSISTANT, USER, Turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .conversation import Conversation, Item, Response
    from .session_clock import SessionClock

_WHOLE_MS = 100.0
"""Chosen: a truncation that leaves less than this away took nothing."""
_MOST_BETWEEN = 100
"""Items that are followed back from one to the next; chosen: a circle in a log must end."""
_CUT_OFF = ("cancelled", "failed")


class Turns(Struct):
    """All turns in the order of the conversation; items that are none, and why; truncations that cut nothing off."""

    turns: list[Turn] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    not_cut: list[str] = field(default_factory=list)


def turns_of(conversation: Conversation, clocks: Mapping[int, SessionClock]) -> Turns:
    """The turns of a conversation's items."""
    made = Turns()
    sounds = _assistant_sounds(conversation)
    for item in conversation.items.values():
        if item.type != "message" or not item.is_spoken or item.role not in {USER, ASSISTANT}:
            continue
        if why := _no_turn(item):
            made.skipped[item.id] = why
        elif item.role == USER:
            made.turns.append(_user_turn(item, clocks))
        else:
            made.turns.append(_assistant_turn(item, conversation, sounds.get(item.id), made))
    made.turns += (_lost_turn(name, response, conversation) for name, response in lost_answers(conversation).items())
    for turn in made.turns:
        if turn.start_ms is None and turn.end_ms is None and turn.id in conversation.items:
            is_unplayed = turn.role == ASSISTANT and conversation.has_playback  # the log would say when it sounded
            turn.arrived_ms = None if is_unplayed else conversation.items[turn.id].arrived_ms
        turn.previous = _spoken_before(turn.previous, conversation)
    measure(made.turns, conversation)
    hear(made.turns)
    made.turns = in_order(made.turns)
    return made


def _spoken_before(name: str | None, conversation: Conversation) -> str | None:
    """The nearest spoken item at or before `name`: tool calls and texts lie between turns."""
    for _ in range(_MOST_BETWEEN):
        item = conversation.items.get(name or "")
        if item is None or (item.type == "message" and item.is_spoken):
            return name
        name = item.previous
    return None


def _no_turn(item: Item) -> str:
    """Why a spoken item is no turn; empty where it is one."""
    if item.is_idle:
        return "idle timeout: no speech"
    if item.is_discarded and not item.text():
        return "the input buffer was cleared before it was committed"
    if item.role == ASSISTANT and not item.text() and not item.sound_bytes:
        return "the answer was stopped before its first word"
    return ""


# -- the user


def _user_turn(item: Item, clocks: Mapping[int, SessionClock]) -> Turn:
    text = item.text()
    turn = Turn(item.id, USER, text or INAUDIBLE, item.session.number, previous=item.previous)
    turn.transcription = "" if text and item.transcription == "completed" else _what_is_wrong(item, text)
    turn.start_ms, turn.end_ms = _boundaries(item, clocks)
    turn.received_ms = item.stopped.at_ms if item.stopped is not None else item.committed_ms
    turn.language, turn.segments = item.language, item.segments
    turn.is_open = item.started is not None and item.stopped is None and not item.is_committed
    turn.order = _order(turn, item)
    return turn


def _what_is_wrong(item: Item, text: str) -> str:
    if item.transcription == "failed":
        return "failed"
    if text:
        return "incomplete" if all(source == FRAGMENTS for _, source in item.texts) else ""
    return "empty" if item.transcription == "completed" else "missing"


def _boundaries(item: Item, clocks: Mapping[int, SessionClock]) -> tuple[float | None, float | None]:
    """Start and end of speech on the session clock.

    Where only a commit ends it (push-to-talk, or a page that did not wait), it is over when that is received, and began
    as long before as its transcription is charged for.
    """
    start = end = None
    if (mark := item.started) is not None:
        prefix_ms = mark.session.settings_at(mark.at_ms).prefix_ms
        start = clocks[mark.session.number].at(mark.audio_ms + prefix_ms)
    if (mark := item.stopped) is not None:
        silence_ms = mark.session.settings_at(mark.at_ms).silence_ms
        end = clocks[mark.session.number].at(max(0.0, mark.audio_ms - silence_ms))
    elif item.is_committed:
        end = item.committed_ms
    if start is None and end is not None and item.spoken_ms:
        start = end - item.spoken_ms
    if start is not None and end is not None and end <= start:
        end = None
    return start, end


# -- the assistant


class _Sound(Struct):
    """Where an item's sound is: when it began, ended or was cut off, and how long all of it is.

    `ran_out`: the server said that nothing of it was left.
    """

    start_ms: float | None = None
    end_ms: float | None = None
    cut_ms: float | None = None
    whole_ms: float | None = None
    ran_out: bool = False


def _assistant_sounds(conversation: Conversation) -> dict[str, _Sound]:
    sounds: dict[str, _Sound] = {}
    for response in conversation.responses.values():
        spoken = [conversation.items[name] for name in response.items if name in conversation.items]
        spoken = [item for item in spoken if item.role == ASSISTANT and item.type == "message" and item.is_spoken]
        if response.started_ms is not None:
            sounds.update(_played(response, spoken))
    free_ms = float("-inf")
    for item in sorted(_streamed(conversation), key=lambda item: (item.sound_ms is None, item.sound_ms or 0.0)):
        sound = sounds.setdefault(item.id, _Sound())
        settings = item.session.settings_at(item.sound_ms)
        sound.whole_ms = item.sound_bytes / settings.output_bytes_per_ms or None
        if sound.start_ms is None and item.sound_ms is not None:
            sound.start_ms = max(item.sound_ms, free_ms)
            stated = item.truncated or item.asked
            played = [one for one in (sound.whole_ms, stated and stated[0]) if one is not None]
            if played:
                sound.end_ms = free_ms = sound.start_ms + min(played)
    return sounds


def _streamed(conversation: Conversation) -> Iterable[Item]:
    """Answers whose sound is in the log, or was until it was taken out: then only its time is left."""
    for item in conversation.items.values():
        if item.role == ASSISTANT and (item.sound_bytes or item.sound_ms is not None):
            yield item


def _played(response: Response, items: Sequence[Item]) -> Iterable[tuple[str, _Sound]]:
    """The sounds of a response's items, one after another while the output buffer ran, each with its text's share."""
    start, stopped, cleared = response.started_ms, response.stopped_ms, response.cleared_ms
    is_cut = cleared is not None and (stopped is None or cleared <= stopped)
    end = cleared if is_cut else stopped
    if start is None or not items:
        return
    if len(items) == 1:
        yield items[0].id, _Sound(start, end, end if is_cut else None, ran_out=end is not None and not is_cut)
        return
    units = [max(1.0, units_of(item.text())) for item in items]
    scale = MS_PER_UNIT if end is None or is_cut else (end - start) / sum(units)
    for item, mine in zip(items, units, strict=True):
        stop = start + scale * mine
        if is_cut and end is not None and stop > end:
            yield item.id, _Sound(min(start, end), end, end)
        else:
            yield item.id, _Sound(start, stop if end is not None else None, ran_out=end is not None)
        start = stop


def _assistant_turn(item: Item, conversation: Conversation, sound: _Sound | None, made: Turns) -> Turn:
    turn = Turn(item.id, ASSISTANT, item.text() or INAUDIBLE, item.session.number, previous=item.previous)
    response = conversation.responses.get(item.response or "")
    status = response.status if response else item.status
    turn.received_ms = item.sound_ms
    if turn.received_ms is None and response is not None and [*response.items][:1] == [item.id]:
        turn.received_ms = response.started_ms
    if sound is None:
        turn.is_open = status in {"", "in_progress"} and all(source == FRAGMENTS for _, source in item.texts)
        turn.interrupted = status in _CUT_OFF or item.truncated is not None
        if item.truncated is not None:
            turn.heard_ms = item.truncated[0]
        elif turn.interrupted and conversation.has_playback:
            turn.heard_ms, turn.heard = 0.0, ""
    else:
        turn.start_ms, turn.end_ms, turn.whole_ms = sound.start_ms, sound.end_ms, sound.whole_ms
        _cut(turn, item, sound, status, made)
        turn.is_open = sound.end_ms is None and conversation.has_playback
    turn.words = tuple(item.words)
    if response is not None and response.status in UNFINISHED:
        turn.unfinished = response.reason or response.status
    turn.order = _order(turn, item)
    return turn


def _lost_turn(name: str, response: Response, conversation: Conversation) -> Turn:
    """An answer of which only its place in the order is known, when it was begun, and why it failed."""
    turn = Turn(name, ASSISTANT, INAUDIBLE, response.session.number, response.first_ms)
    before = [item for item in conversation.items.values() if item.place < response.place and item.is_spoken]
    turn.previous = max(before, key=lambda item: item.place).id if before else None
    turn.unfinished = response.reason or response.status
    turn.order = (float("inf") if response.first_ms is None else response.first_ms, response.place)
    return turn


def _cut(turn: Turn, item: Item, sound: _Sound, status: str, made: Turns) -> None:
    """Whether a turn was cut off, and how much of it was played.

    A speech start may truncate an answer that was heard to its end: one whose sound had run out, or was no longer
    than what was left of it.
    """
    stated = item.truncated or (item.asked if sound.cut_ms is None else None)
    if stated is not None:
        left_ms, at_ms = stated
        is_over = sound.ran_out and sound.end_ms is not None and (at_ms is None or at_ms >= sound.end_ms)
        if is_over or (sound.whole_ms is not None and left_ms >= sound.whole_ms - _WHOLE_MS):
            made.not_cut.append(item.id)
            return
        turn.interrupted, turn.heard_ms = True, left_ms
        if sound.cut_ms is None and sound.start_ms is not None:
            turn.end_ms = sound.start_ms + left_ms
    elif sound.cut_ms is not None and sound.start_ms is not None:
        turn.interrupted, turn.heard_ms = True, sound.cut_ms - sound.start_ms
    elif status == "cancelled" and sound.whole_ms is not None:
        turn.interrupted, turn.end_ms = True, None  # it was not recorded how much of what had come was played


# -- order


def _order(turn: Turn, item: Item) -> tuple[float, int]:
    at_ms = turn.start_ms if turn.start_ms is not None else turn.end_ms
    if at_ms is None:
        at_ms = item.first_ms if item.first_ms is not None else float("inf")
    return at_ms, item.place


def _with_time(turns: Iterable[Turn]) -> list[Turn]:
    """The turns; one without a time is ordered by that of the next one in the log, whose lines are in order."""
    by_place = sorted(turns, key=lambda turn: turn.order[1])
    at_ms = float("inf")
    for turn in reversed(by_place):
        at_ms = turn.order[0] if isfinite(turn.order[0]) else at_ms
        turn.order = (at_ms, turn.order[1])
    return by_place


def in_order(turns: Iterable[Turn]) -> list[Turn]:
    """Turns by their time; one whose start is not known comes behind the turn that it follows.

    One of which nothing is known, and which follows nothing, comes before the next one that has a time in the log.
    """
    by_time = sorted(_with_time(turns), key=lambda turn: (turn.order, turn.session))
    names = {turn.id for turn in by_time}
    behind: dict[str, list[Turn]] = {}
    first: list[Turn] = []
    for turn in by_time:
        if turn.start_ms is None and turn.previous in names and turn.previous != turn.id:
            behind.setdefault(turn.previous or "", []).append(turn)
        else:
            first.append(turn)
    placed: list[Turn] = []
    stack = first[::-1]
    while stack:
        turn = stack.pop()
        placed.append(turn)
        stack += behind.pop(turn.id, [])[::-1]
    return placed + [turn for rest in behind.values() for turn in rest]  # what follows itself in a circle
