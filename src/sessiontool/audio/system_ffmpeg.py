"""A system ffmpeg, where there is one: filter graphs, and the containers that PyAV is not asked for.

ffmpeg-python writes its command lines; the program is the one on PATH, else that of imageio-ffmpeg, where it is
installed.  Sound goes through pipes, block by block, so that the length of a recording does not matter.

Not here: the formats that need no ffmpeg (`sound_file`), and what a filter does to the time of what is said.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UsageError, install_line
from ..media.opus import SAMPLES_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_READ_SAMPLES = 48_000  # chosen: a second; what comes out of a filter is handed on in blocks of that
_SAMPLE_BYTES = 4  # of 32 bits (by definition)
_MOST_SAID_LETTERS = 300  # chosen: of ffmpeg's first line, which has the cause and may repeat a whole graph
_PATIENCE_S = 600.0  # chosen: how long ffmpeg may take to end after it has had everything
_MOST_LONGER = 10  # chosen: ratio; a filter that gives more than that for what it got repeats it without end

_SPEAKER = r"^\[[^]]* @ 0x[0-9a-f]+\] "
"""What part of ffmpeg a line comes from."""


def find_ffmpeg(wanted_for: str) -> str:
    """The path of an ffmpeg; UsageError, which says what it is `wanted_for`, where there is none."""
    if found := shutil.which("ffmpeg"):
        return found
    with suppress(ImportError, RuntimeError):
        from imageio_ffmpeg import get_ffmpeg_exe  # noqa: PLC0415 - an extra

        return str(get_ffmpeg_exe())
    raise UsageError(
        f"{wanted_for} needs ffmpeg, and there is none on PATH",
        hint=f"install ffmpeg, or a package that brings one: {install_line('ffmpeg')}",
    )


class _Running:
    """An ffmpeg that takes sound at 48 kHz through its standard input."""

    def __init__(self, command: list[str], what: str, output: int) -> None:
        self._what, self._said = what, TemporaryFile()  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(  # noqa: S603 - an ffmpeg that was looked up, and no shell
            command, stdin=subprocess.PIPE, stdout=output, stderr=self._said
        )
        self.output = self._process.stdout
        self.is_over = False

    def write(self, sound: Floats) -> None:
        """Send a block; what comes after ffmpeg has had enough, and ended well, is left out."""
        assert self._process.stdin is not None
        if self.is_over:
            return
        try:
            self._process.stdin.write(np.ascontiguousarray(sound.T, np.float32).data)
        except OSError:
            self.is_over = True
            self.end()

    def end_input(self) -> None:
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()

    def end(self) -> None:
        """Wait for ffmpeg to end (UsageError with its own first line where it failed)."""
        self.end_input()
        try:
            code = self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise UsageError(f"ffmpeg did not come to an end with {self._what}", hint="try it without") from None
        self._said.seek(0)
        lines = self._said.read().decode("utf-8", "replace").strip().splitlines()
        if code:
            why = re.sub(_SPEAKER, "", lines[0])[:_MOST_SAID_LETTERS] if lines else f"it ended with code {code}"
            raise UsageError(f"ffmpeg cannot do {self._what}: {why}", hint="try the same with ffmpeg itself")

    def stop(self) -> None:
        self._process.kill()

    def kill(self) -> None:
        """End it at once, whatever it does; nothing where it has ended."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._said):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()


class Filter:
    """A filter graph of ffmpeg that sound is sent through; what comes out is handed to `sink`, in blocks.

    Blocks have the shape (channels, n), at 48 kHz with full scale 1.0, both ways.  `sink` is called in a thread of the
    filter's own.
    """

    def __init__(self, graph: str, channels: int, sink: Callable[[Floats], None]) -> None:
        import ffmpeg  # noqa: PLC0415 - only a filter needs it

        raw: dict[str, Any] = {"format": "f32le", "ar": SAMPLES_PER_SECOND, "ac": channels}
        stream = ffmpeg.input("pipe:0", **raw).output("pipe:1", acodec="pcm_f32le", af=graph, **raw)
        self._what = what = f"--filter {graph[:80]!r}"
        self._channels, self._sink, self._sent = channels, sink, 0
        self._ffmpeg = _Running(_command(stream, find_ffmpeg("--filter")), what, subprocess.PIPE)
        self._pool = ThreadPoolExecutor(1)
        self._passing: Future[None] = self._pool.submit(self._pass_on)

    def write(self, sound: Floats) -> None:
        """Send a block in; UsageError where ffmpeg has ended, with what it says."""
        self._sent += sound.shape[1]
        try:
            self._ffmpeg.write(sound)
        except UsageError:
            self._passing.result()  # where the sink failed, that is the cause
            raise

    def finish(self) -> None:
        """Wait for the rest to come out; UsageError where ffmpeg failed, and what `sink` raised."""
        self._ffmpeg.end_input()
        self._passing.result()
        self._ffmpeg.end()

    def close(self) -> None:
        """End ffmpeg, whatever it does."""
        self._ffmpeg.kill()
        self._pool.shutdown()

    def _pass_on(self) -> None:
        assert self._ffmpeg.output is not None
        size = _READ_SAMPLES * self._channels * _SAMPLE_BYTES
        given = 0
        try:
            while block := self._ffmpeg.output.read(size):
                sound = np.frombuffer(block, np.float32).reshape(-1, self._channels).T
                given += sound.shape[1]
                if given > _MOST_LONGER * (self._sent + SAMPLES_PER_SECOND):
                    raise UsageError(f"{self._what} makes sound without end", hint="end it in the graph, with atrim")
                self._sink(sound)
        except BaseException:
            self._ffmpeg.stop()  # or it would wait for ever to hand on its sound
            raise


class OtherSoundFile:
    """A file of a kind that ffmpeg alone is asked for, by its ending; written to as a `SoundFile`.

    `samples` counts what was written, at the rate of the file.  How much an encoder puts in front is not known:
    `priming` is None.
    """

    def __init__(self, path: Path, channels: int, rate_hz: int, tags: Mapping[str, str]) -> None:
        import ffmpeg  # noqa: PLC0415 - only such a file needs it

        what = f"--format {path.suffix[1:]}"
        self.samples, self.rate_hz, self.priming = 0, rate_hz, None
        self._taken, self._path, self._what = 0, path, what
        self._folder = TemporaryDirectory(prefix=".ffmpeg-", dir=path.parent)
        self._made = Path(self._folder.name) / path.name
        raw: dict[str, Any] = {"format": "f32le", "ar": SAMPLES_PER_SECOND, "ac": channels}
        named = {f"metadata:g:{number}": f"{name}={value}" for number, (name, value) in enumerate(tags.items())}
        stream = ffmpeg.input("pipe:0", **raw).output(str(self._made.absolute()), ar=rate_hz, ac=channels, **named)
        self._ffmpeg = _Running(_command(stream, find_ffmpeg(what)), what, subprocess.DEVNULL)

    def write(self, sound: Floats) -> None:
        """Write a block of shape (channels, n), full scale 1.0; UsageError where ffmpeg cannot write such a file."""
        self._taken += sound.shape[1]
        self._ffmpeg.write(sound)

    def finish(self) -> None:
        """Write the file's end (UsageError where ffmpeg cannot)."""
        self._ffmpeg.end()
        self.samples = -(-self._taken * self.rate_hz // SAMPLES_PER_SECOND)
        if [one.name for one in self._made.parent.iterdir()] != [self._path.name]:
            raise UsageError(f"{self._what} makes several files of one", hint="name a format that is one file")
        self._made.replace(self._path)

    def close(self) -> None:
        """End ffmpeg, whatever it does, and leave nothing but a finished file."""
        self._ffmpeg.kill()
        self._folder.cleanup()


def _command(stream: Any, program: str) -> list[str]:
    quiet = stream.global_args("-hide_banner", "-nostats", "-loglevel", "error")
    return [str(one) for one in quiet.compile(cmd=program)]
