"""The sound files of an export: one decode of the recording, and a sink for each channel that is wanted and format."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...media.opus import SAMPLES_PER_SECOND
from .. import result_files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ...audio.sound_file import SoundFile
    from ...audio.system_ffmpeg import Filter, OtherSoundFile
    from .options import ExportOptions
    from .source import Source


@dataclass(frozen=True, slots=True)
class SoundLane:
    """What goes into files of one name: one channel, all of them as they are, or all of them mixed."""

    stem: str
    channels: int
    roles: tuple[str, ...]
    channel: int | None = None
    is_copy: bool = False

    def of(self, sound: Any) -> Any:
        """What of a block of all channels is this lane's."""
        if self.channel is not None:
            return sound[self.channel : self.channel + 1]
        return sound if self.is_copy else sound.mean(axis=0, keepdims=True)


def lanes_of(source: Source, options: ExportOptions) -> list[SoundLane]:
    """The lanes that are asked for (RecordingError where a role has no channel of its own)."""
    if options.roles:
        return [SoundLane(role, 1, (role,), source.channel_of(role)) for role in dict.fromkeys(options.roles)]
    if options.mono and source.head.channels > 1:
        return [SoundLane("mono", 1, source.roles)]
    return [SoundLane("mono" if options.mono else "audio", source.head.channels, source.roles, is_copy=True)]


class _Sink:
    """The files of one lane, which take its sound as it comes: through the filter, where there is one."""

    def __init__(self, lane: SoundLane, options: ExportOptions) -> None:
        self.lane = lane
        self.files: list[tuple[str, SoundFile | OtherSoundFile]] = []
        self.filter: Filter | None = None
        if options.filter_graph is not None:
            from ...audio.system_ffmpeg import Filter  # noqa: PLC0415

            self.filter = Filter(options.filter_graph, lane.channels, self._write)

    def write(self, sound: Any) -> None:
        """The next block of all channels."""
        if self.filter is None:
            self._write(self.lane.of(sound))
        else:
            self.filter.write(self.lane.of(sound))

    def _write(self, sound: Any) -> None:
        for _, file in self.files:
            file.write(sound)

    def finish(self) -> None:
        if self.filter is not None:
            self.filter.finish()
        for _, file in self.files:
            file.finish()

    def close(self) -> None:
        if self.filter is not None:
            self.filter.close()
        for _, file in self.files:
            file.close()


def make_sound_files(
    source: Source, lanes: Sequence[SoundLane], options: ExportOptions, stretch: tuple[int, int], work: Path
) -> list[dict[str, Any]]:
    """Make the files in `work`; returns what exports.json says of each (UsageError where an ffmpeg fails)."""
    from ...audio.sound_file import FORMATS, copy_to_ogg  # noqa: PLC0415
    from ...audio.stretch import decode_stretch  # noqa: PLC0415

    entries: list[dict[str, Any]] = []
    sinks: list[_Sink] = []
    is_opus = source.head.codec == "opus"
    is_copied = not options.is_clip and options.filter_graph is None
    with ExitStack() as closing:
        for lane in lanes:
            tags = tags_of(source, lane)
            sink = _Sink(lane, options)
            closing.callback(sink.close)
            for form in dict.fromkeys(options.formats):
                path = work / f"{lane.stem}.{form}"
                if is_opus and is_copied and lane.is_copy and form in FORMATS and FORMATS[form].is_opus:
                    copy_to_ogg(source.path, source.packets(), path, tags)
                    entries.append(_entry(path, lane, SAMPLES_PER_SECOND, source.samples, source.head.pre_skip))
                    continue
                sink.files.append((path.name, _sound_file(path, form, lane.channels, options.rate_hz, tags)))
            if sink.files:
                sinks.append(sink)
        for block in decode_stretch(source.packets(), source.head, *stretch) if sinks else ():
            for sink in sinks:
                sink.write(block)
        for sink in sinks:
            sink.finish()
    for sink in sinks:
        for name, file in sink.files:
            entries.append(_entry(work / name, sink.lane, file.rate_hz, file.samples, file.priming))
    return sorted(entries, key=lambda one: str(one["name"]))


def _sound_file(path: Path, form: str, channels: int, rate_hz: int, tags: dict[str, str]) -> SoundFile | OtherSoundFile:
    from ...audio.sound_file import FORMATS, SoundFile  # noqa: PLC0415

    if form in FORMATS:
        return SoundFile(path, FORMATS[form], channels, rate_hz, tags)
    from ...audio.system_ffmpeg import OtherSoundFile  # noqa: PLC0415

    return OtherSoundFile(path, channels, rate_hz, tags)


def _entry(path: Path, lane: SoundLane, rate_hz: int, samples: int, priming: int | None) -> dict[str, Any]:
    return {
        **result_files.output_of(path),
        "channels": lane.channels,
        "roles": list(lane.roles),
        "rate_hz": rate_hz,
        "samples": samples,
        "priming_samples": priming,
    }


def tags_of(source: Source, lane: SoundLane) -> dict[str, str]:
    """What a file says of itself: the session, and who is on which channel."""
    where = "mixed" if len(lane.roles) > lane.channels else "on channels in this order"
    roles = f"{', '.join(lane.roles)} ({where})" if lane.roles else "roles unknown"
    return {"title": source.session_id, "comment": f"session {source.session_id}: {roles}"}
