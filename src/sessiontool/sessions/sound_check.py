"""Is a recording any good?  A few seconds are enough to see what will be wrong with all that follow.

For those who build or change the page that records: each check names what is wrong and what to do.  Nothing is written.

Not here: what becomes of a session's chunks (`merge`), and whether sessiontool itself can run (`doctor`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ..errors import RecordingError
from ..model import SAMPLE_RATE
from ..options import LogOptions, MergeOptions
from ..progress import Progress, Silent
from ..storage import scratch_folder
from ..storage.checks import doubtful
from ..storage.protocols import Check
from .align_recording import channels_of, packets_of
from .inputs import read_notes
from .join import join_session
from .made_recording import recorded, sound_files
from .merge import hear_session
from .requirements import require_recording

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..align import Alignment
    from ..audio.loudness import Loudnesses
    from ..documents.models import SessionDocument
    from ..model import Finding
    from ..storage import Store
    from .inputs import Notes
    from .join import Recording

SILENT_DB = -60.0
"""A channel that never gets louder holds no voice: in a silent one the encoder leaves -76 dB of a loud other one, and
the noise of a microphone that is on has peaks above (measured in the recordings of the tests)."""

CLIPPED_MS = 5.0
"""So much at full scale is heard; a click or two is less (chosen)."""

SAME = 0.98
"""Ratio, chosen: two channels that are more alike than this hold one sound; two voices are below 0.1."""

LEAST_BITS_PER_SECOND = 32_000
"""Below it the encoder mixes the channels (measured: at 24 kbit/s 7 to 12 dB apart, from 32 on more than 60)."""

_LOUD_SHARE = 0.9
"""Share of frames; chosen: so many of a channel's at its top are clipped or noise."""
_FAR_MS = 1000.0
"""Chosen: a log is allowed to be late by as long as a text takes to come; a clock that is farther off is another
clock."""

_SIDES = ("left", "right")


class SoundCheck(Struct, frozen=True):
    """What was found of a session: one check after another."""

    session_id: str
    checks: tuple[Check, ...]


def check_sound(
    store: Store, session_id: str, progress: Progress | None = None, log: LogOptions | None = None
) -> SoundCheck:
    """Listen to a recorded session (NotFoundError, RecordingError where nothing can be joined, StorageError).

    `log` says how the log is read.
    """
    from ..audio.loudness import measure_loudness  # noqa: PLC0415

    progress = progress or Silent()
    progress.stage("listing")
    listing = store.list_session(session_id)
    require_recording(listing)
    with scratch_folder() as work, store.reading(()) as read, sound_files(listing) as sound:
        notes = read_notes(read, listing, options=log or LogOptions(), sound=sound)
        with recorded(store, listing, notes) as (source, found):

            def join(session: SessionDocument) -> Recording:
                return join_session(source, found, session, work, keep_pauses=False, progress=progress)

            recording = join(notes.session)
            loudness = measure_loudness(packets_of(recording.path), recording.head)
            bit_rate = _bit_rate(recording)
            alignment = None
            if notes.utterances:
                recording, alignment, _ = hear_session(join, recording, notes, MergeOptions(), progress)
    checks = [
        *_channels(notes, loudness),
        _clipping(loudness),
        _encoded(bit_rate),
        *_log(notes, alignment),
        _recorded([*notes.findings, *recording.assembly.findings]),
    ]
    return SoundCheck(session_id, tuple(checks))


def _channels(notes: Notes, loudness: Loudnesses) -> Iterator[Check]:
    from ..alignment.findings import SILENT_HINTS  # noqa: PLC0415

    count = len(loudness.channels)
    roles = channels_of(notes.session, count)
    if count == 1 and notes.session.channels != ["mixed"]:
        hint = 'record each voice on a channel of its own, or say "channels": ["mixed"] in session.json'
        yield doubtful("channels", "mono: if both voices are on it, times are less certain", hint)
    for channel, (role, found) in enumerate(zip(roles, loudness.channels, strict=False)):
        name = f"{_SIDES[channel]}, {role}" if count > 1 else role
        if found.peak_db < SILENT_DB:
            hint = SILENT_HINTS.get(role, "its track was not connected to the recorder, or was muted")
            what = f"silent: nothing is louder than {found.peak_db:.0f} dB"
            yield Check(name, "failed", what, hint, RecordingError.exit_code)
        else:
            yield Check(name, "ok", f"its loudest sound has {found.peak_db:.0f} dB")
    if abs(loudness.likeness) > SAME:
        hint = "connect each voice to an input of its own of the ChannelMergerNode, and record two channels"
        yield doubtful("channels", "both hold the same sound", hint)


def _clipping(loudness: Loudnesses) -> Check:
    worst_ms = max(one.clipped_ms for one in loudness.channels)
    if worst_ms < CLIPPED_MS:
        return Check("clipping", "ok", "none")
    return doubtful("clipping", f"{worst_ms:.0f} ms are at full scale", "turn the gain down before the recorder")


def _bit_rate(recording: Recording) -> float:
    """Bits a second of the loud packets: what was asked for, as silence takes less."""
    length_of = recording.head.lengths()
    lengths = ((packet, length_of(packet)) for packet in packets_of(recording.path))
    rates = sorted(len(packet) * 8 * SAMPLE_RATE / samples for packet, samples in lengths if samples)
    return rates[int(len(rates) * _LOUD_SHARE)] if rates else 0.0


def _encoded(bit_rate: float) -> Check:
    what = f"{bit_rate / 1000:.0f} kbit/s where it is loud"
    if bit_rate >= LEAST_BITS_PER_SECOND:
        return Check("bit rate", "ok", what)
    hint = "`audioBitsPerSecond: 64000`: below 32000 each voice is heard on the other's channel"
    return doubtful("bit rate", what, hint)


def _log(notes: Notes, alignment: Alignment | None) -> Iterator[Check]:
    unread = _first(notes.log_findings, "log-not-read")
    if unread is not None:
        yield doubtful("log", unread.message, unread.hint)
    if alignment is None and unread is not None:
        return
    if alignment is None:
        hint = "upload utterances.jsonl, or the events of the data channel: without them there are no captions"
        yield doubtful("log", "says nothing: no utterance is known", hint)
        return
    placed = sum(one.start_samples is not None for one in alignment.placements)
    what = f"{placed} of {len(alignment.placements)} utterances found in the sound"
    yield Check("log", "ok", what) if placed else doubtful("log", what, "is it the log of this session?")
    if swapped := _first(alignment.findings, "channels-swapped"):
        yield doubtful("roles", swapped.message, swapped.hint)
    offsets = [part.offset_ms for part in alignment.parts if part.offset_ms is not None]
    if offsets:
        far_ms = max(offsets, key=abs)
        what = f"the log's clock is {round(far_ms):+} ms from the sound"
        hint = "take all times from one clock, performance.now(), and note `start_ms` at the call of start()"
        yield Check("clock", "ok", what) if abs(far_ms) < _FAR_MS else doubtful("clock", what, hint)


def _recorded(findings: Sequence[Finding]) -> Check:
    wrong = [one for one in findings if one.severity != "info"]
    if not wrong:
        return Check("recording", "ok", "nothing is missing, doubled or damaged")
    more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    return doubtful("recording", f"{wrong[0].message} [{wrong[0].code}]{more}", "`sessiontool inspect` shows them all")


def _first(findings: Sequence[Finding], code: str) -> Finding | None:
    return next((one for one in findings if one.code == code), None)
