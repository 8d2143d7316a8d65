"""One channel's utterances and its speech, brought together: matching, and what it teaches about clock and habits.

A lane begins with what the log says and the coarse track of the clock.  Then matching and learning take turns: each
round's matches tell how late each role's starts and ends are logged, how widely they scatter, how fast each one speaks
and how the clock runs, and the next round matches by that.

Not here: which channel carries whom, and what becomes of the matches (`align`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from .assignment import Costs, Matches, Signs, Voice, match
from .band_levels import FRAME_MS
from .clock_offset import OffsetTrack, coarse_track, fit_line, follow
from .islands import Islands, cut_islands
from .quantiles import median
from .two_voices import second_voice, voice_changes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .recorded_time import Axis, Expected
    from .speech_activity import ChannelActivity

    Floats = NDArray[np.float64]

USER, ASSISTANT = "user", "assistant"
ROLES = (USER, ASSISTANT)
SHARP_END_MS = 500.0
"""Chosen: where a role's logged ends scatter less than this, they say where its speech ends."""

_ROUNDS = 4
"""Steps of matching and deriving clocks, of which the last is not followed by another; chosen: places are settled by
then."""
_SURE_COST = 1.5
"""Cost of a match up to which a voice is learned from it; chosen."""

_RATES = (0.5, 1.6)
"""Ratio of rates, chosen: how fast people speak, beside the middling rate; what is beyond is noise that was taken
for their speech."""

_SKIP_TEXT = 3.5
"""Cost of an utterance that gets no place; chosen on dialogues with known truth."""
FIRST_COSTS = {
    USER: Costs(skip_text=_SKIP_TEXT, end_spread=600.0, skip_island=0.15, skip_second=0.9, skip_most=2.0),
    ASSISTANT: Costs(
        skip_text=_SKIP_TEXT, end_spread=1500.0, skip_island=1.2, skip_second=2.0, skip_most=3.5, late_most=2.5
    ),
}
_LEAST_MATCHES = 4
"""Number of matches, as units of evidence, from which a role's habits are derived; chosen."""
_JUMP_COSTS = (6.0, 1.0)
"""Costs of a jump of the clock that are tried, the dearest first; chosen."""
_STRETCH_COST = 2.0
"""Cost of each stretch of even clock, when two readings are compared; chosen."""
_SAME_PATH_MS = 500.0
"""Chosen: two readings of the clock that differ by less are one."""
_LOST_MS = 300.0
"""Chosen: a smaller step of the clock is no lost time."""
_CUT_BEFORE_MS, _CUT_AFTER_MS = 700.0, 250.0
"""Chosen: from how long before an end until how long behind it another speaker may begin who causes it."""


class Lane(Struct):
    """One channel's work: whose utterances it carries, and what is believed of them so far.

    `roles`, `raw` (as logged), `track`, `expected` (by the clock as now known) and `matches` run in parallel.  `voices`
    says of each frame how much more it sounds like the assistant than like the user, where that is known and asked.
    """

    number: int
    channel: ChannelActivity
    roles: NDArray[np.str_]
    raw: Expected
    track: OffsetTrack
    expected: Expected
    islands: Islands
    matches: Matches
    costs: dict[str, Costs]
    voices: NDArray[np.float32] | None = None

    @classmethod
    def begin(cls, number: int, channel: ChannelActivity, roles: Sequence[str], raw: Expected) -> Lane:
        """A lane before anything is known; `roles` has the role of each utterance of `raw`."""
        nothing = (OffsetTrack.none(len(raw)), raw, Islands.none(), Matches.none(len(raw)))
        return cls(number, channel, np.array(roles), raw, *nothing, dict(FIRST_COSTS))

    @property
    def shared(self) -> bool:
        """Whether both roles speak on it."""
        return len(set(map(str, self.roles))) > 1

    @property
    def who(self) -> str:
        """Whose utterances these are, in words."""
        return " and ".join(sorted(set(map(str, self.roles))))

    def matched(self, role: str | None = None) -> NDArray[np.intp]:
        """Which utterances have found sound."""
        chosen = self.matches.found if role is None else self.matches.found & (self.roles == role)
        return np.flatnonzero(chosen)

    def starts(self, which: NDArray[np.intp]) -> Floats:
        """Where the islands of some matched utterances begin."""
        return self.islands.start[self.matches.first[which]]

    def taken(self) -> NDArray[np.bool_]:
        """Which islands have been given to an utterance."""
        taken = np.zeros(len(self.islands), bool)
        for k in self.matched():
            taken[self.matches.first[k] : self.matches.last[k] + 1] = True
        return taken

    def ends(self, which: NDArray[np.intp]) -> Floats:
        """Where the islands of some matched utterances end."""
        return self.islands.end[self.matches.last[which]]


def track(lanes: Sequence[Lane], axis: Axis, jump_cost: float = _JUMP_COSTS[0]) -> float:
    """Give the lanes the clock's coarse track through all their utterances; returns the agreement, in seconds."""
    tracks, reached = coarse_track([(lane.raw, lane.channel.score) for lane in lanes], axis, jump_cost)
    for lane, found in zip(lanes, tracks, strict=True):
        lane.track = found
        lane.expected = lane.raw.shifted(found.offset, axis)
    return reached


def solve(begun: Sequence[Lane], axis: Axis) -> list[Lane]:
    """Matched lanes, the clock jumping hardly or readily: whichever explains log and sound at the least cost.

    The lanes come with the track of a clock that hardly jumps.
    """
    best, least = list(begun), np.inf
    if not begun:
        return best
    tried: list[Floats] = []
    for jump_cost in _JUMP_COSTS:
        lanes = [replace(lane, track=lane.track.copy(), costs=dict(lane.costs)) for lane in begun]
        if tried:
            track(lanes, axis, jump_cost)
        path = np.concatenate([lane.track.offset for lane in lanes])
        if any(np.abs(path - other).max() < _SAME_PATH_MS for other in tried):
            continue
        tried.append(path)
        _match_and_learn(lanes, axis)
        stretches = max(int(lane.track.stretch.max()) for lane in lanes)
        cost = sum(lane.matches.total for lane in lanes) + _STRETCH_COST * stretches
        if cost < least:
            best, least = lanes, cost
    return best


def _match_and_learn(lanes: Sequence[Lane], axis: Axis) -> None:
    for turn in range(_ROUNDS):
        before = [lane.matches for lane in lanes]
        for lane in lanes:
            _match_lane(lane, lanes, axis, learned=turn > 0)
        settled = all(lane.matches.same_as(matches) for lane, matches in zip(lanes, before, strict=True))
        if turn == _ROUNDS - 1 or settled:
            return
        if turn == 0:
            _tell_voices(lanes)
        _learn(lanes, axis)


def _turns(lane: Lane, *, learned: bool) -> tuple[Floats, Floats]:
    """Where the voice changes on a channel of two, and where the user begins to speak there.

    The log says that where the voices do not, and only when something was `learned` of its clock.
    """
    nowhere = np.zeros(0)
    if lane.voices is not None:
        to_assistant, to_user = voice_changes(lane.voices)
        return np.concatenate((to_assistant, to_user)), to_user
    if not lane.shared or not learned:
        return nowhere, nowhere
    begin = lane.expected.start + lane.costs[USER].start_bias
    return nowhere, begin[(lane.roles == USER) & lane.raw.timed]


def _other_starts(lane: Lane, lanes: Sequence[Lane]) -> Floats:
    """Where a speaker on another channel begins to speak."""
    return np.concatenate([np.zeros(0), *(o.channel.islands[:, 0] for o in lanes if o is not lane)])


def _match_lane(lane: Lane, lanes: Sequence[Lane], axis: Axis, *, learned: bool) -> None:
    """Match one lane's utterances with its islands, in the order of their expected starts."""
    ordered, order = lane.expected.ordered()
    roles = lane.roles[order]
    costs = [lane.costs[str(role)] for role in roles]
    begin = ordered.start + np.array([c.start_bias for c in costs])
    has_end = np.isfinite(ordered.end) & np.array([c.end_spread < SHARP_END_MS for c in costs])
    stop = ordered.end + np.array([c.end_bias for c in costs])
    wanted = np.concatenate((begin, stop[has_end]))
    changes, user_starts = _turns(lane, learned=learned)
    lane.islands = cut_islands(lane.channel.islands, lane.channel.score, axis, wanted, changes)
    others = np.sort(np.concatenate((_other_starts(lane, lanes), user_starts)))
    first, last = (
        np.searchsorted(others, lane.islands.end - _CUT_BEFORE_MS),
        np.searchsorted(others, lane.islands.end + _CUT_AFTER_MS),
    )
    lost = _lost_beside_jumps(lane)[order]
    signs = Signs(last > first, roles == ASSISTANT, lost, _voice_of(lane, roles))
    matches = match(ordered, lane.islands, axis, costs, signs)
    lane.matches = matches.reordered(order)


def _voice_of(lane: Lane, roles: NDArray[np.str_]) -> Voice | None:
    """How much each island sounds like each role's voice, where two share a channel and can be distinguished."""
    if lane.voices is None:
        return None
    edges = lane.islands.start, lane.islands.end
    first, after = ((at / FRAME_MS).astype(int).clip(0, len(lane.voices)) for at in edges)
    total = np.concatenate(([0.0], np.cumsum(lane.voices, dtype=float)))
    frames = np.concatenate(([0], np.cumsum(lane.voices != 0)))
    return Voice(total[after] - total[first], frames[after] - frames[first], np.where(roles == ASSISTANT, 1.0, -1.0))


def _lost_beside_jumps(lane: Lane) -> NDArray[np.bool_]:
    """Of whom head and tail may not have been recorded: who speaks first after the clock jumped back, and last before.

    Time in which nothing was recorded, without a note of it, makes what follows sound earlier than the log has it.
    """
    lost = np.zeros((len(lane.raw), 2), bool)
    for role in ROLES:
        mine = np.flatnonzero(lane.roles == role)
        mine = mine[np.argsort(lane.raw.start[mine], kind="stable")]
        jumped = np.diff(lane.track.offset[mine]) < -_LOST_MS
        lost[mine[1:][jumped], 0] = True
        lost[mine[:-1][jumped], 1] = True
    return lost


def _tell_voices(lanes: Sequence[Lane]) -> None:
    """Learn the voices of channels that carry two from what matched at once."""
    for lane in (lane for lane in lanes if lane.shared):
        sure = ((k := lane.matched(role))[lane.matches.cost[k] < _SURE_COST] for role in ROLES)
        user, assistant = (list(zip(lane.starts(k), lane.ends(k), strict=True)) for k in sure)
        lane.voices = second_voice(lane.channel, user, assistant)


def _learn(lanes: Sequence[Lane], axis: Axis) -> None:
    """Estimate clock, biases, spreads and rates anew from what matched."""
    picked = [np.flatnonzero(lane.matches.found & lane.raw.timed) for lane in lanes]

    def gathered(values: Sequence[NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate([v[k] for v, k in zip(values, picked, strict=True)])

    place = gathered([lane.raw.start for lane in lanes])
    if not len(place):
        return
    coarse = gathered([lane.track.offset for lane in lanes])
    found = np.concatenate([lane.starts(k) for lane, k in zip(lanes, picked, strict=True)])
    late = found - place - coarse
    late -= _role_bias(late, gathered([lane.roles for lane in lanes]))
    clocks = _clocks(lanes, place, late + coarse, gathered([lane.track.stretch for lane in lanes]), float(median(late)))
    left = late + coarse - gathered(clocks)
    for lane, clock in zip(lanes, clocks, strict=True):
        lane.expected = lane.raw.shifted(clock + follow(place, left, lane.raw.start), axis)
    for name in ROLES:
        learned = _learned_costs(lanes, name)
        for lane in lanes:
            lane.costs[name] = learned


def _clocks(
    lanes: Sequence[Lane], place: Floats, off: Floats, stretch: NDArray[np.int64], usual: float
) -> list[Floats]:
    """Each utterance's offset, one array a lane: a line through the matches of its stretch.

    Where those are too few, it is the coarse track and what is `usual` beside it.
    """
    clocks = [lane.track.offset + usual for lane in lanes]
    for number in sorted(set(stretch.tolist())):
        mine = stretch == number
        if mine.sum() < _LEAST_MATCHES - 1:
            continue
        line = fit_line(place[mine], off[mine])
        for lane, clock in zip(lanes, clocks, strict=True):
            here = lane.track.stretch == number
            clock[here] = line.at(lane.raw.start[here])
    return clocks


def _role_bias(off: Floats, role: NDArray[np.str_]) -> Floats:
    """How much later than the middle each one's role is heard to start, where both roles say enough to tell."""
    middle = {name: median(off[role == name]) for name in ROLES if (role == name).sum() >= _LEAST_MATCHES - 1}
    if len(middle) < len(ROLES):
        return np.zeros(len(off))
    biases = np.select([role == name for name in ROLES], [middle[name] for name in ROLES])
    bias: Floats = biases - biases.mean()
    return bias


def _robust(values: Floats) -> tuple[float, float]:
    middle = float(median(values))
    return middle, 1.4826 * float(median(np.abs(values - middle)))


def _learned_costs(lanes: Sequence[Lane], role: str) -> Costs:
    """A role's biases, spreads and rate of speech, as its matches on all lanes show them."""
    picked = [lane.matched(role) for lane in lanes]
    before = lanes[0].costs[role]
    if sum(map(len, picked)) < _LEAST_MATCHES:
        return before

    def gathered(values: Sequence[Floats]) -> Floats:
        return np.concatenate([v[k] for v, k in zip(values, picked, strict=True)])

    starts = np.concatenate([lane.starts(k) for lane, k in zip(lanes, picked, strict=True)])
    ends = np.concatenate([lane.ends(k) for lane, k in zip(lanes, picked, strict=True)])
    bias, spread = _robust(starts - gathered([lane.expected.start for lane in lanes]))
    rate = float(np.exp(median(np.log((ends - starts) / gathered([lane.raw.text for lane in lanes])))))
    rate = min(max(rate, _RATES[0]), _RATES[1])
    costs = replace(before, start_bias=bias, start_spread=float(np.clip(2 * spread, 120, 600)), rate=rate)
    has_end = gathered([lane.expected.end for lane in lanes])
    late = (ends - has_end)[np.isfinite(has_end)]
    if len(late) >= _LEAST_MATCHES:
        bias, spread = _robust(late)
        costs = replace(costs, end_bias=bias, end_spread=float(np.clip(2 * spread, 200, 2500)))
    return costs
