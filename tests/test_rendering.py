"""How times read, whatever their sign."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import CHROME_TOC, cluster, live_header, payloads, simple_block
from typer.testing import CliRunner

from sessiontool.cli import app
from sessiontool.views.plots import _clock as tick
from sessiontool.views.view import clock

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00.000"), (-0.0001, "0:00.000"), (-0.001, "-0:00.001"), (-61.5, "-1:01.500"), (3600, "1:00:00.000")],
)
def test_a_clock_shows_times_before_zero(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@given(st.integers(-(10**10), 10**10))
def test_a_time_and_its_negative_differ_in_the_sign_alone(ms: int) -> None:
    assert clock(-abs(ms) / 1000) == ("-" if ms else "") + clock(abs(ms) / 1000)


@pytest.mark.parametrize(("seconds", "text"), [(-90, "-1:30"), (-0.5, "-0:00.5"), (90, "1:30"), (61.5, "1:01.5")])
def test_ticks_of_a_plot_show_times_before_zero(seconds: float, text: str) -> None:
    assert tick(seconds) == text


def test_a_part_that_began_before_zero(tmp_path: Path) -> None:
    """Times are rounded: by all those after it, the first packet began at -1 ms."""
    folder = tmp_path / "s" / "chunks" / "0"
    folder.mkdir(parents=True)
    blocks = [simple_block(data, max(0, 60 * i - 1)) for i, data in enumerate(payloads(20, toc=CHROME_TOC))]
    (folder / "0.webm").write_bytes(live_header() + cluster(0, *blocks))
    shown = CliRunner().invoke(app, ["inspect", "s", "--store", str(tmp_path)]).stdout
    assert "from -0:00.001 on" in shown
