"""The sound files of an export: one decode of the recording, and a sink for each piece and lane that is wanted.

Opus is copied where a file has all channels as they are, and so are samples of PCM into a file of their own rate;
everything else is decoded and encoded again.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from ...media.opus import SAMPLES_PER_SECOND, OpusHead
from ...media.pcm import PcmHead
from .. import result_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ...audio.leveler import Leveler
    from ...audio.sound_file import SoundFile
    from ...audio.system_ffmpeg import Filter, OtherSoundFile
    from .lanes import SoundLane
    from .levels import LaneGains
    from .options import ExportOptions
    from .pieces import ExportPiece
    from .source import Source


def make_sound_files(
    source: Source, lanes: Sequence[SoundLane], options: ExportOptions, pieces: Sequence[ExportPiece], work: Path
) -> list[dict[str, Any]]:
    """Make the files in `work`; returns what exports.json says of each (UsageError where an ffmpeg fails).

    A piece that is an utterance goes into the lane of its role alone, where lanes are roles.
    """
    reach = pieces[0].start, max(piece.end for piece in pieces)
    levels: list[LaneGains | None] = [None] * len(lanes)
    if options.loudness is not None:
        from .levels import levels_of  # noqa: PLC0415

        levels = [*levels_of(source, lanes, options.loudness, reach)]
    entries: list[dict[str, Any]] = []
    waiting: list[_Sink] = []
    for piece in pieces:
        for lane, level in zip(lanes, levels, strict=True):
            if piece.role is not None and options.roles and piece.role not in lane.roles:
                continue
            copied, formats = _copied(source, lane, options)
            entries += [_copy(source, lane, piece, work / f"{piece.stem}{lane.stem}.{form}") for form in copied]
            if formats:
                waiting.append(_Sink(source, piece, lane, level, options, work, formats))
    if waiting:
        _write(source, waiting, reach)
    entries += [entry for sink in waiting for entry in sink.entries()]
    return sorted(entries, key=lambda one: str(one["name"]))


def _copied(source: Source, lane: SoundLane, options: ExportOptions) -> tuple[list[str], list[str]]:
    """Of the formats that are asked for, those in which packets are copied, and the others."""
    from ...audio.sound_file import FORMATS  # noqa: PLC0415

    formats = dict.fromkeys(options.formats)
    is_whole = len(lane.inputs) == source.head.channels and not lane.is_mixed
    if not is_whole or options.filter_graph is not None or options.loudness is not None:
        return [], [*formats]
    copied: list[str] = []
    if isinstance(source.head, OpusHead):
        copied = [name for name in formats if name in FORMATS and FORMATS[name].is_opus]
    elif isinstance(source.head, PcmHead) and source.head.rate_hz == options.rate_hz:
        from ...audio.pcm_clip import CODECS  # noqa: PLC0415

        copied = [name for name in formats if name in CODECS]
    return copied, [name for name in formats if name not in copied]


def _copy(source: Source, lane: SoundLane, piece: ExportPiece, path: Path) -> dict[str, Any]:
    reach, tags = (piece.start, piece.end), lane.tags(source)
    if isinstance(source.head, PcmHead):
        from ...audio.pcm_clip import copy_samples  # noqa: PLC0415

        samples = copy_samples(source.packets(), source.head, reach, path, tags)
        return _entry(path, piece, lane, source.head.rate_hz, samples, 0)
    from ...audio.opus_clip import copy_clip  # noqa: PLC0415

    assert isinstance(source.head, OpusHead)
    skip = copy_clip(source.packets(), source.head, reach, path, tags)
    return _entry(path, piece, lane, SAMPLES_PER_SECOND, piece.end - piece.start, skip)


def _write(source: Source, waiting: Sequence[_Sink], reach: tuple[int, int]) -> None:
    """Decode the recording once, and give each sink what of it is in its piece; only those at work are open."""
    from ...audio.stretch import decode_stretch  # noqa: PLC0415

    begun, position = 0, reach[0]
    at_work: list[_Sink] = []
    with ExitStack() as closing:
        for block in decode_stretch(source.packets(), source.head, *reach):
            after = position + block.shape[1]
            while begun < len(waiting) and waiting[begun].piece.start < after:
                closing.callback(waiting[begun].close)
                waiting[begun].open()
                at_work.append(waiting[begun])
                begun += 1
            for sink in at_work:
                first, last = max(0, sink.piece.start - position), sink.piece.end - position
                sink.write(block[:, first:last])
            for sink in [one for one in at_work if one.piece.end <= after]:
                sink.finish()
                at_work.remove(sink)
            position = after
        for sink in at_work:
            sink.finish()


class _Sink:
    """The files of one piece and lane, which take its sound as it comes: filtered or levelled, where that is wanted."""

    def __init__(
        self,
        source: Source,
        piece: ExportPiece,
        lane: SoundLane,
        levels: LaneGains | None,
        options: ExportOptions,
        work: Path,
        formats: Sequence[str],
    ) -> None:
        self.piece = piece
        self._lane, self._levels, self._options, self._work = lane, levels, options, work
        self._formats, self._tags = formats, lane.tags(source)
        self._files: list[tuple[str, SoundFile | OtherSoundFile]] = []
        self._filter: Filter | None = None
        self._leveler: Leveler | None = None

    def open(self) -> None:
        """Begin the files."""
        if self._options.filter_graph is not None:
            from ...audio.system_ffmpeg import Filter  # noqa: PLC0415

            self._filter = Filter(self._options.filter_graph, self._lane.channels, self._pass_on)
        if self._levels is not None:
            from ...audio.leveler import Leveler  # noqa: PLC0415

            self._leveler = Leveler(self._levels.gains, self._pass_on, is_mixed=self._lane.is_mixed)
        for form in self._formats:
            name = f"{self.piece.stem}{self._lane.stem}.{form}"
            self._files.append((name, self._file(self._work / name, form)))

    def _file(self, path: Path, form: str) -> SoundFile | OtherSoundFile:
        from ...audio.sound_file import FORMATS, SoundFile  # noqa: PLC0415

        channels, rate_hz = self._lane.channels, self._options.rate_hz
        if form in FORMATS:
            return SoundFile(path, FORMATS[form], channels, rate_hz, self._tags)
        from ...audio.system_ffmpeg import OtherSoundFile  # noqa: PLC0415

        return OtherSoundFile(path, channels, rate_hz, self._tags)

    def write(self, sound: Any) -> None:
        """The next block of all channels."""
        if self._leveler is not None:
            self._leveler.write(self._lane.picked(sound))
        elif self._filter is not None:
            self._filter.write(self._lane.of(sound))
        else:
            self._pass_on(self._lane.of(sound))

    def _pass_on(self, sound: Any) -> None:
        for _, file in self._files:
            file.write(sound)

    def finish(self) -> None:
        """Write the files' ends."""
        for stage in (self._filter, self._leveler):
            if stage is not None:
                stage.finish()
        for _, file in self._files:
            file.finish()
        self.close()

    def close(self) -> None:
        """Let go of the files; they are whole where they were finished."""
        if self._filter is not None:
            self._filter.close()
        for _, file in self._files:
            file.close()

    def entries(self) -> Iterator[dict[str, Any]]:
        """What exports.json says of each file, once all is finished."""
        loudness: dict[str, Any] = {}
        if self._leveler is not None and self._levels is not None:
            from ...audio.integrated_loudness import integrated_lufs  # noqa: PLC0415

            lufs = integrated_lufs(self._leveler.meter.finish())
            loudness["loudness"] = self._levels.json(lufs, self._leveler.limited_frames)
        for name, file in self._files:
            entry = _entry(self._work / name, self.piece, self._lane, file.rate_hz, file.samples, file.priming)
            yield {**entry, **loudness}


def _entry(
    path: Path, piece: ExportPiece, lane: SoundLane, rate_hz: int, samples: int, priming: int | None
) -> dict[str, Any]:
    return {
        **result_files.output_of(path),
        "channels": lane.channels,
        "roles": list(lane.roles),
        "rate_hz": rate_hz,
        "samples": samples,
        "priming_samples": priming,
        **piece.json(),
    }
