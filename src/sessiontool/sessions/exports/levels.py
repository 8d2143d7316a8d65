"""How loud an export is: the gain of each channel, from what was measured in the sound."""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .lanes import SoundLane
    from .source import Source

TARGETS_LUFS = {"ebu": (-23.0, -23.0), "podcast": (-19.0, -16.0)}
"""Levels of mono and of stereo: by the definition of EBU R 128, and what directories of podcasts ask for."""

TOLERANCE_LU = 0.5
"""Units of loudness: how far from its target a file may be without a word, by the definition of EBU R 128 for
programmes that are not live."""

_MOST_GAIN_DB = 30.0
"""Chosen: what is quieter than that is noise, or no speech."""


_MOST_TRIES = 3
"""Steps, chosen: each decodes the recording once more; what is limited is a little less loud than its gain says."""

_NEAR_LU = 0.2
"""Units of loudness; chosen: less than half of the tolerance; a gain that was corrected by that is near enough."""


class LaneGains(Struct, frozen=True):
    """The gains (factors) of a lane's channels, its target and what it had before; None where it is silent."""

    target_lufs: float
    before_lufs: float | None
    gains: tuple[float, ...]

    def json(self, lufs: float | None, limited_ms: int) -> dict[str, Any]:
        """As exports.json has it, with what the file has now."""
        return {
            "target_lufs": self.target_lufs,
            "before_lufs": _rounded(self.before_lufs),
            "lufs": _rounded(lufs),
            "gains_db": [_rounded(_decibels(gain)) for gain in self.gains],
            "limited_s": limited_ms / 1000,
        }


def levels_of(source: Source, lanes: Sequence[SoundLane], name: str, stretch: tuple[int, int]) -> list[LaneGains]:
    """The levels of each lane, for a stretch; it is decoded once, and again for each trial where peaks are limited."""
    from ...audio.integrated_loudness import LoudnessMeter, integrated_lufs  # noqa: PLC0415
    from ...audio.leveler import Leveler  # noqa: PLC0415
    from ...audio.stretch import decode_stretch  # noqa: PLC0415

    meter = LoudnessMeter(source.head.channels)
    for block in decode_stretch(source.packets(), source.head, *stretch):
        meter.write(block)
    steps = meter.finish()
    found = []
    for lane in lanes:
        of_lane = steps[list(lane.inputs)]
        target = TARGETS_LUFS[name][lane.channels - 1]
        alone = [integrated_lufs(of_lane[k : k + 1]) for k in range(len(of_lane))]
        gains = _balanced(alone) if len(lane.roles) > 1 else [1.0] * len(alone)
        found.append(
            _towards(LaneGains(target, integrated_lufs(of_lane), tuple(gains)), integrated_lufs(of_lane, gains))
        )
    for _ in range(_MOST_TRIES):
        if all(max(one.gains) * meter.peak < 1 and not lane.is_mixed for lane, one in zip(lanes, found, strict=True)):
            break  # nothing will be limited, and the figures are exact
        tried = [Leveler(one.gains, _nowhere, is_mixed=lane.is_mixed) for lane, one in zip(lanes, found, strict=True)]
        for block in decode_stretch(source.packets(), source.head, *stretch):
            for lane, leveler in zip(lanes, tried, strict=True):
                leveler.write(lane.picked(block))
        for leveler in tried:
            leveler.finish()
        reached = [integrated_lufs(leveler.meter.finish()) for leveler in tried]
        found = [_towards(one, lufs) for one, lufs in zip(found, reached, strict=True)]
        if all(
            lufs is None or abs(lufs - one.target_lufs) <= _NEAR_LU for lufs, one in zip(reached, found, strict=True)
        ):
            break
    return found


def _nowhere(_: object) -> None:
    """Where the sound of a trial goes."""


def _balanced(alone: Sequence[float | None]) -> list[float]:
    """Gains that make channels equally loud, each of which is one voice; a silent one is left as it is."""
    heard = [one for one in alone if one is not None]
    return [1.0 if one is None else _factor(max(heard) - one) for one in alone]


def _towards(levels: LaneGains, lufs: float | None) -> LaneGains:
    if lufs is None:
        return levels
    return replace(levels, gains=tuple(gain * _factor(levels.target_lufs - lufs) for gain in levels.gains))


def _factor(decibels: float) -> float:
    return float(10 ** (max(-_MOST_GAIN_DB, min(_MOST_GAIN_DB, decibels)) / 20))


def _decibels(gain: float) -> float:
    return 20 * log10(gain)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
