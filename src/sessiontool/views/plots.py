"""An alignment as a picture: what each channel holds, where the log has its utterances, and where they were found.

Time runs in rows from left to right.  In a row each channel has a band: the level of its sound, a box for each
utterance where it was found (paler where that is less sure), and above it a bracket where the log has it, joined to
the box.  Below all rows, how far the log is off over the whole recording: a point for each utterance, and where the
clock and the role's habits had it.

The only place that knows matplotlib, which is the extra `plot`; no window is ever opened.
"""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError, install_line
from ..model import SURE
from ..sessions.explain_alignment import channel_of, stories
from .plot_marks import (
    BAND_STEP,
    COLOURS,
    DRAWN_IN,
    FAINT,
    GAP,
    INK,
    LEFT_IN,
    LOG,
    LOUD,
    OTHER,
    WIDTH_IN,
    WRONG,
    PlottedUtterance,
    draw_box,
    draw_bracket,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from ..alignment.speech_activity import ChannelActivity
    from ..sessions.explain_alignment import PlacingResult

_ENDINGS = (".png", ".svg")
_ROW_S = (30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)
"""Lengths of a row; chosen: round numbers."""
_MOST_ROWS = 12
"""Lines of the picture; chosen: what fits on a screen."""
_TICKS_S = (0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)
"""Distances of ticks; chosen: round numbers."""
_MOST_TICKS = 15
"""Numbers below a row; chosen: they do not touch."""

_HEAD_IN, _BAND_IN, _UNDER_ROW_IN, _OFF_IN, _FOOT_IN = 0.95, 0.85, 0.38, 1.35, 0.4
"""Inches of height of the parts of the picture; chosen."""
_DPI = 120
"""Pixels, as steps of an inch; chosen."""
_BINS = 1500
"""Steps of the waveform in a row; chosen: about a pixel each."""
_LOUDEST_DB, _QUIETEST_DB = -6.0, -66.0
"""Chosen: speech reaches from one to the other."""
_LEAST_UNCLAIMED_MS = 300
"""Chosen: what is shorter is seldom a word."""

_SOUND = "#a9b0b7"

_BRACKETS, _WRONG_BRACKET = (1.18, 1.34), 1.54
"""Heights within a band in units of its sound; chosen."""


def check_plot(file: str) -> None:
    """UsageError where a picture cannot be made, or not under that name."""
    if Path(file).suffix.lower() not in _ENDINGS:
        raise UsageError(f"{file!r} is no name for a picture", hint=f"it ends in {' or '.join(_ENDINGS)}")
    try:
        import matplotlib as mpl  # noqa: F401, PLC0415 - it takes half a second to come up
    except ImportError as error:
        raise UsageError("pictures need the package matplotlib", hint=install_line("plot")) from error
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # it says that its first picture takes longer


def save_plot(result: PlacingResult, file: str, begin_s: float = 0.0, end_s: float | None = None) -> None:
    """Draw a session, or a part of it, to `file` (UsageError, OSError)."""
    whole_s = result.duration_ms / 1000
    end_s = whole_s if end_s is None else min(end_s, whole_s)
    if not 0 <= begin_s < end_s:
        raise UsageError(f"there is nothing from {begin_s:g} s to {end_s:g} s", hint=f"the recording has {whole_s:g} s")
    from matplotlib import rc_context  # noqa: PLC0415

    path = Path(file)
    beside = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        with rc_context({"svg.hashsalt": result.session_id}):  # or the same picture has other ids every time
            figure = draw(result, begin_s, end_s)
            figure.savefig(beside, dpi=_DPI, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def row_seconds(length_s: float) -> float:
    """How much of the time one row shows: all of it where it is short, else so that not too many rows are needed."""
    if length_s <= _ROW_S[0]:
        return length_s
    return next((row for row in _ROW_S if length_s <= row * _MOST_ROWS), length_s / _MOST_ROWS)


def draw(result: PlacingResult, begin_s: float, end_s: float) -> Figure:
    """The picture of what is between two times, not yet written anywhere."""
    from matplotlib import rc_context  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    row_s = row_seconds(end_s - begin_s)
    starts = [begin_s + row_s * k for k in range(math.ceil((end_s - begin_s) / row_s - 1e-6))]
    bands_in = len(result.activity.channels) * _BAND_IN
    height_in = _HEAD_IN + len(starts) * (bands_in + _UNDER_ROW_IN) + _OFF_IN + _FOOT_IN
    items = _items(result)
    with rc_context({"font.size": 8, "axes.edgecolor": FAINT}):
        figure = Figure((WIDTH_IN, height_in))

        def axes(top_in: float, tall_in: float) -> Axes:
            box = (LEFT_IN / WIDTH_IN, 1 - (top_in + tall_in) / height_in, DRAWN_IN / WIDTH_IN, tall_in / height_in)
            return figure.add_axes(box)

        _head(figure, result, items, height_in)
        for k, start_s in enumerate(starts):
            row = axes(_HEAD_IN + k * (bands_in + _UNDER_ROW_IN), bands_in)
            _draw_row(row, result, items, start_s, start_s + row_s, min(end_s, start_s + row_s))
        _draw_off(axes(height_in - _OFF_IN - _FOOT_IN + 0.25, _OFF_IN - 0.25), items, begin_s, end_s)
    return figure


def _items(result: PlacingResult) -> list[PlottedUtterance]:
    """What to draw, with a free height for each bracket: those of one band must not lie on one another."""
    items: list[PlottedUtterance] = []
    busy: dict[tuple[int, int], float] = {}  # until when, in ms, the brackets of a channel and height reach
    numbered = list(enumerate(stories(result)))
    for index, story in sorted(numbered, key=lambda pair: pair[1].logged_ms[0] or 0.0):
        channel = channel_of(result, index)
        if channel is None:
            continue
        start, end = story.logged_ms[0] or 0.0, story.logged_ms[1] or 0.0
        height = int(busy.get((channel, 0), -1e12) > start)
        if story.found_ms[0] is not None:
            busy[channel, height] = max(start, end)
        items.append(
            PlottedUtterance(story, channel, _BRACKETS[height] if story.found_ms[0] is not None else _WRONG_BRACKET)
        )
    return items


def _head(figure: Figure, result: PlacingResult, items: Sequence[PlottedUtterance], height_in: float) -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415
    from matplotlib.patches import Patch  # noqa: PLC0415

    found = [item for item in items if item.story.found_ms[0] is not None]
    sure = sum(item.story.placement.confidence >= SURE for item in found)
    every = len(result.alignment.placements)
    x = LEFT_IN / WIDTH_IN
    text = f"{result.session_id}: {len(found)} of {every} utterances found, {sure} with confidence {SURE} or more"
    figure.text(x, 1 - 0.25 / height_in, text, fontsize=11, weight="bold", color=INK, parse_math=False, va="center")
    keys: list[Any] = [
        *(Patch(fc=COLOURS.get(role, OTHER), alpha=0.6, label=f"{role}, where found") for role in _roles(items)),
        Patch(fc="white", ec=INK, ls=":", label=f"confidence below {SURE}"),
        Line2D([], [], color=INK, lw=2.5, label="cut off here"),
        Line2D([], [], color=LOG, lw=1.2, label="where the log has it"),
        Line2D([], [], color=WRONG, lw=1.2, marker="x", ms=5, label="logged, not found"),
        Line2D([], [], color=WRONG, lw=3, label="speech that no utterance has"),
        Patch(color=GAP, label="nothing recorded"),
    ]
    place = (x - 0.06 / WIDTH_IN, 1 - 0.42 / height_in)
    figure.legend(
        handles=keys,
        loc="upper left",
        bbox_to_anchor=place,
        ncols=len(keys),
        frameon=False,
        fontsize=8,
        borderaxespad=0,
        borderpad=0,
        columnspacing=1.6,
        handlelength=1.8,
    )


def _roles(items: Sequence[PlottedUtterance]) -> list[str]:
    return list(dict.fromkeys(item.story.placement.utterance.role for item in items if item.story.evidence))


# -- a row


def _draw_row(
    axes: Axes, result: PlacingResult, items: Sequence[PlottedUtterance], start_s: float, end_s: float, drawn_s: float
) -> None:
    """Bands from top to bottom, each one high, with room for brackets above."""
    bands = len(result.activity.channels)
    axes.set_xlim(start_s, end_s)
    axes.set_ylim(-BAND_STEP * (bands - 1) - 0.15, _WRONG_BRACKET + 0.08)
    axes.set_yticks([LOUD / 2 - BAND_STEP * band for band in range(bands)], _band_names(result))
    axes.tick_params(left=False, color=FAINT, labelcolor=INK)
    axes.spines[["top", "left", "right"]].set_visible(False)
    _set_times(axes)
    for low_s, high_s in _gaps(result):
        if low_s < drawn_s and high_s > start_s:
            axes.axvspan(low_s, high_s, color=GAP, lw=0, zorder=0)
    for band, channel in enumerate(result.activity.channels):
        foot = -BAND_STEP * band
        mine = [item for item in items if item.band == band and item.touches(start_s, drawn_s)]
        _draw_level(axes, channel, foot, (start_s, drawn_s), mine)
        _draw_unclaimed(axes, channel, foot, (start_s, drawn_s), mine)
        for item in mine:
            draw_box(axes, item, foot)
            draw_bracket(axes, item, foot)


def _set_times(axes: Axes) -> None:
    """Ticks at round times, a dozen or so."""
    low, high = axes.get_xlim()
    step = next((step for step in _TICKS_S if high - low <= step * _MOST_TICKS), _TICKS_S[-1])
    axes.set_xticks([step * k for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)])
    axes.xaxis.set_major_formatter(_clock)


def _clock(at: float, _: object = None) -> str:
    minutes, seconds = divmod(abs(at), 60)
    return ("-" if at < 0 else "") + f"{minutes:.0f}:" + (f"{seconds:02.0f}" if at % 1 == 0 else f"{seconds:04.1f}")


def _band_names(result: PlacingResult) -> list[str]:
    names = list(result.channels) if len(result.channels) == len(result.activity.channels) else []
    sides = ("left", "right") if len(result.activity.channels) == 2 else ("mono",)
    return [f"{name}\n({side})" for name, side in zip(names or [""] * len(sides), sides, strict=True)]


def _gaps(result: PlacingResult) -> Iterator[tuple[float, float]]:
    for span in result.timeline.spans:
        if span.kind == "silence":
            yield span.output_start / 48_000, span.output_end / 48_000


def _draw_level(
    axes: Axes, channel: ChannelActivity, foot: float, window_s: tuple[float, float], items: Sequence[PlottedUtterance]
) -> None:
    """The loudest level of each of a row's bins; in the speaker's colour where an utterance was found."""
    import numpy as np  # noqa: PLC0415

    levels = _levels(channel, *window_s)
    if not len(levels):
        return
    share = np.clip((levels - _QUIETEST_DB) / (_LOUDEST_DB - _QUIETEST_DB), 0, 1) * LOUD
    at = np.linspace(*window_s, len(levels))
    axes.fill_between(at, foot, foot + share, color=_SOUND, lw=0, zorder=2)
    for item in items:
        if (span := item.found_s) is not None:
            inside = (at >= span[0]) & (at <= span[1])
            axes.fill_between(at, foot, foot + share, where=inside.tolist(), color=item.colour, lw=0, zorder=3)


def _levels(channel: ChannelActivity, start_s: float, end_s: float) -> NDArray[np.float32]:
    import numpy as np  # noqa: PLC0415

    from ..alignment.band_levels import POWER_MS, to_db  # noqa: PLC0415

    first, last = (round(1000 * at) // POWER_MS for at in (start_s, end_s))
    power = channel.power[first:last]
    size = max(1, len(power) // _BINS)
    whole = power[: len(power) // size * size].reshape(-1, size)
    loudest: NDArray[np.float32] = to_db(whole.max(axis=1)) if len(whole) else np.zeros(0, np.float32)
    return loudest


def _draw_unclaimed(
    axes: Axes, channel: ChannelActivity, foot: float, window_s: tuple[float, float], items: Sequence[PlottedUtterance]
) -> None:
    """A line under speech that no utterance has."""
    taken = [span for item in items if (span := item.found_s) is not None]
    for start, end in channel.islands / 1000:
        free = all(end <= low or start >= high for low, high in taken)
        if free and end - start >= _LEAST_UNCLAIMED_MS / 1000 and start < window_s[1] and end > window_s[0]:
            axes.plot([start, end], [foot - 0.06] * 2, color=WRONG, lw=3, solid_capstyle="butt", zorder=3)


# -- how far the log is off


def _draw_off(axes: Axes, items: Sequence[PlottedUtterance], begin_s: float, end_s: float) -> None:
    """Found minus logged, for each utterance's start; and where the clock and the role's habits had it."""
    shown = [item for item in items if item.found_s is not None and begin_s <= item.found_s[0] <= end_s]
    groups: dict[tuple[str, bool], list[tuple[float, float, float]]] = {}
    for item in shown:
        story, at = item.story, (item.story.found_ms[0] or 0) / 1000
        if story.off_ms is not None:
            was = story.off_ms - (story.residual_ms or 0.0)
            groups.setdefault((item.colour, story.placement.confidence >= SURE), []).append((at, story.off_ms, was))
    for (colour, sure), points in groups.items():
        at_s, off, expected = zip(*points, strict=True)
        axes.vlines(at_s, expected, off, color=colour, lw=1, alpha=0.6)
        axes.plot(at_s, expected, marker="_", ls="", color=colour, ms=7)
        axes.plot(at_s, off, marker="o", ls="", ms=4, color=colour, mfc=colour if sure else "white")
    axes.set_xlim(begin_s, end_s)
    axes.margins(y=0.15)
    _set_times(axes)
    axes.grid(axis="y", color="#eeeeee")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(color=FAINT, labelcolor=INK)
    axes.set_ylabel("found minus\nlogged, ms", color=INK)
    title = "How far the log is off: each start (dot), and where the log's clock and its role's habits put it (dash)"
    axes.set_title(title, fontsize=8, loc="left", color=INK)
