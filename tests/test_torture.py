"""Files that other projects test their parsers with, each as a session of one chunk: a whole result or a clear refusal.

The real command is run.  What a file holds is PyAV's demuxer's word; `data/torture/LICENSES.md` says where files are
from.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import av
import pytest
from typer.testing import CliRunner

from sessiontool.cli import app

if TYPE_CHECKING:
    from typer.testing import Result

FILES = sorted(path for path in (Path(__file__).parent / "data" / "torture").iterdir() if path.suffix != ".md")
NOT_AS_DEMUXED = {
    "bug2020502": "its blocks are laced, and refused",
    "two_tracks": "its Opus track has no OpusHead: refused, or its packets taken from the blocks",
}
"""Of these files nobody can ask for exactly what the demuxer gives."""


def opus_packets(path: Path) -> list[bytes] | None:
    """The packets of a file's first track with Opus in mono or stereo; None where there is none."""
    try:
        with av.open(str(path)) as container:
            streams = [stream for stream in container.streams.audio if stream.codec_context.name in ("opus", "libopus")]
            if not streams or streams[0].channels > 2:
                return None
            return [bytes(packet) for packet in container.demux(streams[0]) if packet.size]
    except av.FFmpegError:
        return None


def command(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_whole_result_or_a_clear_refusal(path: Path, tmp_path: Path) -> None:
    chunk = tmp_path / "session" / "chunks" / "000" / f"000000{path.suffix}"
    chunk.parent.mkdir(parents=True)
    shutil.copyfile(path, chunk)
    done = command("merge", "session", "--store", tmp_path)
    expected = opus_packets(path)
    if any(name in path.name for name in NOT_AS_DEMUXED):
        expected = None
    assert done.exit_code == 0 or expected is None, done.stderr
    merged = tmp_path / "session" / "merged"
    if done.exit_code:
        error, hint = done.stderr.splitlines()
        assert (done.exit_code, done.stdout) == (4, "")
        assert error.startswith("error: ")
        assert hint.startswith("hint: ")
        assert not merged.exists()
        return
    assert command("verify", "session", "--store", tmp_path).exit_code == 0
    output = opus_packets(merged / "audio.webm")
    assert output
    if expected is not None:
        report = json.loads((merged / "report.json").read_text())
        assert report["packets"]["recorded"] == len(expected)
        rest = iter(output)
        assert all(packet in rest for packet in expected), "packets are missing, or in another order"


def test_there_are_results_and_refusals() -> None:
    usable = sum(opus_packets(path) is not None for path in FILES)
    assert 5 <= usable <= len(FILES) - 20
