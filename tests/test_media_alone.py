"""The demuxers and muxers are usable alone: the package's example runs, and none of its texts names a command."""

from __future__ import annotations

import ast
import doctest
import re
from io import BytesIO
from pathlib import Path

import pytest
from recordings import Live, chrome, firefox

from sessiontool import media
from sessiontool.media.probe import open_demuxer

SOURCES = sorted(Path(media.__file__).parent.rglob("*.py"))


def packets(chunks: list[bytes]) -> list[bytes]:
    demuxer = open_demuxer(chunks[0])
    runs = [run for chunk in chunks for run in demuxer.feed(chunk)] + demuxer.flush()
    return [payload for run in runs for payload in run.payloads]


@pytest.mark.parametrize("recording", [chrome(), firefox()], ids=["chrome", "firefox"])
def test_the_example_makes_a_file_with_every_packet(recording: Live) -> None:
    chunks = [recording.data[at : at + 400] for at in range(0, len(recording.data), 400)]
    names: dict[str, object] = {"chunks": chunks}
    example = doctest.DocTestParser().get_doctest(media.__doc__ or "", names, "media", None, 0)
    runner = doctest.DocTestRunner()
    results = runner.run(example, clear_globs=False)
    assert results.attempted > 5
    assert results.failed == 0
    out = example.globs["out"]
    assert isinstance(out, BytesIO)
    assert packets([out.getvalue()]) == packets(chunks) != []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_text_names_a_command_of_ours(path: Path) -> None:
    tree = ast.parse(path.read_text())
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    assert [text for text in texts if re.search(r"\bsessiontool [a-z]", text)] == []
