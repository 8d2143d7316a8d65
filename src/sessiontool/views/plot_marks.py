"""The marks of an alignment's picture: the box where an utterance was found, the bracket where the log has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ..model import SURE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..sessions.explain_alignment import Story

WIDTH_IN, LEFT_IN, RIGHT_IN = 15.0, 0.95, 0.2
"""Inches of the picture and its margins (lines of a page); chosen."""


DRAWN_IN = WIDTH_IN - LEFT_IN - RIGHT_IN


_CHARACTER_IN = 0.056
"""Inches of width of a letter; chosen for the size of text that is used."""


COLOURS = {"user": "#0072b2", "assistant": "#009e73"}


OTHER, LOG, WRONG, GAP, INK, FAINT = "#7a5195", "#555555", "#d55e00", "#e9e6df", "#222222", "#c8c8c8"


BAND_STEP, LOUD, _BOX, _TEXT, _TICK = 1.85, 0.8, (-0.08, 1.06), 0.93, 0.06
"""Heights within a band in units of its sound, which reaches from 0 to `LOUD`; chosen."""


class PlottedUtterance(Struct, frozen=True):
    """An utterance to draw: on which band, and how high the bracket of its logged time is."""

    story: Story
    band: int
    height: float

    @property
    def found_s(self) -> tuple[float, float] | None:
        start, end = self.story.found_ms
        return None if start is None or end is None else (start / 1000, end / 1000)

    def touches(self, begin_s: float, end_s: float) -> bool:
        """Whether anything of it, as found or as logged, is between two times."""
        at_s = [at / 1000 for at in (*self.story.found_ms, *self.story.logged_ms) if at is not None]
        return bool(at_s) and min(at_s) < end_s and max(at_s) > begin_s

    @property
    def colour(self) -> str:
        return COLOURS.get(self.story.placement.utterance.role, OTHER)


def draw_box(axes: Axes, item: PlottedUtterance, foot: float) -> None:
    """Where an utterance was found."""
    from matplotlib.patches import Rectangle  # noqa: PLC0415

    placement, span, window = item.story.placement, item.found_s, axes.get_xlim()
    if span is None or span[0] >= window[1] or span[1] <= window[0]:
        return
    bottom, top = foot + _BOX[0], foot + _BOX[1]
    corner, width, height = (span[0], bottom), span[1] - span[0], top - bottom
    pale = 0.06 + 0.22 * placement.confidence
    axes.add_patch(Rectangle(corner, width, height, color=item.colour, alpha=pale, lw=0, zorder=1))
    line = "-" if placement.confidence >= SURE else ":"
    axes.add_patch(Rectangle(corner, width, height, fill=False, ec=item.colour, lw=1.0, ls=line, zorder=4))
    if placement.status == "clipped":
        axes.plot([span[1]] * 2, [bottom, top], color=INK, lw=2.5, solid_capstyle="butt", zorder=5)
    _label(axes, item.story, span, foot + _TEXT, INK)


def draw_bracket(axes: Axes, item: PlottedUtterance, foot: float) -> None:
    """Where the log has an utterance, joined to where it was found."""
    start_ms, end_ms = item.story.logged_ms
    if start_ms is None:
        return
    start, span = start_ms / 1000, item.found_s
    end = max(start + 0.01, (end_ms or 0) / 1000)
    low, high = axes.get_xlim()
    if start >= high or end <= low:
        return
    top = foot + item.height
    colour = LOG if span is not None else WRONG
    axes.plot([start, start, end, end], [top - _TICK, top, top, top - _TICK], color=colour, lw=1.2, zorder=5)
    if span is not None:
        axes.plot([start, span[0]], [top - _TICK, foot + _BOX[1]], color=LOG, lw=0.7, alpha=0.7, zorder=5)
    elif start >= low:
        axes.plot([start], [top], marker="x", color=WRONG, ms=5, mew=1.5, zorder=6)
        _label(axes, item.story, (end, high), top, WRONG, most=30)


def _label(axes: Axes, story: Story, span_s: tuple[float, float], height: float, colour: str, most: int = 1000) -> None:
    """As much of an utterance's id and text as there is room for."""
    low_s, high_s = axes.get_xlim()
    inch_s = (high_s - low_s) / DRAWN_IN
    start = max(span_s[0], low_s) + 0.04 * inch_s
    room = min(most, int((min(span_s[1], high_s) - start) / inch_s / _CHARACTER_IN))
    utterance = story.placement.utterance
    text = _drawable(f"{utterance.id}  {' '.join(utterance.text.split())}", utterance.id)
    if room < min(4, len(text)):
        return
    shown = text if len(text) <= room else text[: room - 1] + "…"
    axes.text(start, height, shown, fontsize=6.5, color=colour, parse_math=False, zorder=7, va="center")


def _drawable(text: str, otherwise: str) -> str:
    """The text if the font has its characters, else `otherwise`, as far as it has those."""
    font = _font()
    if all(font.get_char_index(ord(character)) for character in text):
        return text
    return "".join(character for character in otherwise if font.get_char_index(ord(character)))


def _font() -> Any:
    from matplotlib.font_manager import FontProperties, findfont, get_font  # noqa: PLC0415

    return get_font(findfont(FontProperties()))
