"""Where every utterance of a session was found, and why there: the alignment of a merge, shown and not published.

A session is joined in a scratch folder and aligned as a merge does it; what came of it is kept together with the
activity of the sound, to be shown (`views`).
"""

from __future__ import annotations

from math import isfinite, log, nan
from typing import TYPE_CHECKING

from msgspec import Struct

from ..errors import NotFoundError, RecordingError
from ..model import SAMPLES_PER_MS
from ..options import MergeOptions
from ..progress import Progress, Silent
from ..storage import scratch_folder
from .compare import Comparer
from .inputs import read_notes
from .join import join_session
from .made_recording import recorded, sound_files
from .merge import hear_session
from .requirements import require_recording
from .second_recording import find_second, reading_second

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..align import Alignment
    from ..alignment.confidence import Evidence
    from ..alignment.speech_activity import Activity
    from ..documents.models import SessionDocument
    from ..model import Placement
    from ..storage import Store
    from ..timeline import Timeline
    from .join import Recording

_AROUND_MS, _BESIDE_MS = 3000, 50
"""Chosen: how far around an utterance candidates are shown, and how near one is the place itself."""
_MOST_CANDIDATES = 12
"""Lines of candidates that are shown; chosen: half a screen."""
_LEAST = 0.01
"""Chance, a share, below which a doubt gets no graver; chosen."""


class PlacingResult(Struct, frozen=True):
    """What alignment made of a session; `channels` has the role on each channel, left first."""

    session_id: str
    location: str
    timeline: Timeline
    channels: tuple[str, ...]
    alignment: Alignment
    activity: Activity

    @property
    def duration_ms(self) -> int:
        return self.timeline.total_samples // SAMPLES_PER_MS


class SpeechStretch(Struct, frozen=True):
    """A stretch of speech in ms of output, and the id of the utterance that was placed there, empty for none."""

    start_ms: int
    end_ms: int
    utterance: str


class Story(Struct, frozen=True):
    """Why an utterance is placed where it is.  Times are ms of output, (start, end); None is not known.

    `logged_ms` is where the log has it, `expected_ms` the same by the clock and the role's habits as the sound showed
    them, `found_ms` where it was found.  `off_ms` is found minus logged, `residual_ms` found minus expected, both of
    the start.  `doubts` are what lowers the confidence, by how much (in log odds), the gravest first.  `stretches` is
    the speech on its channel around there.
    """

    placement: Placement
    logged_ms: tuple[float | None, ...]
    expected_ms: tuple[float | None, ...]
    found_ms: tuple[int | None, ...]
    off_ms: float | None
    residual_ms: float | None
    evidence: Evidence | None
    doubts: tuple[tuple[str, float], ...]
    stretches: tuple[SpeechStretch, ...]


def place_session(
    store: Store, session_id: str, options: MergeOptions | None = None, progress: Progress | None = None
) -> PlacingResult:
    """Find the utterances of a session in its sound, as a merge by these options does; nothing is published.

    Raises NotFoundError, RecordingError (nothing usable, or no utterances), StorageError.
    """
    from .align_recording import channels_of  # noqa: PLC0415

    progress, options = progress or Silent(), options or MergeOptions()
    progress.stage("listing")
    listing = store.list_session(session_id)
    require_recording(listing)
    with scratch_folder() as work, store.reading(()) as read, sound_files(listing) as sound:
        notes = read_notes(read, listing, options.prefer, options=options.log, sound=sound)
        if not notes.utterances:
            raise RecordingError(
                f"session {session_id} has no utterances to find", hint="they are expected in utterances.jsonl"
            )
        keep = options.pauses == "keep"
        second = find_second(store, listing, options)
        with recorded(store, listing, notes) as (source, found), reading_second(store, second) as other:
            comparer = Comparer(session_id, second, *other)

            def join(session: SessionDocument) -> Recording:
                return comparer.compared(
                    join_session(source, found, session, work, keep_pauses=keep, progress=progress)
                )

            recording, alignment, activity = hear_session(join, join(notes.session), notes, options, progress)
    channels = channels_of(notes.session, recording.head.channels)
    location = f"{store.url.rstrip('/')}/{listing.folder}"
    return PlacingResult(session_id, location, recording.timeline, channels, alignment, activity)


def stories(result: PlacingResult) -> Iterator[Story]:
    """The story of each utterance, in the order of the log."""
    for index in range(len(result.alignment.placements)):
        yield _story(result, index)


def story_of(result: PlacingResult, name: str) -> Story:
    """The story of the utterance with that id (NotFoundError, naming others)."""
    placements = result.alignment.placements
    for index, placement in enumerate(placements):
        if placement.utterance.id == name:
            return _story(result, index)
    some = ", ".join(placement.utterance.id for placement in placements[:8])
    raise NotFoundError(
        f"session {result.session_id} has no utterance {name!r}",
        hint=f"its utterances are {some}" + " …" * (len(placements) > 8),
    )


def _story(result: PlacingResult, index: int) -> Story:
    placement, evidence = result.alignment.placements[index], result.alignment.evidence[index]
    utterance = placement.utterance
    logged = tuple(
        None if us is None else result.timeline.session_to_output(us) / SAMPLES_PER_MS
        for us in (utterance.t_start_us, utterance.t_end_us)
    )
    expected = tuple(at if isfinite(at) else None for at in result.alignment.expected[index] or (nan, nan))
    found = tuple(
        None if at is None else at // SAMPLES_PER_MS for at in (placement.start_samples, placement.end_samples)
    )
    near = next((at for at in (found[0], expected[0], logged[0]) if at is not None), None)
    return Story(
        placement=placement,
        logged_ms=logged,
        expected_ms=expected,
        found_ms=found,
        off_ms=_minus(found[0], logged[0]),
        residual_ms=_minus(found[0], expected[0]),
        evidence=evidence,
        doubts=tuple(doubts(evidence)) if evidence else (),
        stretches=tuple(_around(result, index, near)),
    )


def _minus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def doubts(evidence: Evidence) -> list[tuple[str, float]]:
    """What lowers an utterance's confidence and by how much, the gravest first."""
    from ..alignment.confidence import WEIGHTS, chance_by_order, features  # noqa: PLC0415

    weighed = [(name, WEIGHTS[name] * value) for name, value in features(evidence).items()]
    weighed.append(("unpinned", -log(max(chance_by_order(evidence), _LEAST))))
    return sorted(((name, doubt) for name, doubt in weighed if doubt > 0), key=lambda pair: -pair[1])


def _around(result: PlacingResult, index: int, at_ms: float | None) -> Iterator[SpeechStretch]:
    """The stretches of speech on an utterance's channel around a place."""
    channel = channel_of(result, index)
    if channel is None or at_ms is None:
        return
    end_ms = at_ms + _AROUND_MS
    if (placed_until := result.alignment.placements[index].end_samples) is not None:
        end_ms += placed_until / SAMPLES_PER_MS - at_ms
    islands = result.activity.channels[channel].islands
    near = islands[(islands[:, 1] > at_ms - _AROUND_MS) & (islands[:, 0] < end_ms)]
    owners = _owners(result, channel)
    for start, end in near[:_MOST_CANDIDATES]:
        yield SpeechStretch(int(start), int(end), next((o for a, b, o in owners if a < end and b > start), ""))


def gaps_at(result: PlacingResult, story: Story) -> Iterator[tuple[str, float, float]]:
    """What of the time around an utterance was not recorded: why, and from when to when, in ms of output."""
    known = [at for at in (*story.found_ms, *story.expected_ms) if at is not None]
    for span in result.timeline.spans if known else ():
        start_ms, end_ms = span.output_start / SAMPLES_PER_MS, span.output_end / SAMPLES_PER_MS
        if span.kind == "silence" and start_ms <= max(known) + _BESIDE_MS and end_ms >= min(known) - _BESIDE_MS:
            yield span.cause.replace("_", " "), start_ms, end_ms


def channel_of(result: PlacingResult, index: int) -> int | None:
    """The channel on which an utterance was found or, by what the channels are named, would be."""
    evidence = result.alignment.evidence[index]
    if evidence is not None:
        return evidence.channel
    if len(result.channels) == 1:
        return 0
    role = result.alignment.placements[index].utterance.role
    return result.channels.index(role) if role in result.channels else None


def _owners(result: PlacingResult, channel: int) -> list[tuple[float, float, str]]:
    """Start, end and id of what was placed on a channel."""
    return [
        (placement.start_samples / SAMPLES_PER_MS, placement.end_samples / SAMPLES_PER_MS, placement.utterance.id)
        for placement, evidence in zip(result.alignment.placements, result.alignment.evidence, strict=True)
        if evidence is not None
        and evidence.channel == channel
        and placement.start_samples is not None
        and placement.end_samples is not None
    ]
