"""What a person should know of a session's sound and log.

Leaks, channels that are silent or not what they are named, a clock that moves, speech without text and the reverse.

Not here: what to do about any of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from ..model import Finding
from .quantiles import quantile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ..model import Placement
    from .channel_matching import Lane
    from .recorded_time import Axis
    from .speech_activity import Activity

_SIDES = ("left", "right")
SILENT_HINTS = {
    "user": "the microphone was muted, or its track was not connected to the recorder",
    "assistant": "play the remote track in a media element too, a muted one will do: Chromium gives Web Audio only "
    "silence of a track that no element plays",
}
_SPEECH_MS = 500.0
"""Chosen: shorter sounds may be no speech."""
_SPEECH_SHARE = 0.5
"""Ratio of loudness to that of most speech; chosen."""
_LOST_SHARE = 0.3
"""Share of the utterances on a channel; chosen: as many may well have been typed, or generated and never played, but
hardly more."""

_UNCLAIMED_SHARE = 0.5
"""Ratio, chosen: how long the speech that no utterance has must be, in lengths of what is lost, so that the lost may
be in it."""

_LISTED = 8
"""Number of names that a message lists, on a line; chosen."""
_STEP_MS = 200.0
"""Chosen: a listener notices a step of the clock that is larger."""
_WHOLE_SHARE = 0.98
"""Share, chosen: from there on all of the recording is meant."""


class ChannelNotes(Struct, frozen=True):
    """What is known of one channel's sound: whose it is, its levels, and its speech that no utterance belongs to.

    Levels are those of the loudest band, in dB of full scale; `unassigned_ms` are stretches of output.
    """

    channel: int
    roles: tuple[str, ...]
    noise_db: float
    speech_db: float
    unassigned_ms: tuple[tuple[int, int], ...]


def channel_notes(lanes: Sequence[Lane], activity: Activity, axis: Axis) -> Iterator[ChannelNotes]:
    """A note for each channel of the recording, also for one on which no role of the log speaks."""
    for number, channel in enumerate(activity.channels):
        mine = [lane for lane in lanes if lane.number == number]
        roles = sorted({str(role) for lane in mine for role in lane.roles})
        left = sorted(stretch for lane in mine for stretch in _unassigned(lane, axis))
        yield ChannelNotes(number, tuple(roles), channel.noise_db, channel.speech_db, tuple(left))


def session_findings(
    placements: Sequence[Placement], lanes: Sequence[Lane], activity: Activity, axis: Axis, *, swapped: bool
) -> Iterator[Finding]:
    """Everything worth saying, the gravest first."""
    if swapped and not any(lane.shared for lane in lanes):
        sides = "; ".join(f"{lane.who} on channel {lane.number}" for lane in lanes)
        yield Finding(
            "channels-swapped",
            "warning",
            f"the channels do not carry the roles that session.json names: the sound has {sides} (0 is left)",
            hint="correct `channels` in session.json",
        )
    yield from _silent_channels(lanes, activity)
    yield from _lost(lanes, activity, axis)
    yield from _leaks(activity)
    yield from _clock_steps(lanes, axis)
    yield from _speech_without_text(lanes, axis)
    silent = [p.utterance.id for p in placements if p.start_samples is None]
    if silent:
        yield Finding(
            "utterances-without-sound",
            "info",
            f"{len(silent)} of {len(placements)} utterances have no sound: {some(silent)}",
        )


def clock_far_off(far_ms: int) -> Iterator[Finding]:
    """That the log was moved by minutes or hours, if it was."""
    if far_ms:
        seconds = round(abs(far_ms) / 1000)
        amount = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        yield Finding(
            "clock-far-off",
            "warning",
            f"what the log has sounds {amount} {'later' if far_ms > 0 else 'earlier'} than its times: it was moved",
            hint="write times on the session's clock, or start_ms of the parts in session.json; see with "
            "`sessiontool align` whether texts and sound belong together",
        )


def some(names: Sequence[str]) -> str:
    """The first names of a list, and how many more there are."""
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")


def _silent_channels(lanes: Sequence[Lane], activity: Activity) -> Iterator[Finding]:
    shared = None if activity.dual_mono else next((lane.number for lane in lanes if lane.shared), None)
    if shared is not None:
        where = "one" if len(activity.channels) == 1 else f"the {_SIDES[shared]}"
        yield Finding(
            "voices-on-one-channel",
            "info",
            f"both voices are on {where} channel: where they overlap or follow at once, times are less certain",
            hint="record the microphone and the assistant on channels of their own",
        )
    for lane in lanes:
        if len(activity.channels) == 2 and not len(activity.channels[lane.number].islands) and len(lane.raw):
            yield Finding(
                "channel-silent",
                "warning",
                f"the {_SIDES[lane.number]} channel holds no speech, "
                f"but the log has {len(lane.raw)} utterances of the {lane.who}",
                hint=SILENT_HINTS.get(lane.who, "its track was not connected to the recorder, or was muted"),
            )


def _lost(lanes: Sequence[Lane], activity: Activity, axis: Axis) -> Iterator[Finding]:
    """Channels that sound, and on which more utterances have no place than can be for want of sound.

    Where no role is on a channel, what it has may be theirs as well.
    """
    merged = {leak.target for leak in activity.leaks if leak.merged}
    elsewhere_ms = sum(_speech_ms(activity, number, axis) for number in _without_role(lanes, activity))
    for lane in lanes:
        lost = np.flatnonzero(~lane.matches.found)
        if len(lost) <= _LOST_SHARE * len(lane.raw):
            continue
        unclaimed = _length(lane, axis)[~lane.taken()].sum() + elsewhere_ms
        if lane.number in merged or unclaimed > _UNCLAIMED_SHARE * lane.expected.text[lost].sum():
            yield Finding(
                "most-utterances-lost",
                "warning",
                f"{len(lost)} of {len(lane.raw)} utterances of the {lane.who} have no place, though "
                f"{_where(elsewhere_ms)} {unclaimed / 1000:.0f} s of speech that have no utterance",
                hint="see with `sessiontool align` whether log and recording are of one session, and who is on which "
                "channel",
            )


def _without_role(lanes: Sequence[Lane], activity: Activity) -> Iterator[int]:
    """The channels on which no role of the log speaks, but for copies of another one's sound."""
    copies = {leak.target for leak in activity.leaks}
    taken = {lane.number for lane in lanes}
    if not activity.dual_mono:
        yield from (number for number in range(len(activity.channels)) if number not in taken | copies)


def _speech_ms(activity: Activity, number: int, axis: Axis) -> float:
    islands = activity.channels[number].islands
    return float((axis.recorded(islands[:, 1]) - axis.recorded(islands[:, 0])).sum())


def _where(elsewhere_ms: float) -> str:
    return "the channels have" if elsewhere_ms else "their channel has"


def _leaks(activity: Activity) -> Iterator[Finding]:
    merged = [leak for leak in activity.leaks if leak.merged]
    if activity.dual_mono:
        yield _dual_mono(activity)
    elif merged:
        level = max(leak.level_db for leak in merged)
        yield Finding(
            "channels-merged",
            "info",
            f"each channel carries the other one's voice, {-level:.0f} dB below it, as stereo at a low bit rate does",
            hint="record with 48 kbit/s or more",
        )
    for leak in activity.leaks:
        if not leak.merged:
            yield Finding(
                "echo",
                "info",
                f"the {_SIDES[leak.source]} channel is heard on the {_SIDES[leak.target]} one, {-leak.level_db:.0f} dB "
                f"weaker and {leak.delay_ms} ms late",
            )


def _dual_mono(activity: Activity) -> Finding:
    spans = activity.dual_mono
    whole = sum(end - start for start, end in spans) > _WHOLE_SHARE * activity.duration_ms
    when = "" if whole else " at " + some([f"{start / 1000:.0f}-{end / 1000:.0f} s" for start, end in spans])
    return Finding(
        "channels-merged",
        "info",
        f"both channels carry the same sound{when}, as stereo below 24 kbit/s does: where voices follow at once or "
        "overlap, times are less certain",
        at_s=spans[0][0] / 1000,
        hint="record with 48 kbit/s or more, and keep the recorder's input at two channels",
    )


def _clock_steps(lanes: Sequence[Lane], axis: Axis) -> Iterator[Finding]:
    """Parts within which the log's clock and the sound move apart by more than a steady drift would."""
    for number, name in enumerate(axis.parts):
        clocks = []
        for lane in lanes:
            k = lane.matched()
            k = k[axis.part_of(lane.starts(k)) == number]
            clocks.append(lane.expected.start[k] - lane.raw.start[k])
        shift = np.concatenate([np.zeros(0), *clocks])
        if len(shift) and np.ptp(shift) > _STEP_MS:
            yield Finding(
                "clock-moved",
                "info",
                f"within part {name} the sound moves against the log's clock by {np.ptp(shift) / 1000:.2f} s; "
                "it was followed",
                part=name,
                hint="the browser lost sound without leaving a trace, or the log's clock is not steady",
            )


def _length(lane: Lane, axis: Axis) -> NDArray[np.float64]:
    """How long each stretch of speech is, in ms, without what was not recorded of it."""
    return axis.recorded(lane.islands.end) - axis.recorded(lane.islands.start)


def _unassigned(lane: Lane, axis: Axis) -> Iterator[tuple[int, int]]:
    """Stretches of output, in ms, that sound like loud speech and belong to no utterance."""
    if len(lane.islands):
        length = _length(lane, axis)
        loud = lane.islands.loudness > _SPEECH_SHARE * quantile(lane.islands.loudness, 0.75)
        for j in np.flatnonzero(~lane.taken() & loud & (length > _SPEECH_MS)):
            yield round(float(lane.islands.start[j])), round(float(lane.islands.end[j]))


def _speech_without_text(lanes: Sequence[Lane], axis: Axis) -> Iterator[Finding]:
    for lane in lanes:
        left = list(_unassigned(lane, axis))
        if left:
            times = [f"{start / 1000:.1f}-{end / 1000:.1f} s" for start, end in left]
            yield Finding(
                "speech-without-text",
                "info",
                f"{len(left)} stretches of speech on the {lane.who}'s channel have no utterance: {some(times)}",
                at_s=left[0][0] / 1000,
            )
