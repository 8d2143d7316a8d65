"""A stretch of a published recording as a value: its sound, and what is said in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...errors import UsageError
from ...media.opus import SAMPLES_PER_SECOND
from ...progress import Progress, Silent
from .. import result_files
from ..redaction.destroyed import kept_result
from .clip_transcript import clip_transcript
from .options import ExportOptions
from .source import source_of

if TYPE_CHECKING:
    from ...audio.audio_segment import AudioSegment
    from ...storage import Target

MOST_S = 600.0
"""Seconds of a clip, chosen: 115 MB of stereo sound in memory.  What is longer is exported to a file."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A stretch of a recording, from `start_s` to `end_s` (seconds in audio.webm).

    `pcm` has its 16-bit samples, interleaved, little-endian, `rate_hz` a second on each of `channels`; `roles` has who
    is on them, left first, and is empty where the report does not know.  `transcript` is what is said in it, with times
    from its beginning.
    """

    session_id: str
    start_s: float
    end_s: float
    channels: int
    roles: tuple[str, ...]
    pcm: bytes = field(repr=False)
    transcript: dict[str, Any] = field(repr=False)
    rate_hz: int = SAMPLES_PER_SECOND

    def to_audiosegment(self) -> AudioSegment:
        """The sound as a `pydub.AudioSegment`, to be cut, faded and mixed with."""
        from ...audio.audio_segment import audio_segment  # noqa: PLC0415

        return audio_segment(self.pcm, self.channels, self.rate_hz)


def read_clip(
    session_id: str,
    target: Target,
    start_s: float | None,
    end_s: float | None,
    role: str | None = None,
    progress: Progress | None = None,
) -> Clip:
    """The clip of a published session, of one `role` alone where it is named.

    Raises NotFoundError (nothing published), RecordingError (the recording is not as it was published, or the role has
    no channel of its own), UsageError (no such stretch, or one of more than `MOST_S`), StorageError.
    """
    from ...audio.stretch import decode_stretch, pcm16  # noqa: PLC0415

    progress = progress or Silent()
    asked = ExportOptions(roles=(role,) if role is not None else (), start_s=start_s or 0.0, end_s=end_s)
    progress.stage("reading")
    target = kept_result(target)
    published = result_files.read_published(target, result_files.REPORT)
    transcript = result_files.read_published(target, result_files.TRANSCRIPT)
    recording = result_files.audio_of(published)
    with target.fetched(recording) as path:
        source = source_of(session_id, recording, path, published)
        start, end = asked.stretch(session_id, source.samples)
        if end - start > MOST_S * SAMPLES_PER_SECOND:
            length = (end - start) // SAMPLES_PER_SECOND
            raise UsageError(
                f"a clip of {length} s is more than the {MOST_S:.0f} s that are held in memory",
                hint="name a shorter stretch, or export it to a file",
            )
        channels = range(source.head.channels) if role is None else (source.channel_of(role),)
        blocks = decode_stretch(source.packets(), source.head, start, end)
        pcm = b"".join(pcm16(block[list(channels)]) for block in blocks)
    begin_s, finish_s = start / SAMPLES_PER_SECOND, end / SAMPLES_PER_SECOND
    roles = source.roles if role is None else (role,)
    said = clip_transcript(transcript, begin_s, finish_s)
    return Clip(session_id, begin_s, finish_s, len(channels), roles, pcm, said)
