"""Aligns a joined recording: where its utterances are in the sound and, on request, their words.

Between `merge` and the stages that know sound (`audio`, `align`, `words`); numpy and the decoder take a fifth of
a second to come up, so they are imported here when they are needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from msgspec.structs import replace

from ..cpus import give_back_memory
from ..documents.models import PartEntry
from ..documents.roles import USUAL_CHANNELS
from ..errors import RecordingError
from ..media.probe import open_demuxer
from ..model import SAMPLE_RATE, Finding
from ..recording.sequence import part_entry
from ..speech.truncation import with_heard_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from ..align import Alignment
    from ..alignment.speech_activity import Activity
    from ..documents.models import SessionDocument
    from ..media.filler import SoundHead
    from ..media.packets import Demuxer
    from ..progress import Progress
    from ..words import Excerpts, Known
    from .inputs import Notes
    from .join import Recording

T = TypeVar("T")

_READ_BYTES = 1 << 20
"""Chosen: what is handed to a hash at once."""
_HEAD_BYTES = 1 << 16
"""Chosen: the header of a WebM is in it, whatever its index; that of an M4A is its index, and takes several."""

_LONG_SAMPLES = 6 * 3600 * SAMPLE_RATE
"""Samples.  Chosen: six hours; what is shorter needs less memory than it would take time to give it back."""
_LISTED = 8
"""Number of names that a message lists, on a line; chosen."""
_PERCENT = 100
"""Steps of progress, by definition of percent."""


def find_utterances(
    recording: Recording, notes: Notes, progress: Progress, *, vad: bool = False, peaks: bytearray | None = None
) -> tuple[Alignment, Activity]:
    """Where the utterances are, and the activity of the sound that says so.

    With `vad`, Silero's detector is asked where noise may hide an end.  `peaks`, if given, becomes those of the sound.
    """
    if recording.timeline.total_samples >= _LONG_SAMPLES:
        give_back_memory()
    from ..align import align  # noqa: PLC0415
    from ..alignment.band_levels import MARGIN, Levels, reduce  # noqa: PLC0415
    from ..alignment.speech_activity import measure  # noqa: PLC0415
    from ..alignment.voices import with_voices  # noqa: PLC0415
    from ..audio.decoder import decode  # noqa: PLC0415

    progress.stage("aligning", _PERCENT)
    head = recording.head
    packets = _counted(packets_of(recording.path), recording.path.stat().st_size, progress)
    if peaks is None:
        blocks = decode(packets, head, reduce, MARGIN)
    else:
        with_peaks = decode(packets, head, lambda block: (reduce(block), _peaks(block)), MARGIN)
        blocks = _collecting(with_peaks, peaks)
    activity = measure(Levels.collected(blocks, head.channels), recording.timeline)
    channels = channels_of(notes.session, head.channels)
    notes.utterances, findings = with_voices(notes.utterances, recording.timeline, activity, channels)
    if findings:
        notes.log_findings = [one for one in notes.log_findings if not _is_of_roles(one)] + findings
    alignment = align(notes.utterances, recording.timeline, activity, channels)
    return with_hidden_ends(alignment, recording) if vad else alignment, activity


def _is_of_roles(finding: Finding) -> bool:
    """Whether a finding says that a log of utterances was not understood: it was, but for who speaks."""
    return finding.code == "log-not-read" and finding.message.startswith("utterances.")


def _counted(packets: Iterable[bytes], size_bytes: int, progress: Progress) -> Iterator[bytes]:
    """The packets, with progress in percent of the file's size: nearly all of the time goes into decoding them."""
    done_bytes, said = 0, 0
    for packet in packets:
        yield packet
        done_bytes += len(packet)
        percent = _PERCENT * done_bytes // max(1, size_bytes)
        if percent > said:
            progress.advance(percent - said)
            said = percent
    progress.advance(_PERCENT - said)


def _peaks(block: Any) -> bytes:
    from ..alignment.band_levels import MARGIN  # noqa: PLC0415
    from ..audio.peaks import peaks_of  # noqa: PLC0415

    return peaks_of(block[:, MARGIN:-MARGIN])


def _collecting(blocks: Iterable[tuple[T, bytes]], peaks: bytearray) -> Iterator[T]:
    """The first of each pair; the second are put one behind the other."""
    peaks.clear()
    for value, more in blocks:
        peaks += more
        yield value


def with_hidden_ends(alignment: Alignment, recording: Recording) -> Alignment:
    """The alignment with ends that noise hid, where the detector of the extra `vad` hears them."""
    from ..alignment.noisy_ends import noisy_channels, with_later_ends  # noqa: PLC0415
    from ..audio.decoder import decode  # noqa: PLC0415
    from ..audio.silero_vad import STEP_MS, Listener, detector  # noqa: PLC0415

    head = recording.head
    listeners = {channel: Listener() for channel in noisy_channels(alignment.evidence)}
    if listeners:
        for block in decode(packets_of(recording.path), head, lambda block: block.copy()):
            for channel, listener in listeners.items():
                listener.feed(block[channel])
    chances = {channel: listener.chances() for channel, listener in listeners.items()}
    total = recording.timeline.total_samples
    placements = with_later_ends(alignment.placements, alignment.evidence, chances, STEP_MS, total)
    return replace(alignment, placements=tuple(placements), detector=detector() if listeners else "")


def started_by_sound(
    session: SessionDocument, recording: Recording, alignment: Alignment
) -> tuple[SessionDocument, list[Finding]]:
    """session.json with the starts of parts that it lacks and the sound shows, and a finding for each of them."""
    from ..alignment.part_starts import starts_by_sound  # noqa: PLC0415

    noted = {str(entry.part) for entry in session.parts if entry.start_ms is not None}
    missed = {f.part for f in recording.assembly.findings if f.code == "part-start-unknown" and f.part} - noted
    found = starts_by_sound(alignment.parts, recording.timeline, missed)
    findings, parts = [], list(session.parts)
    for part, start_us in found.items():
        entry = part_entry(parts, part)
        if entry is not None:
            parts.remove(entry)
        parts.append(replace(entry or PartEntry(part=part), start_ms=start_us / 1000))
        message = (
            f"no start_ms of part {part} was recorded: by where its utterances sound, {start_us / 1e6:.2f} s into "
            "the session; the time before it was replaced with silence"
        )
        hint = "note `start_ms` for each part in session.json: the sound tells it to a tenth of a second"
        findings.append(Finding("part-start-found", "warning", message, part=part, hint=hint))
    return replace(session, parts=parts), findings


def find_words(alignment: Alignment, recording: Recording, known: Known, progress: Progress) -> Alignment:
    """The alignment with the words of its placements; `known` has those that were found before.

    What was recorded of what was heard goes before what the words tell, and that before the speaker's rate.
    """
    from ..words import spread_words, time_words, unlike_their_text  # noqa: PLC0415

    channels = [None if found is None else found.channel for found in alignment.evidence]
    noted = with_heard_text(alignment.placements, known_only=True)
    excerpts = excerpts_of(recording.path, recording.head)
    timed = time_words(noted, channels, excerpts, known=known, progress=progress)
    findings = list(alignment.findings)
    if unlike := unlike_their_text(timed):
        findings.append(_unlike_finding([timed[index].utterance.id for index in unlike]))
    return replace(alignment, placements=tuple(spread_words(with_heard_text(timed))), findings=tuple(findings))


def excerpts_of(path: Path, head: SoundHead) -> Excerpts:
    """What cuts stretches out of a recording that we wrote, for `time_words`."""
    from ..audio.excerpts import cut  # noqa: PLC0415

    def excerpts(stretches: Sequence[tuple[int, int]]) -> Iterable[tuple[int, Callable[[int], bytes]]]:
        for position, excerpt in cut(packets_of(path), head, stretches):
            yield position, excerpt.pcm

    return excerpts


def _unlike_finding(names: Sequence[str]) -> Finding:
    some = ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")
    return Finding(
        "sound-unlike-text",
        "info",
        f"the sound of {len(names)} utterances does not fit their text word by word: {some}; their words are spread",
        hint="the text is not what was said, or the place is wrong, or the language is one that is not known here",
    )


def packets_of(path: Path) -> Iterator[bytes]:
    """The packets of a file that we wrote; of PCM, blocks of samples as `PcmHead.stored` has them."""
    reader: Demuxer | None = None
    with path.open("rb") as file:
        if file.peek(4)[:4] == b"fLaC":
            from ..audio.flac import FlacReader  # noqa: PLC0415

            yield from FlacReader(file).blocks()
            return
        while data := file.read(_READ_BYTES):
            reader = reader or open_demuxer(data)
            for run in reader.feed(data):
                yield from run.payloads


def head_of(path: Path) -> SoundHead:
    """The header of a file that we wrote (RecordingError where it has no track)."""
    reader: Demuxer | None = None
    with path.open("rb") as file:
        if file.peek(4)[:4] == b"fLaC":
            from ..audio.flac import FlacReader  # noqa: PLC0415

            return FlacReader(file).head
        while (reader is None or reader.track is None) and (data := file.read(_HEAD_BYTES)):
            reader = reader or open_demuxer(data)
            reader.feed(data)
    if reader is None or reader.track is None:
        raise RecordingError(f"{path.name} has no track", hint="merge the session again with --force")
    return reader.track.head


def channels_of(session: SessionDocument, count: int) -> tuple[str, ...]:
    """The role on each channel; microphone left and assistant right where it was not recorded."""
    if session.channels and len(session.channels) == count:
        return tuple(session.channels)
    return USUAL_CHANNELS if count == 2 else ("mixed",)
