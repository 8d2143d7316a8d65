"""Utterances without a time are given one from the order of the log, before their lanes are matched.

A place that hardly any other arrangement lacks is pinned by the order, one that many lack is a guess.

Not here: the pass itself (`order`), and how many lack it (`order_chances`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from .assignment import skip_costs
from .band_levels import FRAME_MS
from .channel_matching import ASSISTANT, FIRST_COSTS, ROLES, USER, Lane
from .islands import cut_islands
from .order import LENGTH_SPREAD, Asked, Ground, OrderPass
from .order_chances import OrderChances
from .quantiles import median
from .two_voices import second_voice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .recorded_time import Axis
    from .speech_activity import ChannelActivity

    Floats = NDArray[np.float64]

_ROUNDS, _ROUNDS_TO_COMPARE = 3, 2
"""Steps of placing and deriving rates and spread, and those of deriving rates alone; chosen."""
_LEAST_SPREAD, _SPREADS, _SPREAD = 8, 1.4, (0.12, 0.36)
"""Number of places from which the spread of lengths is derived, its ratio to their middle deviation, and its bounds as
logarithms of ratios; chosen on half of 34 dialogues with known truth."""
_LEFT_OVER = 0.7
"""Weight of sound that is left over where the log has no time at all; chosen there: logs lack what was said more often
than such costs say.  Where one role has times, they say what is left over."""
_RATES = (0.6, 1.5)
"""Ratio of rates, chosen: how fast people speak, beside the middling rate."""
_LEAST_PLACED = 4
"""Number of places, as units of evidence, from which a role's rate is derived; chosen."""
_ANCHOR_SPREAD_MS = (500.0, 1500.0)
"""Chosen: how exactly a start is known that the log has, and one that is worked out of an end."""

_LESSONS, _TAUGHT_BY = 2, 0.5
"""How often the voices of a channel are learned from places, and the chance of those that teach; chosen: likely."""

_RECOGNISED_SHARE = 0.75
"""Share of those places that their voices must recognise; chosen: some of them are of the other speaker."""

_SAME_PLACE_MS = 300.0
"""Chosen: two answers that differ by less are one."""
_CUT_BEFORE_MS, _CUT_AFTER_MS = 700.0, 250.0
"""Chosen: from how long before an end until how long behind it another speaker may begin who causes it."""


class _Row(Struct, frozen=True):
    """An utterance in the order in which it is asked for: its lane, and its position there."""

    lane: int
    k: int


def has_untimed(lanes: Sequence[Lane]) -> bool:
    """Whether the log has no time for some role."""
    return any(not lane.raw.timed.all() for lane in lanes)


def place_untimed(lanes: Sequence[Lane], axis: Axis) -> list[Lane]:
    """The lanes, their untimed utterances where the log's order has them.

    The lanes must have their track.  `raw.pinned` then says the chance of a place by the order alone, 0 to 1.
    """
    rows = _in_order(lanes)
    grounds = _grounds(lanes, axis)
    if not any(lane.raw.timed.any() for lane in lanes):
        grounds = [replace(ground, skip=_LEFT_OVER * ground.skip) for ground in grounds]
    rates, spread = dict.fromkeys(ROLES, 1.0), LENGTH_SPREAD
    for _ in range(_ROUNDS):
        start, end, _ = OrderPass(grounds, spread).places(_asked(lanes, rows, rates))
        _learn_rates(lanes, rows, end - start, rates)
        spread = _length_spread(_asked(lanes, rows, rates), end - start)
    chance = OrderChances(grounds, spread).chances(_asked(lanes, rows, rates), start, end, _SAME_PLACE_MS)
    for _ in range(_LESSONS if any(lane.shared for lane in lanes) else 0):
        likely = [(rows[i], float(start[i]), float(end[i])) for i in np.flatnonzero(chance >= _TAUGHT_BY)]
        heard = [_by_voice(ground, lanes, n, likely) for n, ground in enumerate(grounds)]
        start, end, _ = OrderPass(heard, spread).places(_asked(lanes, rows, rates))
        _learn_rates(lanes, rows, end - start, rates)
        chance = OrderChances(heard, spread).chances(_asked(lanes, rows, rates), start, end, _SAME_PLACE_MS)
    return _given(lanes, rows, _places(lanes, rows, start, end), chance, axis)


def order_misfit(lanes: Sequence[Lane], unused: Sequence[ChannelActivity], axis: Axis) -> float:
    """How badly the log's order and lengths fit the sound, that of `unused` channels included.

    1 is as badly as if nothing had been said.
    """
    grounds = [_ground(lane.channel, USER, (), axis) for lane in lanes]
    left = [_ground(channel, USER, (), axis) for channel in unused]
    rows = _in_order(lanes)
    sound = sum(float(ground.skip.sum()) for ground in (*grounds, *left))
    texts = sum(one.skip_cost for one in _asked(lanes, rows, dict.fromkeys(ROLES, 1.0)))
    rates = dict.fromkeys(ROLES, 1.0)
    for _ in range(_ROUNDS_TO_COMPARE):
        start, end, cost = OrderPass(grounds).places(_asked(lanes, rows, rates))
        _learn_rates(lanes, rows, end - start, rates)
    return (cost + sound) / max(1.0, sound + texts)


def _length_spread(asked: Sequence[Asked], length: Floats) -> float:
    """How far lengths by text are off in this recording, by those of the places found: logarithm of a ratio."""
    off = [abs(np.log(found / one.length_ms)) for one, found in zip(asked, length, strict=True) if np.isfinite(found)]
    if len(off) < _LEAST_SPREAD:
        return LENGTH_SPREAD
    return float(np.clip(_SPREADS * median(off), *_SPREAD))


def _in_order(lanes: Sequence[Lane]) -> list[_Row]:
    """Everybody's utterances: those with a time by it, the others behind the one before them in the log."""
    by_log = sorted((int(index), n, k) for n, lane in enumerate(lanes) for k, index in enumerate(lane.raw.index))
    before, keys = -np.inf, []
    for position, (_, n, k) in enumerate(by_log):
        if lanes[n].raw.timed[k]:
            before = float(lanes[n].expected.start[k])
        keys.append((before, position, n, k))
    return [_Row(n, k) for _, _, n, k in sorted(keys)]


def _grounds(lanes: Sequence[Lane], axis: Axis) -> list[Ground]:
    channels = [lane.channel for lane in lanes]
    return [
        _ground(lane.channel, max(map(str, lane.roles)), [c for c in channels if c is not lane.channel], axis)
        for lane in lanes
    ]


def _ground(channel: ChannelActivity, role: str, others: Sequence[ChannelActivity], axis: Axis) -> Ground:
    """A channel's islands, left over at the prices of a role, and which end as a speaker on the others begins."""
    islands = cut_islands(channel.islands, channel.score, axis, np.zeros(0), np.zeros(0))
    begun = np.sort(np.concatenate([np.zeros(0), *(other.islands[:, 0] for other in others)]))
    first, last = (np.searchsorted(begun, islands.end + by) for by in (-_CUT_BEFORE_MS, _CUT_AFTER_MS))
    skip = skip_costs(islands, axis, FIRST_COSTS[role])
    edges = islands.start, islands.end, axis.recorded(islands.start), axis.recorded(islands.end)
    return Ground(*edges, skip, last > first, np.zeros(len(islands)))


def _by_voice(
    ground: Ground, lanes: Sequence[Lane], number: int, likely: Sequence[tuple[_Row, float, float]]
) -> Ground:
    """A lane's islands with the voice of each, learned from what is `likely` found on it (row, start and end)."""
    lane = lanes[number]
    if not lane.shared:
        return ground
    user, assistant = (
        [(start, end) for row, start, end in likely if row.lane == number and lane.roles[row.k] == role]
        for role in (USER, ASSISTANT)
    )
    log_odds = second_voice(lane.channel, user, assistant, least=_RECOGNISED_SHARE)
    if log_odds is None:
        return ground
    summed = np.concatenate(([0.0], np.cumsum(log_odds)))
    first, last = (np.clip(edges / FRAME_MS, 0, len(log_odds)).astype(int) for edges in (ground.start, ground.end))
    return replace(ground, second=summed[last] - summed[first])


def _asked(lanes: Sequence[Lane], rows: Sequence[_Row], rates: dict[str, float]) -> list[Asked]:
    asked = []
    for n, k in ((row.lane, row.k) for row in rows):
        raw, role = lanes[n].raw, str(lanes[n].roles[k])
        place = float(lanes[n].expected.start[k]) if raw.timed[k] else float("nan")
        spread = _ANCHOR_SPREAD_MS[0 if raw.known[k] else 1]
        length = max(60.0, float(raw.text[k]) * rates[role])
        asked.append(Asked(n, length, place, spread, role == ASSISTANT, FIRST_COSTS[role].skip_text))
    return asked


def _learn_rates(lanes: Sequence[Lane], rows: Sequence[_Row], length: Floats, rates: dict[str, float]) -> None:
    for role in ROLES:
        mine = [i for i, row in enumerate(rows) if lanes[row.lane].roles[row.k] == role and np.isfinite(length[i])]
        if len(mine) >= _LEAST_PLACED:
            ratio = [np.log(length[i] / lanes[rows[i].lane].raw.text[rows[i].k]) for i in mine]
            rates[role] = float(np.clip(np.exp(median(ratio)), *_RATES))


def _places(lanes: Sequence[Lane], rows: Sequence[_Row], start: Floats, end: Floats) -> Floats:
    """Where to look for each row: where the log has it, where the order has it, or behind the one before it."""
    places, after = np.zeros(len(rows)), 0.0
    for i, row in enumerate(rows):
        lane = lanes[row.lane]
        if lane.raw.timed[row.k]:
            places[i] = lane.expected.start[row.k]
        else:
            places[i] = start[i] if np.isfinite(start[i]) else after
        if np.isfinite(end[i]):
            after = max(after, float(end[i]))
    return places


def _given(lanes: Sequence[Lane], rows: Sequence[_Row], places: Floats, pinned: Floats, axis: Axis) -> list[Lane]:
    """The lanes with those places, by the log's clock as the timed utterances around show it."""
    offset = _offsets(lanes, rows)
    given = []
    for number, lane in enumerate(lanes):
        mine = [i for i, row in enumerate(rows) if row.lane == number and not lane.raw.timed[row.k]]
        k = np.array([rows[i].k for i in mine], int)
        start, track, pins = lane.raw.start.copy(), lane.track.copy(), lane.raw.pinned.copy()
        reach = lane.raw.reach.copy()
        start[k], track.offset[k], pins[k] = places[mine] - offset[mine], offset[mine], pinned[mine]
        reach[k] = lane.raw.text[k]
        raw = replace(lane.raw, start=start, reach=reach, pinned=pins, timed=np.ones(len(start), bool))
        given.append(replace(lane, raw=raw, track=track, expected=raw.shifted(track.offset, axis)))
    return given


def _offsets(lanes: Sequence[Lane], rows: Sequence[_Row]) -> Floats:
    """What the clock is off at each row: as at the nearest one before it whose time is known, or after it."""
    offset = np.full(len(rows), np.nan)
    for i, row in enumerate(rows):
        if lanes[row.lane].raw.timed[row.k]:
            offset[i] = lanes[row.lane].track.offset[row.k]
    where = np.flatnonzero(np.isfinite(offset))
    if not len(where):
        return np.zeros(len(rows))
    nearest = np.clip(np.searchsorted(where, np.arange(len(rows)), side="right") - 1, 0, None)
    found: Floats = offset[where[nearest]]
    return found
