"""The last chunk without its beginning: when the recorder was stopped says where what is left of it belongs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from random_cases import SESSION, merge, read_output, undamaged_places
from random_folder import Folder
from random_pool import pool

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("share", [0.3, 0.9])
@pytest.mark.parametrize("name", ["sim-firefox", "sim-chrome"])
def test_it_ends_when_the_recorder_was_stopped(name: str, share: float, tmp_path: Path) -> None:
    """Its packets stood behind those before it, and what was lost before them was said to be lost at the end."""
    recording = next(one for found in pool().values() for one in found if one.name == name)
    folder = Folder.of(recording, {})
    last = folder.own()[-1]
    last.splice(0, round(len(last.data) * share), ())
    folder.write(tmp_path / SESSION, bare=False)
    report = merge(tmp_path)
    true_ms = dict(zip((packet.payload for packet in recording.packets), undamaged_places(recording), strict=True))
    off_ms = [one.time_ms - true_ms[one.payload] for one in read_output(tmp_path) if one.payload in true_ms][-2:]
    assert off_ms == pytest.approx([0, 0], abs=100)  # as much as is on its way at `stop()`
    assert [finding["code"] for finding in report["findings"]].count("sound-lost") == 1
